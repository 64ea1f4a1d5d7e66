"""Rules about segments: who was in one when a period began, and is in another at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitoring.alerts.conditions import Finding, fits
from monitoring.alerts.conditions.periods import last_of
from monitoring.alerts.rules import SegmentRule
from semantic_layer.journeys.rendering import literal
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.comparing import period_last
from semantic_layer.metrics.models import Grain
from semantic_layer.reader import Reader

# Whoever goes and comes back within the period has not moved. What holds at an instant was said before it: a version
# that begins at the first instant of a period is a move of that period.
MOVES = """
SELECT
    ifNull(toString(earlier.{column}), '(none)') AS was,
    ifNull(toString(later.{column}), '(none)') AS is,
    uniqExact(earlier.{key}) AS people
FROM marts.{table} AS earlier
INNER JOIN marts.{table} AS later ON earlier.project_id = later.project_id AND earlier.{key} = later.{key}
WHERE earlier.project_id = {project}
    AND earlier.valid_from < {begin} AND ifNull(earlier.valid_to >= {begin}, true)
    AND later.valid_from < {end} AND ifNull(later.valid_to >= {end}, true)
GROUP BY was, is
ORDER BY was, is
"""


def segment_findings(
    name: str, rule: SegmentRule, catalogue: Catalogue, reader: Reader, now: datetime
) -> Iterator[Finding]:
    grain = Grain(rule.grain)
    for project, facts in catalogue.projects.items():
        first = last_of(grain, facts, now)
        if first is None or not rule.is_about(project):
            continue
        zone, last = ZoneInfo(facts.timezone), period_last(first, grain)
        sql = MOVES.format(
            **{"table": rule.table, "column": rule.column, "key": rule.key, "project": literal(project)},
            **{"begin": _instant(first, zone), "end": _instant(last + timedelta(days=1), zone)},
        )
        rows = [(str(was), str(is_), int(people)) for was, is_, people in reader.rows(sql)]
        were: Counter[str] = Counter()
        for was, _, people in rows:
            were[was] += people
        for was, is_, people in rows:
            is_enough = people >= rule.people and people >= (rule.share or 0) * were[was]
            if was != is_ and is_enough and fits(was, rule.before) and fits(is_, rule.after):
                yield Finding(
                    rule=name,
                    project_id=project,
                    subject=f"{was} to {is_}",
                    summary=f"{people:,} of {were[was]:,} people of {project} ({people / were[was]:.1%}) moved from "
                    f"{rule.column} {was} to {is_} in the {rule.grain} of {first}.",
                    value=float(people),
                    next_step=f'millrace sql "SELECT * FROM {rule.table} WHERE {rule.column} = {literal(is_)} '
                    f"AND valid_from >= '{first}' LIMIT 20\"",
                )


def _instant(day: date, zone: ZoneInfo) -> str:
    begin = datetime.combine(day, time(), zone).astimezone(UTC)
    return f"toDateTime64({literal(f'{begin:%Y-%m-%d %H:%M:%S}')}, 3, 'UTC')"
