"""What becomes of an alert: a pure function of what was known, what is found now, and the time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from monitoring.alerts.conditions import Finding
from monitoring.alerts.declared import Declaration
from monitoring.alerts.rules import SEVERITIES, Escalation, Rule

DIGEST, REPORT = "digest", "report"  # kinds of what is no alert, but travels as one
CLEARED, UNDECLARED, TOLD = "it is over", "its rule is not declared any more", "it is news, and was told"


class Event(NamedTuple):
    what: str  # opened, escalated, acknowledged, resolved
    at: datetime
    channels: Sequence[str]


class Note(NamedTuple):
    at: datetime
    author: str
    text: str


class Point(NamedTuple):
    at: str
    value: float


@dataclass(frozen=True)
class Alert:
    alert_id: uuid.UUID
    alert_key: str
    sequence: int
    rule: str
    kind: str
    project_id: str
    subject: str
    severity: str
    owner: str
    channels: tuple[str, ...]
    status: str  # open, acknowledged, resolved
    summary: str
    value: float | None
    next_step: str
    points: tuple[Point, ...]
    opened_at: datetime
    last_found_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    cleared_at: datetime | None = None
    resolution: str = ""
    events: tuple[Event, ...] = ()
    notes: tuple[Note, ...] = ()
    digest: str = ""  # of a digest what it tells, as JSON
    report: str = ""  # of a report what is said of it, as JSON

    @property
    def is_alert(self) -> bool:
        return self.kind not in (DIGEST, REPORT)

    @property
    def is_on(self) -> bool:
        return self.status != "resolved"

    @property
    def told_at(self) -> datetime | None:
        """When it was told that it is open, since it is."""
        return next((e.at for e in self.events if e.what == "opened" and e.at >= self.opened_at), None)

    @property
    def listeners(self) -> tuple[str, ...]:
        """Who was told so far."""
        since = [e for e in self.events if e.at >= self.opened_at]
        return tuple(dict.fromkeys(channel for event in since for channel in event.channels))

    @property
    def owes_the_end(self) -> bool:
        """Somebody was told that it is open, and nobody yet that it is not."""
        ended = any(e.what == "resolved" and e.at >= self.opened_at for e in self.events)
        return not self.is_on and self.resolution != TOLD and self.told_at is not None and not ended

    def with_event(self, what: str, at: datetime, channels: Sequence[str]) -> Alert:
        return replace(self, events=(*self.events, Event(what, at, tuple(channels))))

    def with_note(self, at: datetime, author: str, text: str) -> Alert:
        return replace(self, notes=(*self.notes, Note(at, author, text)))


def follow(
    known: Mapping[str, Alert],
    found: Mapping[str, Finding],
    declared: Declaration,
    judged: Collection[str],
    now: datetime,
) -> list[Alert]:
    """The alerts that are another than they were. `known`: by key the last one; `judged`: the rules that could be."""
    after = dict(known)
    for key, finding in found.items():
        after[key] = _found(known.get(key), finding, declared.rules[finding.rule], declared, now)
    for key, alert in known.items():
        # What cannot be judged, for a mistake in its rule or otherwise, changes nothing.
        if key in found or (alert.rule not in judged and declared.may_have("rules", alert.rule)):
            continue
        why = CLEARED if alert.rule in declared.rules else UNDECLARED
        if alert.is_on:
            after[key] = replace(alert, status="resolved", resolved_at=now, cleared_at=now, resolution=why)
        elif alert.cleared_at is None:
            after[key] = replace(alert, cleared_at=now)
    told = {key: told_of(alert, declared, now) for key, alert in after.items()}
    return [alert for key, alert in told.items() if alert != known.get(key)]


def _found(last: Alert | None, finding: Finding, rule: Rule, declared: Declaration, now: datetime) -> Alert:
    if last is not None and not last.is_on and last.cleared_at is None:
        return last  # resolved by hand, or news: it is told again when it was over in between
    owner = finding.owner if finding.owner in declared.owners else rule.owner
    known_channels = tuple(name for name in finding.channels if name in declared.channels)
    channels = rule.channels or known_channels or declared.owners[owner].channels
    now_so: dict[str, Any] = {
        **{"kind": getattr(rule, "kind", ""), "severity": finding.severity or rule.severity, "owner": owner},
        **{"channels": channels, "summary": finding.summary, "value": finding.value},
        "next_step": rule.next_step or finding.next_step,
        "points": tuple(Point(at, value) for at, value in finding.points),
    }
    if last is not None and (last.is_on or _cools_down(last, rule, now)):
        # Of whom nobody was told the end, it never ended: so its end is told once, when it is over for good.
        since = {} if last.owes_the_end else {"opened_at": now}
        again: dict[str, Any] = {} if last.is_on else {"status": "open", "resolution": "", **since}
        ends: dict[str, Any] = {} if last.is_on else dict.fromkeys(("acknowledged_at", "resolved_at", "cleared_at"))
        changed = replace(last, **again, **ends, **now_so)
        return last if changed == last else replace(changed, last_found_at=now)
    sequence = last.sequence + 1 if last else 0
    return Alert(
        # Two that open it at the same time, on two machines, open the same one.
        alert_id=uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([finding.key, sequence])),
        alert_key=finding.key,
        sequence=sequence,
        rule=finding.rule,
        project_id=finding.project_id,
        subject=finding.subject,
        status="open",
        opened_at=now,
        last_found_at=now,
        **now_so,
    )


def _cools_down(alert: Alert, rule: Rule, now: datetime) -> bool:
    """What comes back so soon is the same thing."""
    told = [event.at for event in alert.events if event.what == "opened"]
    return bool(told) and now < max(told) + rule.cooldown


def told_of(alert: Alert, declared: Declaration, now: datetime) -> Alert:
    """With the events that are to be told now, and may be."""
    rule = declared.rules.get(alert.rule)
    if rule is None or not alert.is_on:
        may_end = rule is None or not is_quiet(alert, rule, declared, now)
        return alert.with_event("resolved", now, alert.listeners) if alert.owes_the_end and may_end else alert
    if declared.maintenance_of(alert.rule, now) or is_quiet(alert, rule, declared, now):
        return alert
    if alert.told_at is None:
        if alert.status == "open" and not _cools_down(alert, rule, now):
            alert = alert.with_event("opened", now, alert.channels)
            if rule.is_news:
                alert = replace(alert, status="resolved", resolved_at=now, resolution=TOLD)
        return alert
    if alert.status == "open":
        for number, step in enumerate(_steps(alert, rule, declared)):
            escalated = sum(1 for e in alert.events if e.what == "escalated" and e.at >= alert.opened_at)
            if number >= escalated and alert.told_at is not None and now >= alert.told_at + step.after:
                alert = alert.with_event("escalated", now, step.to)
    return alert


def is_quiet(alert: Alert, rule: Rule, declared: Declaration, now: datetime) -> bool:
    """What is critical wakes people up."""
    owner = declared.owners.get(alert.owner)
    hours = rule.quiet_hours or (owner.quiet_hours if owner else None)
    return hours is not None and hours.hold(now) and alert.severity != SEVERITIES[-1]


def _steps(alert: Alert, rule: Rule, declared: Declaration) -> Iterator[Escalation]:
    owner = declared.owners.get(alert.owner)
    steps = rule.escalate if rule.escalate is not None else (owner.escalate if owner else ())
    yield from sorted(steps, key=lambda step: step.after)


def acknowledged(alert: Alert, author: str, note: str, now: datetime) -> Alert:
    taken = replace(alert, status="acknowledged", acknowledged_at=now)
    return taken.with_event("acknowledged", now, alert.listeners).with_note(now, author, note or "acknowledged")


def resolved(alert: Alert, author: str, note: str, now: datetime) -> Alert:
    ended = replace(alert, status="resolved", resolved_at=now, resolution=f"by {author}")
    if alert.told_at is not None:
        ended = ended.with_event("resolved", now, alert.listeners)
    return ended.with_note(now, author, note or "resolved")
