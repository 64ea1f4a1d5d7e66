"""Referrers by their host."""

from __future__ import annotations

import pytest
import yaml

from ingestion.enrichment.referrers import REFERRERS_FILE, Referrer, classify_referrer


@pytest.mark.parametrize(
    ("host", "kind", "name"),
    [
        ("google.com", "search", "Google"),
        ("www.google.co.uk", "search", "Google"),
        ("google.com.br", "search", "Google"),
        ("GOOGLE.DE", "search", "Google"),
        ("google.de.", "search", "Google"),
        ("com.google.android.googlequicksearchbox", "search", "Google"),
        ("de.search.yahoo.com", "search", "Yahoo"),
        ("search.brave.com", "search", "Brave"),
        # The longest host wins.
        ("mail.google.com", "mail", "Gmail"),
        ("gemini.google.com", "ai_assistant", "Gemini"),
        ("accounts.google.com", "internal", "Login"),
        ("docs.google.com", "other", "Google Workspace"),
        ("mail.yahoo.co.jp", "mail", "Yahoo Mail"),
        ("com.google.android.gm", "mail", "Gmail"),
        ("l.facebook.com", "social", "Facebook"),
        ("m.facebook.com", "social", "Facebook"),
        ("t.co", "social", "X"),
        ("lnkd.in", "social", "LinkedIn"),
        ("old.reddit.com", "social", "Reddit"),
        ("chatgpt.com", "ai_assistant", "ChatGPT"),
        ("chat.openai.com", "ai_assistant", "ChatGPT"),
        ("www.perplexity.ai", "ai_assistant", "Perplexity"),
        ("copilot.microsoft.com", "ai_assistant", "Copilot"),
        ("claude.ai", "ai_assistant", "Claude"),
        ("checkout.stripe.com", "internal", "Payment"),
        # Nobody we know, though it looks alike.
        ("notgoogle.com", "other", "notgoogle.com"),
        ("google.evil.com", "other", "google.evil.com"),
        ("google.com.evil.example", "other", "google.com.evil.example"),
        ("reddit.co", "other", "reddit.co"),
        ("microsoft.com", "other", "microsoft.com"),
        ("www.blog.example", "other", "blog.example"),
        ("google", "other", "google"),
        ("192.0.2.1", "other", "192.0.2.1"),
        ("localhost", "other", "localhost"),
        ("", "other", ""),
    ],
)
def test_a_host_is_of_one_kind(host: str, kind: str, name: str) -> None:
    assert classify_referrer(host) == Referrer(kind, name)


def test_the_table_names_each_host_once_and_plainly() -> None:
    classes = yaml.safe_load(REFERRERS_FILE.read_text(encoding="utf-8"))
    assert set(classes) == {"search", "social", "mail", "ai_assistant", "internal", "other"}
    hosts = [host for names in classes.values() for listed in names.values() for host in listed]
    assert sorted(set(hosts)) == sorted(hosts)
    assert [host for host in hosts if host != host.lower() or host.startswith("www.") or "/" in host] == []
