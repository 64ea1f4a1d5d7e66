"""What is told, whatever the channel."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from monitoring.alerts.rules import SEVERITIES
from monitoring.alerts.states import Alert
from monitoring.digest.contents import Digest
from monitoring.digest.wording import lead, sentence
from monitoring.digest.writing import markdown
from monitoring.reports.notices import Notice

MOST_LINES = 10
BEFORE = {"escalated": "Nobody has taken it yet. ", "resolved": "Over: ", "acknowledged": "Taken: "}


class NotDelivered(Exception):
    """In words without secrets. `final`: another try would change nothing. `is_away`: the channel itself cannot be had
    now, and no other message either; a channel that refuses one message may take the next. `recipients`: of several,
    what became of each."""

    def __init__(
        self,
        text: str,
        final: bool = False,
        retry_after: float = 0.0,
        is_away: bool = False,
        recipients: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.recipients = recipients or {}
        self.final = final
        self.retry_after = retry_after
        self.is_away = is_away or retry_after > 0


@dataclass(frozen=True)
class Outside:
    """What a channel may reach, and how long it may take."""

    targets: Sequence[str]  # host, *.host or host:port
    tell: Callable[[str], None] = print
    seconds: float = 10.0
    files: Path = Path()  # where those of reports are kept


@dataclass(frozen=True)
class Message:
    message_id: uuid.UUID
    event: str  # opened, escalated, acknowledged, resolved
    alerts: Sequence[Alert]  # of one rule
    is_test: bool = field(default=False)

    @property
    def rule(self) -> str:
        return self.alerts[0].rule

    @cached_property
    def digest(self) -> Digest | None:
        """What it tells, where it is one; then it is of one alert alone."""
        return Digest.of_json(json.loads(self.alerts[0].digest)) if self.alerts[0].digest else None

    @cached_property
    def report(self) -> Notice | None:
        """What is said of a report, where it is one; then it is of one alert alone."""
        return Notice.of_json(json.loads(self.alerts[0].report)) if self.alerts[0].report else None

    @property
    def severity(self) -> str:
        return max((alert.severity for alert in self.alerts), key=SEVERITIES.index)

    @property
    def title(self) -> str:
        """One line."""
        if not self.alerts[0].is_alert:
            return self.alerts[0].summary
        said = f"{BEFORE.get(self.event, '')}{self.alerts[0].summary}"
        if len(self.alerts) > 1:
            said = f"{BEFORE.get(self.event, '')}{len(self.alerts)} alerts of {self.rule}"
        return " ".join(f"[{self.severity}] {said}".split())

    @property
    def lines(self) -> list[str]:
        if self.digest:
            told = [sentence(one, self.digest) for one in self.digest.notable]
            shown = [self.digest.prose or lead(self.digest), *told, *(item.text for item in self.digest.items)]
            return shown[:MOST_LINES]
        if self.report:
            return list(self.report.lines[:MOST_LINES])
        shown = [alert.summary for alert in self.alerts] if len(self.alerts) > 1 else []
        if len(shown) > MOST_LINES:
            shown = [*shown[:MOST_LINES], f"And {len(shown) - MOST_LINES} more: millrace alerts list"]
        return shown

    @property
    def facts(self) -> list[tuple[str, str]]:
        first = self.alerts[0]
        if not first.is_alert:
            return [("Look", first.next_step)]
        ids = ", ".join(str(alert.alert_id)[:8] for alert in self.alerts[:MOST_LINES])
        facts = [("Rule", self.rule), ("Owner", first.owner), ("Since", f"{first.opened_at:%Y-%m-%d %H:%M} UTC")]
        projects = ", ".join(dict.fromkeys(alert.project_id for alert in self.alerts if alert.project_id))
        facts += [("Project", projects)] if projects else []
        facts += [("Look", first.next_step)] if first.next_step and self.event != "resolved" else []
        if self.event in ("opened", "escalated") and first.is_on and not self.is_test:
            facts += [("Take it", f"millrace alerts ack {str(first.alert_id)[:8]}")]
        return [*facts, ("Alert", ids)]

    @property
    def text(self) -> str:
        if self.digest:
            return markdown(self.digest)
        if self.report:
            return self.report.text
        facts = [f"{name}: {value}" for name, value in self.facts]
        return "\n".join([self.title, *(f"- {line}" for line in self.lines), *facts])
