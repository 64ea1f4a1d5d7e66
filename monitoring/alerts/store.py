"""Alerts and attempts to deliver, as rows of ops.alerts and ops.alert_deliveries."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from monitoring.alerts.states import DIGEST, REPORT, Alert, Event, Note, Point
from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import WrongUsage
from warehouse.locks import one_at_a_time
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

ROLE = "alerter"
NAMES = tuple(one.name for one in fields(Alert))
# Tuples as arrays: what a driver makes of named tuples, and of their moments, differs by its version.
READ = {
    "events": "arrayMap(e -> (e.what, toUnixTimestamp64Milli(e.at), e.channels), events)",
    "notes": "arrayMap(n -> (toUnixTimestamp64Milli(n.at), n.author, n.text), notes)",
    "points": "arrayMap(p -> (p.at, p.value), points)",
}
COLUMNS = ", ".join(f"{READ[name]} AS {name}_" if name in READ else name for name in NAMES)
IS_ALERT = f"kind NOT IN ('{DIGEST}', '{REPORT}')"
LAST_OF_EACH_KEY = (
    f"SELECT {COLUMNS} FROM ops.alerts FINAL WHERE {IS_ALERT} ORDER BY sequence DESC LIMIT 1 BY alert_key"
)
SHOWN = 100


@dataclass(frozen=True)
class Attempt:
    delivery_id: uuid.UUID
    attempt: int
    message_id: uuid.UUID
    alert_id: uuid.UUID
    event: str
    channel: str
    kind: str
    status: str  # sending, sent, failed, dead, again
    attempted_at: datetime
    seconds: float = 0.0
    answer: str = ""
    next_attempt_at: datetime | None = None
    recipients: Mapping[str, str] = field(default_factory=dict)  # of several people: what became of each


ATTEMPT_NAMES = tuple(one.name for one in fields(Attempt))


@contextmanager
def connected(settings: Settings, doing: str) -> Iterator[Client]:
    with closing(connect(settings, ROLE)) as client, failures_as_sentences(doing):
        yield client


@contextmanager
def alone(settings: Settings, what: str) -> Iterator[None]:
    """Who changes alerts, or sends, does so one after the other."""
    with one_at_a_time(settings.data_dir / f"{what}.lock"):
        yield


def server_now(client: Client) -> datetime:
    return _utc(client.query("SELECT now64(3, 'UTC')").result_rows[0][0])


def last_alerts(client: Client) -> dict[str, Alert]:
    return {alert.alert_key: alert for alert in map(_alert, client.query(LAST_OF_EACH_KEY).result_rows)}


def read_alerts(client: Client, which: str, **parameters: Any) -> list[Alert]:
    rows = client.query(f"SELECT {COLUMNS} FROM ops.alerts FINAL {which}", parameters=parameters).result_rows
    return [_alert(row) for row in rows]


def list_alerts(client: Client, resolved: bool = False) -> list[Alert]:
    """The worst first, of these the newest."""
    where = f"WHERE {IS_ALERT}" if resolved else f"WHERE {IS_ALERT} AND status != 'resolved'"
    worst = "indexOf(['critical', 'high', 'medium', 'low'], severity)"
    return read_alerts(client, f"{where} ORDER BY status = 'resolved', {worst}, opened_at DESC LIMIT {SHOWN}")


def find_alert(client: Client, id: str) -> Alert:
    """By its id, or by the beginning of it that is no other's."""
    found = read_alerts(client, "WHERE startsWith(toString(alert_id), {id:String}) LIMIT 2", id=id.lower())
    if len(found) == 1 and id:
        return found[0]
    if found:
        raise WrongUsage(f"Several alerts begin with {id!r}.", hint="Write more of it.")
    raise WrongUsage(f"There is no alert {id!r}.", hint="`millrace alerts list --all` lists them.")


def write_alerts(client: Client, alerts: Sequence[Alert]) -> None:
    _insert(client, "ops.alerts", [_row(alert) for alert in alerts])


def read_attempts(client: Client, which: str = "", **parameters: Any) -> list[Attempt]:
    rows = client.query(
        f"SELECT {', '.join(ATTEMPT_NAMES)} FROM ops.alert_deliveries FINAL {which}", parameters=parameters
    ).result_rows
    found = [dict(zip(ATTEMPT_NAMES, row, strict=True)) for row in rows]
    times = ("attempted_at", "next_attempt_at")
    return [Attempt(**{**one, **{name: _maybe(one[name]) for name in times}}) for one in found]


def write_attempts(client: Client, attempts: Sequence[Attempt]) -> None:
    _insert(client, "ops.alert_deliveries", [asdict(attempt) for attempt in attempts])


def _alert(row: Sequence[Any]) -> Alert:
    found = dict(zip(NAMES, row, strict=True))
    for name in ("opened_at", "last_found_at", "acknowledged_at", "resolved_at", "cleared_at"):
        found[name] = _maybe(found[name])
    found["channels"] = tuple(found["channels"])
    found["events"] = tuple(Event(what, _moment(at), tuple(channels)) for what, at, channels in found["events"])
    found["notes"] = tuple(Note(_moment(at), author, text) for at, author, text in found["notes"])
    found["points"] = tuple(Point(*point) for point in found["points"])
    return Alert(**found)


def _row(alert: Alert) -> dict[str, Any]:
    return {
        **{name: getattr(alert, name) for name in NAMES},
        "events": [event._asdict() for event in alert.events],
        "notes": [note._asdict() for note in alert.notes],
        "points": [point._asdict() for point in alert.points],
    }


def _insert(client: Client, table: str, rows: Sequence[dict[str, Any]]) -> None:
    from warehouse.connection import insert_rows

    if rows:
        insert_rows(client, table, [[_plain(value) for value in row.values()] for row in rows], list(rows[0]))


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        case uuid.UUID():
            return str(value)
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
    return value


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _maybe(at: datetime | None) -> datetime | None:
    return _utc(at) if at else None


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
