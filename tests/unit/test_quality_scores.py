"""The formula of docs/quality.md, by hand."""

from __future__ import annotations

import pytest

from warehouse.observability.scoring import Finding, Score, loss_of_age, loss_of_check, rounded, scores


def only(found: list[Score], asset: str, project: str = "") -> Score:
    (one,) = [score for score in found if (score.asset, score.project_id) == (asset, project)]
    return one


def test_a_check_that_fails_takes_half_of_its_dimension_and_the_share_of_rows_of_the_rest() -> None:
    assert loss_of_check("error", 0.0) == 0.5
    assert loss_of_check("error", 0.2) == pytest.approx(0.6)
    assert loss_of_check("warn", 0.0) == 0.1
    assert loss_of_check("warn", 0.5) == pytest.approx(0.55)
    assert loss_of_check("error", 7.0) == 1.0


def test_age_costs_nothing_within_the_sla_and_all_at_twice_of_it() -> None:
    assert [loss_of_age(age, 100) for age in (0, 100, 150, 200, 900)] == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_a_score_is_the_mean_of_the_dimensions_that_were_measured() -> None:
    one = only(
        scores(
            [
                Finding("marts.a", "", "completeness", "not_null", 0.0),
                Finding("marts.a", "", "uniqueness", "unique", 0.6, "20 % of the rows"),
                Finding("marts.a", "", "timeliness", "freshness", 0.0),
                Finding("marts.a", "", "timeliness", "volume", 0.1, "less than usual"),
            ]
        ),
        "marts.a",
    )
    assert one.dimensions == pytest.approx({"completeness": 100, "uniqueness": 40, "timeliness": 90})
    assert one.score == pytest.approx(230 / 3)
    assert [(cost.check, cost.dimension, cost.message) for cost in one.costs] == [
        ("unique", "uniqueness", "20 % of the rows"),
        ("volume", "timeliness", "less than usual"),
    ]
    assert [cost.points for cost in one.costs] == pytest.approx([20, 10 / 3])


def test_what_is_lost_is_what_the_costs_add_up_to_also_where_a_dimension_is_lost_whole() -> None:
    one = only(
        scores(
            [
                Finding("marts.a", "", "validity", "x", 0.9),
                Finding("marts.a", "", "validity", "y", 0.6),
                Finding("marts.a", "", "consistency", "z", 0.0),
            ]
        ),
        "marts.a",
    )
    assert one.dimensions["validity"] == 0
    assert one.score == 50
    assert [cost.points for cost in one.costs] == pytest.approx([30, 20])


def test_what_is_found_of_all_projects_holds_for_each_and_the_others_for_their_own() -> None:
    found = scores(
        [
            Finding("raw.events", "shop", "validity", "rejected lines", 0.5),
            Finding("raw.events", "app", "validity", "rejected lines", 0.0),
            Finding("raw.events", "", "consistency", "sums", 0.5),
            Finding("marts.b", "", "validity", "c", 0.0),
        ]
    )
    assert only(found, "raw.events", "shop").score == 50
    assert only(found, "raw.events", "app").score == 75
    assert only(found, "", "shop").score == 75
    assert only(found, "", "app").score == pytest.approx(87.5)
    assert only(found, "").score == pytest.approx(81.25)
    assert {(one.asset, one.project_id) for one in found} == {
        *(("", ""), ("", "shop"), ("", "app")),
        *(("raw.events", "shop"), ("raw.events", "app"), ("marts.b", "")),
    }


def test_nothing_found_is_no_score() -> None:
    assert scores([]) == []


@pytest.mark.parametrize(
    ("score", "said"), [(100, 100), (99.96, 99.9), (99.999999, 99.9), (99.94, 99.9), (99.84, 99.8), (0.04, 0)]
)
def test_only_what_lost_nothing_is_at_100(score: float, said: float) -> None:
    assert rounded(score, 1) == said
