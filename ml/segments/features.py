"""What users did in the 30 days until a day, and the words for much and little of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from warehouse.connection import connect
from warehouse.settings import Settings

Floats = NDArray[np.float64]
WINDOW = 30  # days


@dataclass(frozen=True)
class Feature:
    name: str
    sql: str  # over events of one person
    much: str
    little: str
    counts: bool = True  # the logarithm of it is looked at, as twice as much is a step


FEATURES = (
    Feature("active_days", "uniqExact(local_date)", "often here", "seldom here"),
    Feature("events_per_day", "count() / uniqExact(local_date)", "busy when here", "short visits"),
    Feature("kinds_of_events", "uniqExact(event)", "uses much of it", "uses little of it"),
    Feature("days_away", "dateDiff('day', max(local_date), {day:Date})", "away of late", "here of late"),
    Feature(
        "mobile_share", "countIf(device_type in ('mobile', 'tablet')) / count()", "on phones", "on desktops", False
    ),
    Feature("errors", "countIf(event = 'error_occurred')", "meets errors", "meets no errors"),
    Feature("orders", "uniqExactIf(event_id, event = 'order_completed')", "buys", "buys nothing"),
)
NAMES = tuple(feature.name for feature in FEATURES)


@dataclass(frozen=True)
class Behaviour:
    people: NDArray[np.str_]
    values: Floats  # people x FEATURES, as they are
    inactive: NDArray[np.str_]  # users who did nothing in these days

    @property
    def looked_at(self) -> Floats:
        counts = np.array([feature.counts for feature in FEATURES])
        return np.where(counts, np.log1p(np.maximum(self.values, 0)), self.values)

    @property
    def fingerprint(self) -> str:
        return sha256("|".join(self.people).encode() + self.values.round(9).tobytes()).hexdigest()[:16]


def read_behaviour(settings: Settings, project: str, day: date) -> Behaviour:
    known = (
        "SELECT person_id FROM marts.dim_users WHERE project_id = {project:String} AND is_current AND NOT is_internal "
        "AND person_key != 0 AND toDate(first_seen_at) <= {day:Date}"
    )
    columns = ", ".join(f"toFloat64({feature.sql}) AS {feature.name}" for feature in FEATURES)
    parameters = {"project": project, "day": day, "days": WINDOW}
    with connect(settings, "modeler") as client:
        rows = client.query(
            f"SELECT person_id, {columns} FROM marts.fct_events WHERE project_id = {{project:String}} "
            "AND local_date > {day:Date} - {days:UInt16} AND local_date <= {day:Date} "
            f"AND person_id IN ({known}) GROUP BY person_id ORDER BY person_id",
            parameters=parameters,
        ).result_rows
        everybody = [row[0] for row in client.query(f"{known} ORDER BY person_id", parameters=parameters).result_rows]
    people = [row[0] for row in rows]
    active = set(people)
    return Behaviour(
        np.array(people, dtype=np.str_),
        np.array([row[1:] for row in rows], dtype=float).reshape(len(rows), len(FEATURES)),
        np.array([one for one in everybody if one not in active], dtype=np.str_),
    )
