"""Segments on the built world: who is in which, since when, as the marts and the command tell it."""

from __future__ import annotations

from datetime import date

import pytest

from ml.segments.clusters import Segment, Segmentation
from ml.segments.model import SEGMENTS
from tests.truths.conftest import LoadedWorld
from warehouse.errors import MillraceError

# Five active days of thirty are the border.
OFTEN = Segmentation(
    ("active_days", "orders"),
    (0.0, 0.0),
    (1.0, 1.0),
    (
        Segment(1, "often here", {"active_days": 2.3, "orders": 0}),
        Segment(2, "seldom", {"active_days": 1.2, "orders": 0}),
    ),
)
FIRST, SECOND = date(2026, 5, 20), date(2026, 6, 29)


def test_members_are_stretches_of_time(built: LoadedWorld) -> None:
    rows = built.instance.rows
    with built.instance.active() as settings:
        with pytest.raises(MillraceError, match="too few to be grouped"):
            SEGMENTS.train(settings, "demo", SECOND)
        try:
            SEGMENTS.predict(settings, "demo", OFTEN, "1", FIRST)
            count = SEGMENTS.predict(settings, "demo", OFTEN, "1", SECOND)
            assert SEGMENTS.predict(settings, "demo", OFTEN, "1", SECOND) == count
            with pytest.raises(MillraceError, match="of a later day than 2026-05-20"):
                SEGMENTS.predict(settings, "demo", OFTEN, "1", FIRST)
            ((users,),) = rows(
                "SELECT count() FROM marts.dim_users WHERE project_id = 'demo' AND is_current AND NOT is_internal "
                f"AND first_seen_at < toDate('{SECOND}') + 1"
            )
            # Everybody is in one segment at a time, without a gap.
            assert rows(
                "SELECT count(), countIf(current = 1), countIf(gaps = 0) FROM (SELECT person_key, "
                "countIf(is_current) AS current, "
                "length(arrayFilter((begin, end) -> begin != end, arrayPopFront(arraySort(groupArray(valid_from))), "
                "arrayPopBack(arraySort(groupArray(valid_to))))) AS gaps "
                "FROM marts.dim_user_segments WHERE project_id = 'demo' GROUP BY person_key)",
            ) == [(users, users, users)]
            by_hand = rows(
                "SELECT uniqExactIf(person_id, days > 0), uniqExactIf(person_id, log1p(days) > 1.75) FROM ("
                "SELECT person_id, uniqExact(local_date) AS days FROM marts.fct_events WHERE project_id = 'demo' "
                f"AND local_date <= '{SECOND}' "
                f"AND local_date > toDate('{SECOND}') - 30 AND person_id IN (SELECT person_id FROM marts.dim_users "
                "WHERE project_id = 'demo' AND is_current AND NOT is_internal) GROUP BY person_id)"
            )[0]
            listed = {
                one["segment"]: one["people"]
                for one in built.instance.json("segments", "list", "--project", "demo", "--format", "json")
            }
            assert listed["often here"] + listed["seldom"] == by_hand[0]
            assert listed["often here"] == by_hand[1]
            assert sum(listed.values()) == users
            shown = built.instance.json("segments", "show", "often here", "--project", "demo", "--format", "json")
            assert sum(one["people"] for one in shown["customers"]) == listed["often here"]
            assert {one["day"] for one in shown["moves"]} == {"2026-06-29"}
        finally:
            for table in ("segment_members", "segment_profiles"):
                built.instance.client().command(f"TRUNCATE TABLE ml.{table}")


def test_scores_of_customers_are_fifths(built: LoadedWorld) -> None:
    rows = built.instance.rows(
        "SELECT last_order_on, recency, purchases, frequency, paid, monetary FROM marts.agg_customer_rfm "
        "WHERE project_id = 'demo'"
    )
    orders = built.truths["projects"]["demo"]["orders"]["completed"]
    assert float(sum(row[4] for row in rows)) == pytest.approx(float(orders["revenue"]))
    for value, score in ((0, 1), (2, 3), (4, 5)):
        values = sorted(row[value] for row in rows)
        for row in rows:
            below = sum(other < row[value] for other in values)
            assert row[score] == min(5, 1 + (5 * below) // (len(rows) - 1))


def test_nobody_was_grouped_yet(built: LoadedWorld) -> None:
    done = built.instance.run("segments", "list", "--project", "demo_mobile")
    assert done.returncode == 1
    assert "Nothing is known of segments of demo_mobile yet." in done.stderr
