"""Tables that hold one row per person, of the newest day: what was said of an older one would take its place."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from warehouse.errors import MillraceError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def refuse_older(client: Client, table: str, project: str, day: date, what: str) -> None:
    ((newest,),) = client.query(
        f"SELECT max(as_of) FROM {table} WHERE project_id = {{project:String}}", parameters={"project": project}
    ).result_rows
    if newest > day:
        raise MillraceError(
            f"{what} of {project} are known as of {newest} already, which is later than {day}.",
            hint="What is said now is not replaced by what was to be said then: leave --day out, or name a later one.",
        )
