"""Rules about anomalies: what watched series did that was not to be expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitoring.alerts.conditions import Finding, fits
from monitoring.alerts.rules import SEVERITIES, AnomalyRule

OPEN = """
SELECT
    toString(anomaly_id), toString(series), toString(project_id), dimensions, toString(kind), toString(severity),
    started_at, ended_at, value, expected, lower, upper, toString(owner), channels, ifNull(is_good, false),
    explanation[1].dimensions, explanation[1].share
FROM ops.anomalies FINAL WHERE status != 'resolved' ORDER BY started_at, anomaly_id
"""


def anomaly_findings(anomalies: Sequence[Sequence[Any]], name: str, rule: AnomalyRule) -> Iterator[Finding]:
    for row in anomalies:
        anomaly_id, series, project, dimensions, kind, severity, started_at, ended_at = row[:8]
        value, expected, lower, upper, owner, channels, is_good, most, share = row[8:]
        if is_good and not rule.also_good:
            continue
        if SEVERITIES.index(severity) < SEVERITIES.index(rule.at_least) or not rule.is_about(project):
            continue
        if not fits(series, rule.series) or (rule.types and kind not in rule.types):
            continue
        segment = _named(dimensions)
        mostly = f" Mostly {_named(most)} ({share:.0%})." if most else ""
        until = f" to {ended_at:%Y-%m-%d %H:%M}" if ended_at > started_at else ""
        found = "no data" if value is None else f"{value:,.6g}"
        band = f", {expected:,.6g} was expected ({lower:,.6g} to {upper:,.6g})" if None not in (expected, lower) else ""
        yield Finding(
            rule=name,
            project_id=project,
            subject=anomaly_id,
            summary=f"{series}{f' ({segment})' if segment else ''} of {project}: {kind} "
            f"from {started_at:%Y-%m-%d %H:%M}{until} UTC: {found}{band}.{mostly}",
            value=value,
            severity=severity,
            owner=owner,
            channels=tuple(channels),
            next_step=f"millrace monitor show {anomaly_id[:8]}",
        )


def _named(dimensions: Mapping[str, str]) -> str:
    return ", ".join(f"{dimension}={what}" for dimension, what in dimensions.items())
