"""A round: judge the rules, write down what became of the alerts, tell it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from monitoring.alerts.conditions import Finding
from monitoring.alerts.conditions.anomalies import OPEN, anomaly_findings
from monitoring.alerts.conditions.data import FAILING, Rows, check_findings, freshness_findings
from monitoring.alerts.declared import Declaration, load_declaration
from monitoring.alerts.deliveries import Delivered, deliver
from monitoring.alerts.rules import (
    AnomalyRule,
    CheckFailureRule,
    ExperimentRule,
    FreshnessRule,
    OfMetric,
    Rule,
    SegmentRule,
)
from monitoring.alerts.states import Alert, follow
from monitoring.alerts.store import alone, connected, last_alerts, server_now, write_alerts
from monitoring.declarations import Mistake
from semantic_layer.metrics.catalogue import Catalogue, load_catalogue
from semantic_layer.reader import Reader
from warehouse.errors import MillraceError
from warehouse.observability.declared import Declared, read_declared
from warehouse.observability.freshness import AGES, NEVER
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from monitoring.experiments import Result


@dataclass
class Round:
    rules: int = 0
    opened: list[Alert] = field(default_factory=list)
    resolved: list[Alert] = field(default_factory=list)
    on: list[Alert] = field(default_factory=list)  # that are not resolved
    problems: dict[str, str] = field(default_factory=dict)  # by rule: why it could not be judged
    places: dict[str, str] = field(default_factory=dict)  # by such a rule: file and line
    mistakes: list[Mistake] = field(default_factory=list)  # in what is declared: what they are in was left out
    delivered: Delivered = field(default_factory=Delivered)


def check(settings: Settings, tell: Callable[[str], None], now: datetime | None = None) -> Round:
    """Judge and tell. What cannot be judged or told keeps nothing else back. `now`: instead of the server's clock."""
    declared = load_declaration(settings)
    found = evaluate(settings, declared, now)
    found.delivered = deliver(settings, declared, tell)
    return found


def evaluate(settings: Settings, declared: Declaration, now: datetime | None = None) -> Round:
    done = Round(rules=len(declared.rules), mistakes=declared.mistakes)
    for (section, name), place in declared.places.items():
        if section == "rules":
            done.places[name] = str(place.mistake([section, name], ""))
    with alone(settings, "alerts"), connected(settings, "to judge alert rules") as client:
        at = now or server_now(client)
        judge, findings, judged = _Judge(settings, client), {}, set()
        for name, rule in declared.rules.items():
            try:
                found = list(judge.findings(name, rule, at))
            except MillraceError as error:
                done.problems[name] = f"{error.message} {error.hint}".strip()
                continue
            except Exception as error:  # noqa: BLE001 - one rule that nobody foresaw must not silence the others
                done.problems[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
                continue
            judged.add(name)
            findings.update({one.key: one for one in found})
        known = last_alerts(client)
        changed = follow(known, findings, declared, judged, at)
        write_alerts(client, changed)
        after = {**known, **{alert.alert_key: alert for alert in changed}}
    done.on = [alert for alert in after.values() if alert.is_on]
    done.opened = [a for a in changed if a.opened_at == at and not (a.alert_key in known and known[a.alert_key].is_on)]
    done.resolved = [a for a in changed if not a.is_on and a.alert_key in known and known[a.alert_key].is_on]
    return done


class _Judge:
    """What several rules need is read once in a round."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._settings = settings
        self._client = client

    def findings(self, name: str, rule: Rule, now: datetime) -> Iterable[Finding]:
        match rule:
            case FreshnessRule():
                return freshness_findings(self._ages, self._never, name, rule, self._declared)
            case CheckFailureRule():
                return check_findings(self._failing, name, rule)
            case AnomalyRule():
                return anomaly_findings(self._anomalies, name, rule)
            case ExperimentRule():
                from monitoring.alerts.conditions.experiments import experiment_findings

                return experiment_findings(name, rule, self._finished_experiments)
            case SegmentRule():
                from monitoring.alerts.conditions.segments import segment_findings

                return segment_findings(name, rule, self._catalogue, self._reader, now)
            case OfMetric():
                from monitoring.alerts.conditions.metrics import metric_findings

                return metric_findings(self._settings, name, rule, self._catalogue, self._reader, now)
        raise TypeError(f"nobody judges rules of {type(rule).__name__}")

    @cached_property
    def _ages(self) -> Rows:
        return self._client.query(AGES).result_rows

    @cached_property
    def _never(self) -> Rows:
        return self._client.query(NEVER).result_rows

    @cached_property
    def _failing(self) -> Rows:
        return self._client.query(FAILING).result_rows

    @cached_property
    def _anomalies(self) -> Rows:
        return self._client.query(OPEN).result_rows

    @cached_property
    def _declared(self) -> Declared:
        return read_declared(self._settings)

    @cached_property
    def _catalogue(self) -> Catalogue:
        return load_catalogue(self._settings)

    @cached_property
    def _finished_experiments(self) -> list[Result]:
        from monitoring.experiments import finished

        return list(finished(self._settings, self._catalogue, self._reader))

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._settings)


def complaints(done: Round) -> list[str]:
    """What somebody has to mend before all rules are judged."""
    found = [f"{mistake} What it is in is left out until it is mended." for mistake in done.mistakes]
    return found + [
        f"{done.places.get(rule, '')}{rule} could not be judged: {problem}" for rule, problem in done.problems.items()
    ]


def in_words(done: Round) -> str:
    told = done.delivered
    parts = [
        f"{counted(done.rules, 'rule')}: {counted(len(done.opened), 'alert')} opened, {len(done.resolved)} ended, "
        f"{len(done.on)} on"
    ]
    if told.sent or told.failed or told.dead:
        parts.append(f"{told.sent} delivered, {told.failed} to be tried again, {told.dead} given up")
    if missed := complaints(done):
        parts.append(f"{counted(len(missed), 'problem')}, the first: {missed[0].rstrip('.')}")
    return "; ".join(parts) + "."


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
