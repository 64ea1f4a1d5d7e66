"""Who looked at what in Superset, and changed what: copied from its log into ClickHouse, where it can be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bi.client import PAGE, Client
from warehouse.connection import connect, failures_as_sentences, insert_rows
from warehouse.settings import Settings

ROLE = "observer"
TABLE = "ops.dashboard_uses"
COLUMNS = ("used_at", "person", "action", "dashboard", "chart", "milliseconds", "details")
ASKED = "action,dttm,duration_ms,dashboard_id,slice_id,user.username,json"


def keep_uses(settings: Settings, client: Client) -> int:
    """Those since the last one that is kept; how many."""
    with closing(connect(settings, ROLE)) as warehouse, failures_as_sentences("to keep who looked at dashboards"):
        ((last,),) = warehouse.query(f"SELECT toString(max(used_at)) FROM {TABLE}").result_rows
        titles = _titles(client, "dashboard", "dashboard_title"), _titles(client, "chart", "slice_name")
        since = datetime.fromisoformat(str(last))
        rows = [_row(use, *titles) for use in _uses(client, since)]
        if rows:
            insert_rows(warehouse, TABLE, rows, list(COLUMNS))
    return len(rows)


def _uses(client: Client, since: datetime) -> Iterator[dict[str, Any]]:
    """The newest first. Of the instant itself there may be more than are kept: those are written again."""
    page = 0
    while True:
        query = f"(columns:!({ASKED}),order_column:dttm,order_direction:desc,page:{page},page_size:{PAGE})"
        found = client.ask("GET", f"log/?q={quote(query)}")["result"]
        new = [use for use in found if datetime.fromisoformat(use["dttm"]) >= since]
        yield from new
        if len(new) < PAGE:
            return
        page += 1


def _row(use: dict[str, Any], dashboards: dict[int, str], charts: dict[int, str]) -> list[Any]:
    return [
        use["dttm"].replace("T", " "),
        (use.get("user") or {}).get("username") or _guest(use["json"]),
        use["action"] or "",
        dashboards.get(use["dashboard_id"], ""),
        charts.get(use["slice_id"], ""),
        use["duration_ms"],
        use["json"] or "",
    ]


def _guest(details: str | None) -> str:
    """As inside/superset_config.py has it written down."""
    try:
        return str(json.loads(details or "{}").get("guest", ""))
    except (ValueError, AttributeError):
        return ""


def _titles(client: Client, kind: str, title: str) -> dict[int, str]:
    return {row["id"]: row[title] for row in client.listed(kind, ["id", title])}
