"""What to open of an anomaly: commands that show its series, from some time before it to its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitoring.commands import command
from monitoring.watch.declared import Watch
from monitoring.watch.rows import model_sql
from semantic_layer.metrics.conditions import equality
from semantic_layer.metrics.requests import literal

BEFORE = {"hour": 3, "day": 28, "week": 182}  # days, so that one sees what is usual
# As Watch.series writes it.
SERIES = re.compile(r"(?P<kind>\w+):(?P<name>\w+)(?:/(?P<step>\d+) .*?)?(?::(?:hour|week))?")


def to_open(anomaly: Mapping[str, Any], timezone: str) -> list[str]:
    """The series; where segments explain it, the one that made most of it; of a table what hangs on it."""
    found = SERIES.fullmatch(anomaly["series"])
    if found is None:  # of a version that named series otherwise
        return []
    dimensions, explained = anomaly["dimensions"], anomaly["explanation"]
    wanted = [dimensions, *([explained[0]["dimensions"]] if explained and not dimensions else [])]
    first, last = _days(anomaly, timezone)
    commands: list[tuple[str, ...]]
    if found["kind"] == "metric":
        asked = ("millrace", "metrics", "query", "--project", anomaly["project_id"], "--metric", found["name"])
        span = ("--by", anomaly["grain"], "--from", first, "--to", last)
        commands = [(*asked, *span, *(("--where", _condition(one)) if one else ())) for one in wanted]
    else:
        watch = Watch.model_validate({**found.groupdict("0"), "grain": anomaly["grain"]})
        commands = []
        for one in wanted:
            rows = model_sql(watch, anomaly["project_id"], timezone, tuple(one)).partition(" ORDER BY ")[0]
            only = "".join(f" AND {name} = {literal(value)}" for name, value in one.items())
            of_then = f"moment BETWEEN '{first}' AND '{last}'{only}"
            commands.append(("millrace", "sql", f"SELECT * FROM ({rows}) WHERE {of_then} ORDER BY moment"))
        commands.append(("millrace", "impact", found["name"]))
    return [command(*one) for one in commands]


def _days(anomaly: Mapping[str, Any], timezone: str) -> tuple[str, str]:
    """As the project has them."""
    started, ended = (datetime.fromisoformat(anomaly[key]).replace(tzinfo=UTC) for key in ("started_at", "ended_at"))
    zone = ZoneInfo(timezone)
    first = started.astimezone(zone).date() - timedelta(days=BEFORE[anomaly["grain"]])
    return str(first), str((ended - timedelta(seconds=1)).astimezone(zone).date())


def _condition(dimensions: Mapping[str, str]) -> str:
    return " and ".join(equality(*one) for one in dimensions.items())
