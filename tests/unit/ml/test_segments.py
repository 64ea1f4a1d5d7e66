"""Segments: groups that are there are found, named, and found again; who moves is written down once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ml.segments.clusters import Segment, Segmentation, find_segments, silhouette
from ml.segments.features import NAMES, Floats
from ml.segments.members import END_OF_TIME, changes
from ml.segments.model import SEGMENTS, judged, plot
from warehouse.errors import MillraceError

# active_days, events_per_day, kinds_of_events, days_away, mobile_share, errors, orders
BUYERS = (20, 30, 25, 1, 0.1, 1, 4)
BROWSERS = (10, 8, 12, 3, 0.9, 1, 0)
GUESTS = (2, 3, 4, 20, 0.5, 0, 0)


def people(seed: int, *kinds: tuple[float, ...], each: int = 120) -> Floats:
    chance = np.random.default_rng(seed)
    counts = np.array([name != "mobile_share" for name in NAMES])
    rows = np.repeat(np.array(kinds, float), each, axis=0)
    rows = np.where(counts, np.log1p(rows), rows)
    return rows + chance.normal(0, 0.12, rows.shape)


def test_groups_are_found_and_named_by_what_sets_them_apart() -> None:
    looked_at = people(1, BUYERS, BROWSERS, GUESTS)
    model, tried = find_segments(looked_at, [], 0)
    assert {one.groups for one in tried} == {3, 4, 5, 6, 7}
    places = model.assign(looked_at)
    found = [set(places[start : start + 120].tolist()) for start in (0, 120, 240)]
    assert [len(one) for one in found] == [1, 1, 1]
    assert len(set.union(*found)) == 3
    buyers, browsers, guests = (model.segments[one.pop()].name for one in found)
    assert buyers.split(", ")[0] == "buys"
    assert "on phones" in browsers
    assert "away of late" in guests or "seldom here" in guests
    assert sorted(one.segment_id for one in model.segments) == [1, 2, 3]
    assert find_segments(looked_at, [], 0)[0] == model
    assert SEGMENTS.load(SEGMENTS.dump(model)) == model


def test_a_training_that_finds_them_again_keeps_ids_and_names() -> None:
    before, _ = find_segments(people(1, BUYERS, BROWSERS, GUESTS), [], 0)
    renamed = [Segment(one.segment_id + 10, f"our {one.name}", one.centre) for one in before.segments]
    again, _ = find_segments(people(2, GUESTS, BROWSERS, BUYERS), renamed, 13)
    assert {(one.segment_id, one.name) for one in again.segments} == {(one.segment_id, one.name) for one in renamed}
    looked_at = people(3, BUYERS, BROWSERS, GUESTS)
    was = [before.segments[place].segment_id + 10 for place in before.assign(looked_at)]
    assert [again.segments[place].segment_id for place in again.assign(looked_at)] == was


def test_what_is_new_gets_an_id_of_its_own() -> None:
    before, _ = find_segments(people(1, BUYERS, BROWSERS, GUESTS), [], 0)
    unlucky = (12, 15, 14, 2, 0.5, 40, 0)
    after, _ = find_segments(people(2, BUYERS, unlucky, GUESTS), before.segments, 3)
    known = {one.segment_id: one.name for one in before.segments}
    new = [one for one in after.segments if one.segment_id not in known]
    assert [one.segment_id for one in new] == [4]
    assert "meets errors" in new[0].name
    assert all(known[one.segment_id] == one.name for one in after.segments if one not in new)


@pytest.mark.parametrize(
    ("looked_at", "said"),
    [
        (people(1, BUYERS, each=99), "99 people are too few"),
        (people(1, BUYERS, each=0), "0 people are too few"),
        (np.ones((200, len(NAMES))), "fewer than two features differ"),
        (np.full((200, len(NAMES)), np.nan), "is no number: active_days"),
        (np.random.default_rng(5).normal(0, 1, (400, len(NAMES))), "form no groups that last"),
    ],
)
def test_what_cannot_be_grouped_is_said_in_a_sentence(looked_at: Floats, said: str) -> None:
    with pytest.raises(MillraceError, match=said) as refused:
        find_segments(looked_at, [], 0)
    assert "The segments of before stay" in refused.value.hint


def test_the_same_groups_are_as_good_in_whatever_space_they_were_found() -> None:
    """One model looks at orders alone, which tell two groups apart; the other at what is chance as well."""
    looked_at = np.random.default_rng(4).normal(0, 1, (240, len(NAMES)))
    looked_at[:, NAMES.index("orders")] += np.repeat([6, -6], 120)
    buys, guest = (
        Segment(n, "", dict.fromkeys(NAMES, 0.0) | {"orders": orders}) for n, orders in ((1, 6.0), (2, -6.0))
    )
    wide, narrow = (
        Segmentation(used, (0.0,) * len(used), (1.0,) * len(used), (buys, guest)) for used in (NAMES, ("orders",))
    )
    places = wide.assign(looked_at)
    assert places.tolist() == narrow.assign(looked_at).tolist() == [0] * 120 + [1] * 120
    in_their_own = [silhouette(one.scaled(looked_at), places) for one in (wide, narrow)]
    assert in_their_own[1] - in_their_own[0] > 0.3
    assert judged(wide, looked_at) == judged(narrow, looked_at)
    assert judged(wide, looked_at)["smallest_share"] == 0.5
    assert plot(wide, looked_at).startswith(b"\x89PNG")


def test_a_feature_that_never_differs_is_left_out() -> None:
    looked_at = people(1, BUYERS, BROWSERS, GUESTS)
    looked_at[:, NAMES.index("errors")] = 0
    model, _ = find_segments(looked_at, [], 0)
    assert "errors" not in model.used
    assert len(model.segments) == 3


def test_a_stretch_ends_where_another_begins_and_nothing_is_written_twice() -> None:
    monday = datetime(2026, 6, 1, tzinfo=UTC)
    one, two = Segment(1, "buys", {}), Segment(2, "seldom here", {})
    first = changes({"anna": one, "ben": two}, {}, monday)
    assert first == [("anna", monday, END_OF_TIME, 1, "buys", ""), ("ben", monday, END_OF_TIME, 2, "seldom here", "")]
    known = {who: (since, number, name, "7") for who, since, _, number, name, _ in first}
    assert changes({"anna": one, "ben": two}, known, monday) == []
    tuesday = monday + timedelta(days=1)
    assert changes({"anna": two, "ben": two}, known, tuesday) == [
        ("anna", monday, tuesday, 1, "buys", "7"),
        ("anna", tuesday, END_OF_TIME, 2, "seldom here", ""),
    ]
    # Told otherwise of the same day: the row of that day is written over, and none ends where it begins.
    told = {"anna": two, "ben": two}
    assert changes(told, known, monday) == [("anna", monday, END_OF_TIME, 2, "seldom here", "")]
    # Who is nobody any more is no member from now on.
    assert changes({"anna": one}, known, tuesday) == [("ben", monday, tuesday, 2, "seldom here", "7")]
