# ruff: noqa: E501 - user agents are as long as they are
"""User agents: what ua-parser says is what we say; device types and bots against expectations written by hand."""

from __future__ import annotations

import pytest

from ingestion.enrichment.user_agents import UserAgent, parse_user_agent, rules_version

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"

# text, browser family, major, system, version, device type
PEOPLE = [
    (f"{WINDOWS} Chrome/124.0.0.0 Safari/537.36", "Chrome", "124", "Windows", "10", "desktop"),
    (f"{WINDOWS} Chrome/124.0.0.0 Safari/537.36 Edg/124.0.2478.51", "Edge", "124", "Windows", "10", "desktop"),
    ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; Touch; Tablet PC 2.0; rv:11.0) like Gecko", "IE", "11", "Windows", "7", "desktop"),
    (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", "Safari", "17", "Mac OS X", "10.15.7", "desktop"),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0", "Firefox", "125", "Ubuntu", "", "desktop"),
    ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123.0.0.0 Safari/537.36", "Chrome", "123", "Chrome OS", "14541.0.0", "desktop"),
    (f"{IPHONE} Version/17.4.1 Mobile/15E148 Safari/604.1", "Mobile Safari", "17", "iOS", "17.4.1", "mobile"),
    ("Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36", "Chrome Mobile", "124", "Android", "14", "mobile"),
    ("Mozilla/5.0 (Android 13; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0", "Firefox Mobile", "125", "Android", "13", "mobile"),
    # A phone of the maker Cubot is no bot.
    ("Mozilla/5.0 (Linux; Android 10; CUBOT_X20_PRO) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0.4664.45 Mobile Safari/537.36", "Chrome Mobile", "96", "Android", "10", "mobile"),
    ("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A.230901.001)", "Android", "13", "Android", "13", "mobile"),
    ("okhttp/4.9.3", "okhttp", "4", "", "", "mobile"),
    ("Shop/412 CFNetwork/1410.0.3 Darwin/22.6.0", "Shop", "412", "iOS", "16", "mobile"),
    ("Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Mobile/15E148 Safari/604.1", "Mobile Safari", "16", "iOS", "16.5", "tablet"),
    ("Mozilla/5.0 (Linux; Android 11; SM-T870) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36", "Chrome", "120", "Android", "11", "tablet"),
    ("Mozilla/5.0 (Android 13; Tablet; rv:125.0) Gecko/125.0 Firefox/125.0", "Firefox Mobile", "125", "Android", "13", "tablet"),
    ("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36", "Safari", "", "Tizen", "6.0", "tv"),
    ("Mozilla/5.0 (Linux; Android 9; AFTS Build/PS7233; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/70.0.3538.110 Mobile Safari/537.36", "Chrome Mobile WebView", "70", "Android", "9", "tv"),
    ("Roku/DVP-12.5 (12.5.0 build 4178-CO)", "Roku", "12", "Roku", "12.5", "tv"),
    ("Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15", "Safari", "13", "", "", "tv"),
    ("Something nobody knows", "", "", "", "", "unknown"),
    ("", "", "", "", "", "unknown"),
]  # fmt: skip

BOTS = [
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler"),
    ("Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)", "crawler"),
    ("AdsBot-Google (+http://www.google.com/adsbot.html)", "crawler"),
    ("Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)", "crawler"),
    ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "ai"),
    ("Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", "ai"),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "preview"),
    ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "preview"),
    ("WhatsApp/2.23.20.0", "preview"),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36", "headless"),
    ("Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1", "headless"),
    ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", "monitor"),
    ("curl/8.4.0", "tool"),
    ("python-requests/2.31.0", "tool"),
    ("Go-http-client/2.0", "tool"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "family", "major", "system", "version", "device"), PEOPLE)
def test_people(text: str, family: str, major: str, system: str, version: str, device: str) -> None:
    assert parse_user_agent(text) == UserAgent(family, major, system, version, device, "")


@pytest.mark.parametrize(("text", "kind"), BOTS)
def test_bots(text: str, kind: str) -> None:
    parsed = parse_user_agent(text)
    assert (parsed.device_type, parsed.bot_kind) == ("bot", kind)


@pytest.mark.parametrize("text", [row[0] for row in (*PEOPLE, *BOTS)])
def test_family_and_major_are_those_of_ua_parser(text: str) -> None:
    """Against its older interface, which works on the same rules by another road."""
    from ua_parser import user_agent_parser

    reference = user_agent_parser.Parse(text)
    parsed = parse_user_agent(text)
    other = {"Other": ""}  # ua-parser's word for nothing
    assert parsed.browser_family == other.get(reference["user_agent"]["family"], reference["user_agent"]["family"])
    assert parsed.browser_major == (reference["user_agent"]["major"] or "")
    assert parsed.os_family == other.get(reference["os"]["family"], reference["os"]["family"])


def test_the_version_of_the_rules_names_those_of_ua_parser() -> None:
    from importlib.metadata import version

    assert rules_version().startswith(f"{version('ua-parser-builtins')}-")
    assert rules_version() == rules_version()
