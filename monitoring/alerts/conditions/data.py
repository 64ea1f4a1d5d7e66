"""Rules about the data itself: how old tables are, which checks fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from monitoring.alerts.conditions import Finding, fits
from monitoring.alerts.rules import CheckFailureRule, FreshnessRule
from monitoring.alerts.values import in_words
from warehouse.observability.declared import Declared
from warehouse.observability.quality import REMEMBERED_DAYS

# Failing now: since it passed last, in how many runs. What a build knows no more ended its incident after that.
FAILING = f"""
SELECT
    toString(asset), toString(check_name), toString(project_id), uniqExact(run_id) AS runs,
    argMax(message, checked_at), argMax(severity, checked_at), argMax(kind, checked_at)
FROM ops.check_results
INNER JOIN (
    SELECT asset, check_name, project_id, maxIf(checked_at, status = 'pass') AS good_at
    FROM ops.check_results WHERE status != 'skipped' GROUP BY ALL
) AS good USING (asset, check_name, project_id)
LEFT JOIN (
    SELECT asset, check_name, project_id, max(resolved_at) AS gone_at
    FROM ops.incidents FINAL WHERE status = 'resolved' AND resolution LIKE 'there is no such check%' GROUP BY ALL
) AS gone USING (asset, check_name, project_id)
WHERE status IN ('fail', 'error') AND checked_at > good_at AND checked_at > ifNull(gone_at, toDateTime64(0, 3))
GROUP BY ALL
HAVING max(checked_at) > now64(3) - INTERVAL {REMEMBERED_DAYS} DAY
ORDER BY ALL
"""


Rows = Sequence[Sequence[Any]]


def freshness_findings(
    ages: Rows, never: Rows, name: str, rule: FreshnessRule, declared: Declared
) -> Iterator[Finding]:
    """`never`: projects since they are declared, of which nothing was ever loaded."""
    since_declared = [("raw.events", *one, True) for one in never]
    for asset, project, updated_at, age, is_empty in [*((*one, False) for one in ages), *since_declared]:
        known = declared.assets.get(asset)
        # Before the first build nothing is declared; what only a rule names is known by its load.
        if (declared.assets and (known is None or not known.is_table)) or not fits(asset, rule.assets):
            continue
        limit = rule.older_than or (timedelta(seconds=known.sla_seconds) if known and known.sla_seconds else None)
        if limit is None or age <= limit.total_seconds() or not rule.is_about(project):
            continue
        loaded = f"{'loaded' if asset.startswith('raw.') else 'built'} last {updated_at:%Y-%m-%d %H:%M} UTC, "
        if is_empty:
            loaded = f"never loaded since it was declared {updated_at:%Y-%m-%d %H:%M} UTC, "
        yield Finding(
            rule=name,
            project_id=project,
            subject=asset,
            summary=f"{asset}{f' of {project}' if project else ''} was {loaded}"
            f"{in_words(timedelta(seconds=age))} ago; it may be {in_words(limit)} old.",
            value=float(age),
            next_step=f"millrace load, or remove {project} from projects.yaml" if is_empty else "millrace status",
        )


def check_findings(failing: Rows, name: str, rule: CheckFailureRule) -> Iterator[Finding]:
    for asset, check, project, runs, message, severity, kind in failing:
        if rule.of_severity not in ("any", severity) or runs < rule.consecutive or not rule.is_about(project):
            continue
        if not fits(asset, rule.assets) or not fits(check, rule.checks):
            continue
        in_runs = f", in {runs} runs" if runs > 1 else ""
        found = f": {message}" if message else ""
        again = {"dbt": f"millrace dbt show --select {check}", "reconcile": "millrace reconcile"}
        yield Finding(
            rule=name,
            project_id=project,
            subject=f"{asset}: {check}",
            summary=f"{asset}{f' of {project}' if project else ''} fails {check}{found}{in_runs}.",
            value=float(runs),
            next_step=again.get(kind, "millrace expectations run"),
        )
