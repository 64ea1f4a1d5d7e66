"""The questions that somebody else wrote down with what they mean, and those of the guide, asked of the catalogue of a
built world."""

from __future__ import annotations

import re
from datetime import date

import pytest
import yaml

from semantic_layer.ask.understanding import Context, understand
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.journeys.models import Funnel
from semantic_layer.metrics.catalogue import load_catalogue
from semantic_layer.metrics.models import MetricQuery
from tests.questions.scoring import DEVELOPMENT, report, score
from tests.support import REPOSITORY
from tests.truths.conftest import LoadedWorld

ENOUGH = 0.95  # of the structures of questions that can be answered
GUIDE = (REPOSITORY / "docs" / "questions.md").read_text()


def test_questions_are_understood_as_they_are_meant_and_none_that_cannot_be_answered_is(built: LoadedWorld) -> None:
    found = score(DEVELOPMENT, load_catalogue(built.instance.settings))
    assert found.share >= ENOUGH, report(found)
    assert found.answered == [], report(found)


def test_what_the_guide_says_can_be_asked_can_be(built: LoadedWorld) -> None:
    catalogue = load_catalogue(built.instance.settings)
    section = GUIDE.partition("## What can be asked")[2].partition("\n## ")[0]
    examples = re.findall(r"\*([^*]+)\*", section.partition("\n\nBest and worst")[0])
    questions = [example for example in examples if not example.startswith("…")]
    assert len(questions) > 30
    context = Context("demo", date(2026, 6, 24))
    refused = [q for q in questions if not isinstance(understand(q, catalogue, context), Understood)]
    assert refused == []


# What was asked by somebody who did not know the matcher, and once got an answer to something else or none.
ASKED = {
    "average orders per day": "Orders are no average",
    "where are our users from": "",  # for whatever reason
    "how many people abandoned the cart": "Cart abandonment rate is a share",
    "cart abandonment rate": {"metrics": ["cart_abandonment_rate"]},
    "revenue last 28 days": {"metrics": ["revenue"], "from": "2026-06-02", "to": "2026-06-29"},
    "orders of the last 7 days": {"metrics": ["orders"], "from": "2026-06-23", "to": "2026-06-29"},
    "trial to paid conversion": {"metrics": ["trial_conversion_rate"]},
    "sign-up to paid conversion": {"metrics": ["paid_conversion_rate"]},
    "new vs returning users": "no days are named",  # of all days everybody is new
    "new vs returning users in May": {
        "metrics": ["new_users", "returning_users"],
        "from": "2026-05-01",
        "to": "2026-05-31",
    },
    "revenue with coupon SPRING10": {
        "metrics": ["revenue"],
        "where": {"kind": "comparison", "dimension": "order__coupon", "operator": "=", "values": ["SPRING10"]},
    },
    "average order by country": {"metrics": ["average_order_value"], "by": [{"name": "user__country"}]},
    "how many product viewed last week": {
        "metrics": ["events"],
        "where": {"kind": "comparison", "dimension": "event__name", "operator": "=", "values": ["product_viewed"]},
        "from": "2026-06-22",
        "to": "2026-06-28",
    },
    "how many people product viewed": {
        "metrics": ["active_users"],
        "where": {"kind": "comparison", "dimension": "event__name", "operator": "=", "values": ["product_viewed"]},
    },
    "LTV by channel": "Lifetime value cannot be told by channel",
    "repeat customers": {"metrics": ["repeat_buyers"]},
    "revenue lost to discounts": {"metrics": ["discounts"]},
    "feature adoption by feature": "Feature adoption cannot be told by feature",  # of whom would be told of itself
    "at what hour do most orders come": {
        "metrics": ["orders"],
        "by": [{"name": "order__hour_of_day"}],
        "order": [{"name": "orders", "descending": True}],
        "limit": 1,
    },
    "refunds by hour of day": "Refunds cannot be told by hour of day",  # that of their sessions is another one
    "how many users visited the pricing page": {
        "metrics": ["viewers"],
        "where": {"kind": "comparison", "dimension": "page__path", "operator": "=", "values": ["/pricing"]},
    },
    "how many users searched": {
        "metrics": ["active_users"],
        "where": {"kind": "comparison", "dimension": "event__name", "operator": "=", "values": ["search_performed"]},
    },
}


def test_what_is_suggested_instead_is_answered(built: LoadedWorld) -> None:
    catalogue = load_catalogue(built.instance.settings)
    asked = [case["ask"] for case in yaml.safe_load(DEVELOPMENT.read_text())["questions"] if case.get("refuse")]
    asked += [question for question, meant in ASKED.items() if isinstance(meant, str)]
    context = Context("demo", date(2026, 6, 30))
    refused = [found for question in asked if isinstance(found := understand(question, catalogue, context), Refusal)]
    suggested = {suggestion for found in refused for suggestion in found.suggestions}
    assert len(suggested) > 30
    assert [text for text in suggested if not isinstance(understand(text, catalogue, context), Understood)] == []


@pytest.mark.parametrize("question", ["show the activation funnel", "activation funnel"])
def test_a_declared_funnel_is_asked_for_by_its_name(built: LoadedWorld, question: str) -> None:
    found = understand(question, load_catalogue(built.instance.settings), Context("demo", date(2026, 6, 30)))
    assert isinstance(found, Understood)
    steps = [{"event": event} for event in ("signed_up", "onboarding_completed", "project_created")]
    assert found.query == Funnel.model_validate({"project": "demo", "steps": steps})


@pytest.mark.parametrize(("question", "meant"), ASKED.items())
def test_questions_of_a_stranger(built: LoadedWorld, question: str, meant: dict[str, object] | str) -> None:
    found = understand(question, load_catalogue(built.instance.settings), Context("demo", date(2026, 6, 30)))
    if isinstance(meant, str):
        assert isinstance(found, Refusal)
        assert meant in found.reason
    else:
        assert isinstance(found, Understood)
        assert found.query == MetricQuery.model_validate({"project": "demo", **meant})
