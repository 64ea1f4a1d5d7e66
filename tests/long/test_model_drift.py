"""What is found of a champion is written into the warehouse, one row per day, and read back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from ml.drift.watching import due, history, watch
from ml.registry.store import Store
from ml.registry.training import promote, rollback, train
from ml.trainable import Evaluation, Sample
from tests.support import Instance
from tests.unit.ml.line import Line
from warehouse.errors import MillraceError
from warehouse.settings import Settings

DAY = date(2026, 6, 30)


class Weather(Line):
    """A line whose input is another a day later, and whose outcome is not known two days later."""

    def sample(self, settings: Settings, project: str, model: Any, day: date) -> Sample:
        shift = 500 * (day - DAY).days
        return Sample({"x": [float(x + shift) for x in range(1000)]}, [1.0] * 1000)

    def evaluate(self, settings: Settings, project: str, model: Any, until: date) -> Evaluation:
        if until > DAY + timedelta(days=1):
            raise MillraceError("nobody's outcome is known")
        return super().evaluate(settings, project, model, until)


def test_a_champion_is_watched_day_by_day(clickhouse: Instance) -> None:
    store, line = Store(clickhouse.settings), Weather([(0, 0), (1, 2)])
    train(store, line, "demo", DAY)
    assert watch(store, line, "demo", DAY).reasons_to_train == []
    for _ in range(2):
        seen = watch(store, line, "demo", DAY + timedelta(days=1))
    assert seen.reasons_to_train == ["1 of 1 features have drifted: x"]
    (one,) = due(clickhouse.settings)
    assert (one.project, one.model, one.version, one.day) == ("demo", "line", 1, DAY + timedelta(days=1))
    assert one.reasons == tuple(seen.reasons_to_train)
    assert "nobody's outcome is known" in watch(store, line, "demo", DAY + timedelta(days=2)).remark

    rows = history(clickhouse.settings, "demo", "line")
    assert [(row["day"], row["kind"], row["name"], row["drifted"]) for row in rows] == [
        (date(2026, 7, 2), "feature", "x", True),
        (date(2026, 7, 2), "prediction", "prediction", False),
        (date(2026, 7, 1), "feature", "x", True),
        (date(2026, 7, 1), "performance", "error", False),
        (date(2026, 7, 1), "prediction", "prediction", False),
        (date(2026, 6, 30), "feature", "x", False),
        (date(2026, 6, 30), "performance", "error", False),
        (date(2026, 6, 30), "prediction", "prediction", False),
    ]
    assert rows[2]["value"] == pytest.approx(999.5)
    assert rows[2]["reference"] == pytest.approx(499.5)

    # Of one day the champion of the last look counts, whatever its number.
    train(store, line, "demo", DAY)
    promote(store, line, "demo", 2)
    watch(store, line, "demo", DAY + timedelta(days=2))
    assert [one.version for one in due(clickhouse.settings)] == [2]
    assert rollback(store, line, "demo").version == 1
    watch(store, line, "demo", DAY + timedelta(days=2))
    assert [one.version for one in due(clickhouse.settings)] == [1]
