"""The categories of consent platforms become three flags."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.wire import consent


@pytest.mark.parametrize(
    ("preferences", "flags"),
    [
        (
            {"Advertising": True, "Analytics": False, "Functional": True, "DataSharing": False},
            {"consent_marketing": True, "consent_analytics": False, "consent_personalization": True},
        ),
        ({"C0001": True, "C0002": True, "C0004": False}, {"consent_analytics": True, "consent_marketing": False}),
        ({"analytics_storage": True, "ad_storage": False}, {"consent_analytics": True, "consent_marketing": False}),
        ({"sitePerformance": True}, {"consent_analytics": True}),
        ({"analytics": True, "statistics": False}, {"consent_analytics": False}),
        ({"statistics": False, "analytics": True}, {"consent_analytics": False}),
        ({"necessary": True}, {}),
        ({"analytics": "yes", "marketing": None}, {}),
        ({"upload": True}, {}),
        ({}, {}),
    ],
)
def test_a_category_means_what_its_words_say(preferences: dict[str, Any], flags: dict[str, bool]) -> None:
    assert consent.from_preferences(preferences) == flags


def test_a_category_in_both_lists_is_denied() -> None:
    flags = consent.from_lists(["analytics", "marketing"], ["marketing", 7, None])
    assert flags == {"consent_analytics": True, "consent_marketing": False}
