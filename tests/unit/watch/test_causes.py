"""When an experiment ended: with the last day of its plan, or when it was seen last."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from monitoring.watch.causes import Cause, of_experiments

BEGUN, LAST = datetime(2026, 5, 4, 9, tzinfo=UTC), datetime(2026, 6, 11, 17, tzinfo=UTC)
KNOWN_UNTIL = datetime(2026, 6, 20, tzinfo=UTC)


def ends(last: datetime, **last_days: date) -> list[datetime]:
    found = list(of_experiments({"bundle": (BEGUN, last)}, last_days, ZoneInfo("Europe/Berlin"), KNOWN_UNTIL))
    assert found[0] == Cause("experiment begun", "bundle", BEGUN)
    return [cause.at for cause in found if cause.kind == "experiment ended"]


def test_a_plan_says_when_it_ended_by_the_clock_of_the_project() -> None:
    assert ends(LAST, bundle=date(2026, 6, 14)) == [datetime(2026, 6, 14, 22, tzinfo=UTC)]
    assert ends(KNOWN_UNTIL, bundle=date(2026, 6, 14)) == [datetime(2026, 6, 14, 22, tzinfo=UTC)]


def test_without_a_plan_it_ended_when_it_was_seen_last_unless_that_is_as_far_as_anything_is_known() -> None:
    assert ends(LAST, another=date(2026, 6, 14)) == [LAST]
    assert ends(KNOWN_UNTIL) == []
