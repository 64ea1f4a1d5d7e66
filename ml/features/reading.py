"""Features read as of a day, of many users or of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.features.registry import FeatureTable
from warehouse.errors import MillraceError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WHOLE_WINDOW = 30  # days; before, features look back to before the first event


def days_of(client: Client, project: str) -> tuple[date, date]:
    """The first and the last day of which features are known as far back as they look."""
    rows = client.query(
        "SELECT first_event_on + {window:UInt16} - 1, last_event_on FROM marts.dim_projects "
        "WHERE project_id = {project:String} AND last_event_on IS NOT NULL",
        parameters={"project": project, "window": WHOLE_WINDOW},
    ).result_rows
    if not rows:
        raise MillraceError(
            f"Nothing is known of project {project}.",
            hint="`millrace projects list` shows projects and their events; `millrace build` builds what was loaded.",
        )
    first, last = rows[0]
    return first, last


def features_of_day(
    client: Client, table: FeatureTable, features: Sequence[str], project: str, day: date, where: str = ""
) -> tuple[dict[str, Sequence[Any]], NDArray[np.uint64]]:
    """Of every user (of whom the flag `where` is true) at the end of a day; by their keys, which come with them."""
    names = _must_be_declared(table, features)
    condition = f" AND {table.feature(where) and where}" if where else ""
    rows = client.query(
        f"SELECT {', '.join(names)}, person_key FROM marts.{table.table} "
        f"WHERE project_id = {{project:String}} AND local_date = {{day:Date}}{condition} ORDER BY person_key",
        parameters={"project": project, "day": day},
    )
    columns = rows.result_columns or [[] for _ in (*names, "person_key")]
    return dict(zip(names, columns, strict=False)), np.array(columns[-1], dtype=np.uint64)


def latest_features(
    client: Client, table: FeatureTable, features: Sequence[str], project: str, user_id: str
) -> Mapping[str, Any] | None:
    """Of one user, as of the project's last day; a partition and the primary key lead to the one row."""
    names = _must_be_declared(table, features)
    rows = client.query(
        f"SELECT {', '.join(names)} FROM marts.{table.table} WHERE project_id = {{project:String}} AND local_date = "
        "(SELECT max(last_event_on) FROM marts.dim_projects WHERE project_id = {project:String}) "
        "AND person_key = cityHash64({project:String}, {user:String})",
        parameters={"project": project, "user": user_id},
    ).result_rows
    return dict(zip(names, rows[0], strict=True)) if rows else None


def _must_be_declared(table: FeatureTable, features: Sequence[str]) -> tuple[str, ...]:
    for name in features:
        table.feature(name)
    return tuple(dict.fromkeys(features))
