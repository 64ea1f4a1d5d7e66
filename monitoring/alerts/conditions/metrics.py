"""Rules about metrics: what the semantic layer answers, period by period, by the days of the project."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from monitoring.alerts.conditions import Finding
from monitoring.alerts.conditions.periods import last_of, period_before
from monitoring.alerts.rules import ChangeRule, OfMetric, ThresholdRule
from monitoring.figures import figure
from semantic_layer.journeys.models import make
from semantic_layer.metrics.answers import answer
from semantic_layer.metrics.catalogue import Catalogue, Metric, ProjectFacts
from semantic_layer.metrics.checking import checked
from semantic_layer.metrics.comparing import period_last
from semantic_layer.metrics.conditions import all_of, parse_condition
from semantic_layer.metrics.flags import parse_grouping
from semantic_layer.metrics.models import METRIC_TIME, Grain, MetricQuery
from semantic_layer.reader import Reader
from warehouse.errors import WrongUsage
from warehouse.settings import Settings

Series = Mapping[date, float]
SHOWN_PERIODS = 30  # of the picture


def metric_findings(
    settings: Settings, name: str, rule: OfMetric, catalogue: Catalogue, reader: Reader, now: datetime
) -> Iterator[Finding]:
    for project, facts in catalogue.projects.items():
        last = last_period(rule, facts, now)
        if last is None or not rule.is_about(project):
            continue
        query = query_of(rule, project, last)
        given = answer(settings, catalogue, query, reader=reader)
        groups = len(given.query.by) - 1
        for segment, series in sorted(_by_segment(given.rows, groups).items()):
            subject = ", ".join(f"{one.name}={value}" for one, value in zip(query.by[1:], segment, strict=True))
            yield from judged(name, rule, catalogue.metrics[rule.metric], facts, project, subject, series, last)


def check_rule(rule: OfMetric, catalogue: Catalogue) -> None:
    """Whether it can be asked for: names of metrics and dimensions, conditions."""
    for project in [name for name in catalogue.projects if rule.is_about(name)][:1]:
        checked(query_of(rule, project, date(2000, 1, 1)), catalogue)


def last_period(rule: OfMetric, facts: ProjectFacts, now: datetime) -> date | None:
    """Its first day: the last period that is over and has data, or that runs."""
    return last_of(Grain(rule.grain), facts, now, running=isinstance(rule, ThresholdRule) and rule.running)


def query_of(rule: OfMetric, project: str, last: date) -> MetricQuery:
    grain, first = Grain(rule.grain), last
    for _ in range(max(SHOWN_PERIODS, _looked_back(rule))):
        first = period_before(first, grain)
    by = [{"name": METRIC_TIME, "grain": grain}]
    asked = [parse_grouping(text) for text in rule.by]
    if any(one.grain for one in asked):
        raise WrongUsage("by: takes dimensions, not times; the time is the rule's grain.")
    return make(
        MetricQuery,
        {
            **{"project": project, "metrics": (rule.metric,), "by": (*by, *(one.model_dump() for one in asked))},
            "where": all_of([parse_condition(text) for text in rule.where]),
            **{"from": first, "to": period_last(last, grain)},
        },
    )


def judged(
    name: str,
    rule: OfMetric,
    metric: Metric,
    facts: ProjectFacts,
    project: str,
    subject: str,
    series: Series,
    last: date,
) -> Iterator[Finding]:
    """One finding where the last periods, as many as the rule wants, are all as it says."""
    period, sentences = last, []
    for _ in range(rule.consecutive):
        sentence = _sentence(rule, metric, facts, series, period)
        if not sentence:
            return
        sentences.append(sentence)
        period = period_before(period, Grain(rule.grain))
    in_a_row = f", and so were the {rule.consecutive - 1} before" if rule.consecutive > 1 else ""
    if rule.consecutive == 2:
        in_a_row = f", and so was the {rule.grain} before"
    yield Finding(
        rule=name,
        project_id=project,
        subject=subject,
        summary=f"{metric.label} of {project}{f' ({subject})' if subject else ''} {sentences[0]}{in_a_row}.",
        value=_value(rule, metric, facts, series, last),
        next_step=" ".join(
            [
                f"millrace metrics query --project {project} --metric {rule.metric} --by {rule.grain}",
                *(f"--by {dimension}" for dimension in rule.by),
                *(f"--where '{condition}'" for condition in rule.where),
            ]
        ),
        points=[(str(day), value) for day, value in sorted(series.items())],
    )


def _sentence(rule: OfMetric, metric: Metric, facts: ProjectFacts, series: Series, period: date) -> str:
    """What is wrong with this period; empty: nothing."""
    value = _value(rule, metric, facts, series, period)
    if value is None:
        return ""
    told = f"was {figure(value, metric.format, facts.currency)} in the {rule.grain} of {period}"
    if rule.grain == "day":
        told = f"was {figure(value, metric.format, facts.currency)} on {period}"
    if isinstance(rule, ThresholdRule):
        if rule.above is not None and value > rule.above:
            return f"{told}, above {figure(rule.above, metric.format, facts.currency)}"
        if rule.below is not None and value < rule.below:
            return f"{told}, below {figure(rule.below, metric.format, facts.currency)}"
        return ""
    assert isinstance(rule, ChangeRule)
    earlier = period
    for _ in range(rule.against):
        earlier = period_before(earlier, Grain(rule.grain))
    before = _value(rule, metric, facts, series, earlier)
    if not before or abs(before) < rule.at_least:
        return ""
    change = (value - before) / abs(before)
    if (rule.rises_by is not None and change >= rule.rises_by) or (
        rule.falls_by is not None and change <= -rule.falls_by
    ):
        way = "more" if change > 0 else "less"
        return f"{told}, {abs(change):.0%} {way} than {figure(before, metric.format, facts.currency)} on {earlier}"
    return ""


def _looked_back(rule: OfMetric) -> int:
    return rule.consecutive + (rule.against if isinstance(rule, ChangeRule) else 0)


def _value(rule: OfMetric, metric: Metric, facts: ProjectFacts, series: Series, period: date) -> float | None:
    missing = rule.missing or ("zero" if metric.adds_up else "ignore")
    begun = facts.first_day is not None and period >= facts.first_day
    return series.get(period, 0.0 if missing == "zero" and begun else None)


def _by_segment(rows: Sequence[Sequence[object]], groups: int) -> dict[tuple[str, ...], dict[date, float]]:
    """Time, groups, metric: as they were asked for."""
    found: dict[tuple[str, ...], dict[date, float]] = defaultdict(dict)
    for row in rows:
        period, value = row[0], row[-1]
        if isinstance(period, datetime):
            period = period.date()
        if isinstance(period, date) and value is not None and math.isfinite(float(str(value))):
            segment = tuple("(none)" if one is None else str(one) for one in row[1 : 1 + groups])
            found[segment][period] = float(str(value))
    return found if found or groups else {(): {}}
