"""Segments that differ are found, and of many that do not, none."""

from __future__ import annotations

import numpy as np

from ml.segments.discovery import differences


def test_what_differs_is_found_and_chance_is_taken_off() -> None:
    chance = np.random.default_rng(4)
    whole = {week: 0.30 + 0.02 * float(np.sin(week)) for week in range(26)}
    weeks = {
        ("country", f"C{n}"): {week: value + float(chance.normal(0, 0.05)) for week, value in whole.items()}
        for n in range(40)
    }
    weeks["plan", "pro"] = {week: value + 0.12 + float(chance.normal(0, 0.05)) for week, value in whole.items()}
    weeks["plan", "young"] = {week: whole[week] + 9 for week in range(5)}  # too few weeks
    found = differences(whole, weeks)
    assert len(found) == 41
    assert (found[0].dimension, found[0].segment) == ("plan", "pro")
    assert 0.09 < found[0].shrunk < 0.13
    assert [one.segment for one in found if one.chance < 0.05] == ["pro"]
    assert all(abs(one.shrunk) < abs(one.difference) for one in found)


def test_nothing_to_compare_is_nothing() -> None:
    assert differences({}, {}) == []
    assert differences({1: 0.5}, {("plan", "pro"): {1: 0.7}}) == []
