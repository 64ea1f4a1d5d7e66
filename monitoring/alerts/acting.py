"""What people do with alerts: look, take, end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from monitoring.alerts.declared import Declaration
from monitoring.alerts.states import Alert, Point, acknowledged, resolved
from monitoring.alerts.store import (
    Attempt,
    alone,
    connected,
    find_alert,
    list_alerts,
    read_attempts,
    server_now,
    write_alerts,
)
from monitoring.channels.message import Message, Outside
from monitoring.channels.sending import send
from warehouse.errors import WrongUsage, nearest
from warehouse.settings import Settings

TEST_POINTS = (21.0, 19.0, 22.0, 20.0, 23.0, 20.0, 7.0)


def alerts_of(settings: Settings, resolved_too: bool = False) -> list[Alert]:
    with connected(settings, "to tell the alerts") as client:
        return list_alerts(client, resolved_too)


def alert_of(settings: Settings, id: str) -> tuple[Alert, list[Attempt]]:
    """With what was delivered of it, the latest last."""
    with connected(settings, "to tell an alert") as client:
        alert = find_alert(client, id)
        which = "WHERE alert_id = {id:UUID} ORDER BY attempted_at, attempt"
        return alert, read_attempts(client, which, id=str(alert.alert_id))


def attempts_of(settings: Settings, newest: int) -> list[Attempt]:
    with connected(settings, "to tell what was delivered") as client:
        return read_attempts(client, "ORDER BY attempted_at DESC LIMIT {newest:UInt16}", newest=newest)


def acknowledge(settings: Settings, ids: Sequence[str], author: str, note: str) -> list[Alert]:
    return _changed(settings, ids, lambda alert, now: acknowledged(alert, author, note, now), ("open",))


def resolve(settings: Settings, ids: Sequence[str], author: str, note: str) -> list[Alert]:
    change = ("open", "acknowledged")
    return _changed(settings, ids, lambda alert, now: resolved(alert, author, note, now), change)


def _changed(
    settings: Settings, ids: Sequence[str], change: Callable[[Alert, datetime], Alert], of_status: Sequence[str]
) -> list[Alert]:
    """All of them or none."""
    with alone(settings, "alerts"), connected(settings, "to change an alert") as client:
        found = {alert.alert_id: alert for alert in (find_alert(client, id) for id in ids)}
        for alert in found.values():
            if alert.status not in of_status:
                raise WrongUsage(f"Alert {str(alert.alert_id)[:8]} is {alert.status} already.")
        now = server_now(client)
        after = [change(alert, now) for alert in found.values()]
        write_alerts(client, after)
    return after


def try_channel(settings: Settings, declared: Declaration, name: str, tell: Callable[[str], None]) -> str:
    """What the channel answers to a message that says that it is a test."""
    if name not in declared.channels:
        for mistake in declared.mistakes:
            if declared.may_have("channels", name):
                raise WrongUsage(f"The declaration has a mistake. {mistake}")
        raise WrongUsage(f"There is no channel {name!r}{nearest(name, declared.channels) or '.'}")
    now = datetime.now(UTC)
    alert = Alert(
        alert_id=UUID(int=0),
        alert_key=f"test/-/{uuid4().hex[:8]}",
        sequence=0,
        rule="test",
        kind="threshold",
        project_id="",
        subject="",
        severity="low",
        owner="nobody",
        channels=(name,),
        status="open",
        summary=f"A test of the channel {name}: nothing is wrong.",
        value=TEST_POINTS[-1],
        next_step="",
        points=tuple(
            Point(f"{now - timedelta(days=len(TEST_POINTS) - place):%Y-%m-%d}", value)
            for place, value in enumerate(TEST_POINTS)
        ),
        opened_at=now,
        last_found_at=now,
    )
    message = Message(uuid4(), "opened", [alert], is_test=True)
    return send(declared.channels[name], message, Outside(settings.alert_targets_listed, tell))
