"""Consent: what the categories of the consent platforms mean for the three flags of an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ingestion.wire.names import snake_case

# A category is free text of the sender's consent platform; these words of it decide. c0002 to c0004 are the
# default ids of OneTrust, the *_storage ones (by their first word) those of Google's consent mode.
_WORDS = {
    "consent_analytics": {"analytics", "analytical", "statistics", "performance", "measurement", "c0002"},
    "consent_marketing": {"marketing", "advertising", "advertisement", "ad", "ads", "targeting", "c0004"},
    "consent_personalization": {
        "personalization", "personalisation", "functional", "functionality", "preference", "preferences", "c0003",
    },
}  # fmt: skip


def from_preferences(preferences: Mapping[str, object]) -> dict[str, bool]:
    """Flags from `{category: true or false}`. Where several categories mean one flag, one refusal refuses."""
    flags: dict[str, bool] = {}
    for category, allowed in preferences.items():
        if not isinstance(allowed, bool):
            continue
        words = set(snake_case(category).split("_"))
        for flag, meaning in _WORDS.items():
            if words & meaning:
                flags[flag] = flags.get(flag, True) and allowed
    return flags


def from_lists(allowed: Iterable[object], denied: Iterable[object]) -> dict[str, bool]:
    """Flags from two lists of category ids, as RudderStack sends them."""
    preferences: dict[str, object] = {str(category): True for category in allowed}
    preferences.update({str(category): False for category in denied})
    return from_preferences(preferences)


def everything(allowed: bool) -> dict[str, bool]:
    """Flags of one who accepted, or refused, all."""
    return dict.fromkeys(_WORDS, allowed)
