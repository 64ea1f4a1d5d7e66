"""What is known of churn: cut-offs, who was there on each, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml.churn.definition import Definition, When
from ml.churn.model import Examples
from ml.features.reading import days_of, features_of_day
from ml.features.registry import FeatureTable
from warehouse.errors import MillraceError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True)
class CutOffs:
    """Days at whose end it is asked. No outcome that is learned from lies behind the day of the judgement."""

    learned_from: tuple[date, ...]
    judged_on: date

    @staticmethod
    def until(definition: Definition, first: date, until: date) -> CutOffs:
        horizon = timedelta(days=definition.horizon_days)
        judged_on = until - horizon
        newest = judged_on - horizon - timedelta(days=definition.gap_days)
        steps = (
            newest - timedelta(days=n * definition.cut_offs.every_days) for n in range(definition.cut_offs.at_most)
        )
        learned_from = tuple(sorted(day for day in steps if day >= first))
        if not learned_from:
            raise MillraceError(
                f"Too little history: features are whole from {first} on, the last day is {until}, and an outcome is "
                f"known after {definition.horizon_days} days: one to learn from and one later to judge by are needed.",
                hint="Wait for more history, or shorten horizon_days in ml/churn/churn.yaml.",
            )
        return CutOffs(learned_from, judged_on)


def cut_offs(client: Client, definition: Definition, project: str, until: date) -> CutOffs:
    first, last = days_of(client, project)
    return CutOffs.until(definition, first, min(until, last))


def examples_of(
    client: Client, definition: Definition, table: FeatureTable, project: str, days: Sequence[date]
) -> Examples:
    """A row for each user of the population at the end of each day."""
    simple = definition.baselines
    names = tuple(dict.fromkeys((*definition.features, *definition.segments, simple.recency, *simple.regression)))
    columns: dict[str, list[object]] = {name: [] for name in names}
    person, happened = [np.zeros(0, dtype=np.uint64)], [np.zeros(0, dtype=bool)]
    for day in days:
        found, keys = features_of_day(client, table, names, project, day, definition.population)
        for name in names:
            columns[name] += found[name]
        person.append(keys)
        happened.append(np.isin(keys, _those_who_left(client, definition, table, project, day)))
    return Examples(columns, np.concatenate(happened), np.concatenate(person))


def _those_who_left(client: Client, definition: Definition, table: FeatureTable, project: str, day: date) -> np.ndarray:
    last = day + timedelta(days=definition.horizon_days)
    begin = last if definition.outcome.when is When.LAST_DAY else day + timedelta(days=1)
    rows = client.query(
        f"SELECT DISTINCT person_key FROM marts.{table.table} WHERE project_id = {{project:String}} "
        f"AND local_date BETWEEN {{begin:Date}} AND {{last:Date}} AND NOT {definition.outcome.flag}",
        parameters={"project": project, "begin": begin, "last": last},
    ).result_columns
    return np.array(rows[0] if rows else [], dtype=np.uint64)


def fingerprint(examples: Examples) -> str:
    """The same data give the same one."""
    told = hashlib.sha256(examples.person.tobytes() + examples.happened.tobytes())
    for name, values in examples.columns.items():
        told.update(f"{name} {list(values)!r}".encode())
    return told.hexdigest()[:16]
