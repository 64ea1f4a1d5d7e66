"""What a user agent says: browser, system, kind of device, and whether it is a person's at all.

Family and versions are exactly ua-parser's. Device type and bots are ours: ua-parser has no word for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

BOTS_FILE = Path(__file__).with_name("bots.yaml")

# Consoles too: they stand where televisions stand.
_TELEVISION = re.compile(
    r"smart-?tv|smarttv|hbbtv|apple ?tv|google ?tv|android tv|bravia|web0s|webos|netcast|viera|crkey|roku|\baft[a-z]+\b"
    r"|\btv safari\b|playstation|xbox|nintendo",
    re.IGNORECASE,
)
_TABLET = re.compile(r"ipad|\btablet;|kindle|playbook|\bsilk/(?!.*mobile)", re.IGNORECASE)
_MOBILE = re.compile(r"mobile|iphone|ipod|android|okhttp|windows phone|blackberry|opera mini|\bdalvik\b", re.IGNORECASE)
# Chrome on Android says "Mobile" on phones and leaves it out on tablets; apps (Dalvik) say it on neither.
_ANDROID_BROWSER = re.compile(r"^mozilla/.*android", re.IGNORECASE)
_DESKTOP_SYSTEMS = {
    "Windows", "Mac OS X", "Mac OS", "Linux", "Chrome OS", "Ubuntu", "Debian", "Fedora", "FreeBSD", "OpenBSD", "NetBSD",
    "Solaris", "CentOS", "Red Hat", "SUSE", "Mandriva", "Gentoo", "Arch Linux", "Kubuntu", "Linux Mint",
}  # fmt: skip


@dataclass(frozen=True)
class UserAgent:
    browser_family: str
    browser_major: str
    os_family: str
    os_version: str
    device_type: str  # desktop, mobile, tablet, tv, bot, unknown
    bot_kind: str  # empty for people


def parse_user_agent(text: str) -> UserAgent:
    """Nothing is remembered here: callers ask once for each distinct user agent."""
    import ua_parser

    result = ua_parser.parse(text)
    browser, system, device = result.user_agent, result.os, result.device
    bot_kind = find_bot_kind(text) or ("crawler" if device is not None and device.family == "Spider" else "")
    os_family = system.family if system else ""
    parts = (system.major, system.minor, system.patch) if system else ()
    return UserAgent(
        browser_family=browser.family if browser else "",
        browser_major=(browser.major or "") if browser else "",
        os_family=os_family,
        os_version=".".join(part for part in parts if part),
        device_type="bot" if bot_kind else device_type(text, os_family),
        bot_kind=bot_kind,
    )


def find_bot_kind(text: str) -> str:
    """The kind of robot by bots.yaml, or nothing."""
    return next((kind for kind, pattern in _bot_patterns().items() if pattern.search(text)), "")


def device_type(text: str, os_family: str) -> str:
    """The kind of device of a person. An iPad in its default settings says that it is a Mac: it is `desktop`."""
    if _TELEVISION.search(text):
        return "tv"
    if _TABLET.search(text) or (_ANDROID_BROWSER.search(text) and "mobile" not in text.lower()):
        return "tablet"
    if _MOBILE.search(text) or os_family == "iOS":
        return "mobile"
    return "desktop" if os_family in _DESKTOP_SYSTEMS else "unknown"


def rules_version() -> str:
    """Changes when ua-parser's rules or ours do: then what was derived from them is derived again."""
    from hashlib import sha256
    from importlib.metadata import version

    own = sha256(Path(__file__).read_bytes() + BOTS_FILE.read_bytes()).hexdigest()[:12]
    return f"{version('ua-parser-builtins')}-{own}"


@cache
def _bot_patterns() -> Mapping[str, re.Pattern[str]]:
    kinds = yaml.safe_load(BOTS_FILE.read_text(encoding="utf-8"))
    return {kind: re.compile("|".join(patterns), re.IGNORECASE) for kind, patterns in kinds.items()}
