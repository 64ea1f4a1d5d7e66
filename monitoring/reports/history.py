"""What became of each making of a report, as rows of ops.report_runs. What became of the messages is in
ops.alert_deliveries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from monitoring.alerts.store import connected
from semantic_layer.ask.wording import Span
from warehouse.settings import Settings

MADE, SENT, TOO_LARGE, FAILED = "made", "sent", "too large", "failed"
NOT_SENT = uuid.UUID(int=0)
SHOWN = 100
# Of each channel what its last attempt came to; nothing where the report was not sent.
HISTORY = """
SELECT
    toString(run_id) AS run_id, report, project_id, toString(first_day) AS first_day, toString(last_day) AS last_day,
    formats, channels, sections, rows, bytes, seconds, outcome, message, toString(started_at) AS started_at,
    nullIf(toString(alert_id), {not_sent:String}) AS alert_id,
    CAST(arraySort(deliveries), 'Map(String, String)') AS delivered
FROM ops.report_runs
LEFT JOIN (
    SELECT alert_id, groupArray((channel, status)) AS deliveries
    FROM (
        SELECT alert_id, channel, argMax(status, attempt) AS status FROM ops.alert_deliveries FINAL GROUP BY ALL
    )
    GROUP BY alert_id
) AS told USING (alert_id)
WHERE {report:String} IN ('', report) AND {project:String} IN ('', project_id)
ORDER BY started_at DESC, run_id
LIMIT {limit:UInt32}
"""


@dataclass
class Run:
    """One making of a report, for one project."""

    report: str
    project_id: str
    first_day: date
    last_day: date
    formats: Sequence[str]
    channels: Sequence[str] = ()  # where it is sent; none: files for whoever asked
    sections: int = 0
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    outcome: str = FAILED
    message: str = ""
    alert_id: uuid.UUID = NOT_SENT
    run_id: uuid.UUID = field(default_factory=uuid.uuid4)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def days(self) -> Span:
        return Span(self.first_day, self.last_day)


def write_run(settings: Settings, run: Run) -> None:
    from warehouse.connection import insert_rows

    row = {name: _plain(value) for name, value in asdict(run).items()}
    with connected(settings, "to write down what became of a report") as client:
        insert_rows(client, "ops.report_runs", [list(row.values())], list(row))


def read_history(settings: Settings, report: str = "", project: str = "") -> list[dict[str, Any]]:
    """The newest first."""
    parameters = {"report": report, "project": project, "limit": SHOWN, "not_sent": str(NOT_SENT)}
    with connected(settings, "to tell what became of reports") as client:
        found = client.query(HISTORY, parameters=parameters)
    return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S.%f}"[:-3]
        case date() | uuid.UUID():
            return str(value)
        case list() | tuple():
            return list(value)
    return value
