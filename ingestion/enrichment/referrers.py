"""Which kind of place a referrer is: search, social, mail, ai_assistant, internal, other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import yaml

REFERRERS_FILE = Path(__file__).with_name("referrers.yaml")

# Before the public suffix in two-part suffixes: google.co.uk, google.com.br.
_SECOND_LEVELS = {"co", "com", "org", "net", "ne", "or", "ac", "gov", "edu"}


@dataclass(frozen=True)
class Referrer:
    kind: str
    name: str  # Google; the host itself for `other`


def referrer_host(url: str) -> str:
    """The host of an address in SQL: what the lookup is keyed by, and what staging joins it by."""
    return f"domainWithoutWWW(lower({url}))"


def classify_referrer(host: str) -> Referrer:
    """`internal` here are logins and payments; that a referrer is the page's own site only staging can see."""
    labels = host.lower().strip(".").removeprefix("www.").split(".")
    for start in range(len(labels)):
        known = _hosts().get(".".join(labels[start:])) or _hosts().get(_under_any_suffix(labels[start:]))
        if known:
            return known
    return Referrer("other", ".".join(labels))


def rules_version() -> str:
    return sha256(Path(__file__).read_bytes() + REFERRERS_FILE.read_bytes()).hexdigest()[:12]


def _under_any_suffix(labels: list[str]) -> str:
    """google.co.uk -> google.*; nothing where no public suffix is recognised."""
    if len(labels) >= 3 and labels[-2] in _SECOND_LEVELS and len(labels[-1]) == 2:
        return ".".join([*labels[:-2], "*"])
    return ".".join([*labels[:-1], "*"]) if len(labels) >= 2 else ""


@cache
def _hosts() -> Mapping[str, Referrer]:
    classes = yaml.safe_load(REFERRERS_FILE.read_text(encoding="utf-8"))
    return {
        host: Referrer(kind, name) for kind, names in classes.items() for name, hosts in names.items() for host in hosts
    }
