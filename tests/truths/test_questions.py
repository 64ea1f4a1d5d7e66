"""The questions that somebody else wrote down with what they mean, asked of the catalogue of a built world."""

from __future__ import annotations

from semantic_layer.metrics.catalogue import load_catalogue
from tests.questions.scoring import DEVELOPMENT, report, score
from tests.truths.conftest import LoadedWorld

ENOUGH = 0.95  # of the structures of questions that can be answered
# Its author took answers to the survey for ones of days; fct_nps_answers.answered_at has the hour.
TELLS_MORE_THAN_THOUGHT = ["NPS by hour"]


def test_questions_are_understood_as_they_are_meant_and_none_that_cannot_be_answered_is(built: LoadedWorld) -> None:
    found = score(DEVELOPMENT, load_catalogue(built.instance.settings))
    assert found.share >= ENOUGH, report(found)
    assert [question for question in found.answered if question not in TELLS_MORE_THAN_THOUGHT] == [], report(found)
