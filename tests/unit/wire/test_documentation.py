"""docs/dialects.md shows what is: its examples decode to what it says, and it names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from ingestion.contract import MAX_DEPTH
from ingestion.wire import DIALECTS, consent
from tests.unit.wire.helpers import event, lines

PAGE = (Path(__file__).parents[3] / "docs/dialects.md").read_text()
EXAMPLES = re.findall(r"```json\n(.+)\n```\nbecomes\n```json\n(.+)\n```", PAGE)


def test_there_is_an_example_of_every_dialect() -> None:
    assert [lines(sent.encode())[0].dialect for sent, _ in EXAMPLES] == [
        "segment",
        "rudderstack",
        "posthog",
        "snowplow",
        "amplitude",
        "mixpanel",
        "canonical",
    ]


@pytest.mark.parametrize(("sent", "made"), EXAMPLES)
def test_an_example_becomes_what_the_page_says(sent: str, made: str) -> None:
    assert event(sent.encode()) == orjson.loads(made)


def test_every_dialect_has_its_section_and_its_name_on_the_command_line() -> None:
    for dialect in DIALECTS.values():
        assert f"\n## {dialect.title}\n" in PAGE
        assert f"`{dialect.name}`" in PAGE


def test_the_words_of_consent_and_the_limit_are_those_of_the_code() -> None:
    said = {row[0]: row[1] for row in re.findall(r"\| `(consent_\w+)` \| (.+) \|", PAGE)}
    assert said.keys() == {"consent_analytics", "consent_marketing", "consent_personalization"}
    for flag, words in said.items():
        for word in words.split(", "):
            assert consent.from_preferences({word: True}) == {flag: True}, word
    assert f"deeper than {MAX_DEPTH} levels" in PAGE
