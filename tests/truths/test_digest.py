"""A digest tells what plain SQL tells, and nothing of what came after its day."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from monitoring.digest.contents import Digest
from monitoring.digest.making import make_digest
from tests.truths.conftest import LoadedWorld
from warehouse.errors import WrongUsage
from warehouse.settings import Settings

DAY = date(2026, 5, 20)


@pytest.fixture(scope="module")
def settings(built: LoadedWorld) -> Iterator[Settings]:
    with built.instance.active() as settings:
        yield settings


@pytest.fixture(scope="module")
def digest(settings: Settings) -> Digest:
    return make_digest(settings, "demo", DAY)


def test_values_are_those_of_the_day_the_day_before_and_the_week_before(built: LoadedWorld, digest: Digest) -> None:
    def sessions(day: date) -> float:
        sql = f"SELECT count() FROM marts.fct_sessions WHERE project_id = 'demo' AND local_date = '{day}'"
        return float(built.instance.rows(sql)[0][0])

    (change,) = [one for one in digest.changes if one.metric == "sessions"]
    days = [DAY, DAY - timedelta(days=1), DAY - timedelta(days=7)]
    assert [change.value, change.day_before, change.week_before] == [sessions(day) for day in days]
    assert change.value > 0 and change.expected is not None
    around = [sessions(DAY - timedelta(days=back)) for back in range(1, 43)]
    assert min(around) <= change.expected <= max(around)
    # By how much days mostly differ from their median: of the same size as what they are off by.
    spread = 1.4826 * statistics.median(abs(one - statistics.median(around)) for one in around)
    assert abs(change.deviations or 0) == pytest.approx(abs(change.value - change.expected) / spread, rel=0.8)


def test_the_most_unusual_comes_first_and_only_what_is_unusual_is_good_or_bad(digest: Digest) -> None:
    sizes = [abs(one.deviations or 0) for one in digest.changes]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) > 5
    assert all(one.is_good is None for one in digest.changes if not one.is_notable)


def test_what_comes_later_changes_nothing_of_it(settings: Settings, digest: Digest) -> None:
    """Values and what was expected: looked at two weeks later they are the same."""
    again = make_digest(settings, "demo", DAY + timedelta(days=14))
    assert again.changes != digest.changes
    assert make_digest(settings, "demo", DAY).changes == digest.changes


def test_it_can_be_kept_and_read_again(digest: Digest) -> None:
    assert Digest.of_json(json.loads(json.dumps(digest.as_json()))) == digest
    assert replace(digest, prose="other") != digest


@pytest.mark.parametrize(("project", "day"), [("dmo", DAY), ("demo", date(2024, 1, 1)), ("demo", date(2027, 1, 1))])
def test_of_what_has_no_data_there_is_none(settings: Settings, project: str, day: date) -> None:
    with pytest.raises(WrongUsage):
        make_digest(settings, project, day)
