"""What is no alert and travels as one: told at least once, once by its key, written down, and over with that."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from monitoring.alerts.states import TOLD, Alert, Event
from monitoring.alerts.store import alone, connected, read_alerts, server_now, write_alerts
from warehouse.settings import Settings


def id_of(key: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([key, 0]))


def is_kept(settings: Settings, key: str) -> bool:
    with connected(settings, "to look what was told") as client:
        return bool(read_alerts(client, "WHERE alert_id = {id:UUID}", id=str(id_of(key))))


def keep(
    settings: Settings,
    key: str,
    *,
    kind: str,
    name: str,
    project: str,
    subject: str,
    owner: str,
    channels: Sequence[str],
    summary: str,
    next_step: str,
    digest: str = "",
    report: str = "",
) -> None:
    """From here on it is delivered, whatever happens: what is to be told is part of the row."""
    with alone(settings, "alerts"), connected(settings, f"to send a {kind}") as client:
        now = server_now(client)
        alert = Alert(
            alert_id=id_of(key),
            alert_key=key,
            sequence=0,
            rule=name,
            kind=kind,
            project_id=project,
            subject=subject,
            severity="low",
            owner=owner,
            channels=tuple(channels),
            status="resolved",
            summary=summary,
            value=None,
            next_step=next_step,
            points=(),
            opened_at=now,
            last_found_at=now,
            resolved_at=now,
            cleared_at=now,
            resolution=TOLD,
            events=(Event("opened", now, tuple(channels)),),
            digest=digest,
            report=report,
        )
        write_alerts(client, [alert])
