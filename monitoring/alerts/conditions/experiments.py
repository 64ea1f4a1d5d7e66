"""Rules about experiments: what came of one, when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitoring.alerts.conditions import Finding, fits
from monitoring.alerts.rules import ExperimentRule
from monitoring.experiments import Result


def experiment_findings(name: str, rule: ExperimentRule, finished: Iterable[Result]) -> Iterator[Finding]:
    for one in finished:
        if rule.is_about(one.project) and fits(one.experiment, rule.experiments):
            yield Finding(
                rule=name,
                project_id=one.project,
                subject=one.experiment,
                summary=one.sentence,
                value=float(one.people),
                next_step=one.command,
            )
