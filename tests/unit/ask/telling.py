"""What was understood as one line, so that a test can hold many questions."""

from __future__ import annotations

from semantic_layer.ask.understanding import Context, understand
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.journeys.models import Funnel, Journey, Lifecycle, Paths, Retention, Stickiness
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import All, Any, Comparison, Condition, MetricQuery, Not
from tests.unit.ask.world import CATALOGUE, TODAY


def ask(question: str, previous: Understood | None = None, catalogue: Catalogue = CATALOGUE) -> Understood | Refusal:
    return understand(question, catalogue, Context("demo", TODAY, previous))


def told(question: str, catalogue: Catalogue = CATALOGUE) -> str:
    found = ask(question, None, catalogue)
    return f"refused: {found.reason}" if isinstance(found, Refusal) else line(found.query)


def line(query: MetricQuery | Journey) -> str:
    return _metrics(query) if isinstance(query, MetricQuery) else _journey(query)


def _metrics(query: MetricQuery) -> str:
    parts = [", ".join(query.metrics)]
    if query.by:
        parts.append(f"by {', '.join(map(str, query.by))}")
    if query.where:
        parts.append(f"where {_condition(query.where)}")
    if query.having:
        parts.append(f"having {', '.join(f'{t.metric} {t.operator} {t.value}' for t in query.having)}")
    parts += [_days(query.first_day, query.last_day)] if query.first_day or query.last_day else []
    if query.compare:
        parts.append(f"compare {query.compare}")
    if query.share:
        parts.append(f"share of {query.share}")
    if query.order:
        parts.append(f"order {', '.join(('-' if one.descending else '') + one.name for one in query.order)}")
    if query.limit:
        parts.append(f"limit {query.limit}")
    return " ".join(parts)


def _condition(condition: Condition) -> str:
    match condition:
        case Comparison():
            return f"{condition.dimension} {condition.operator} {'|'.join(map(str, condition.values))}"
        case All():
            return f"({' and '.join(map(_condition, condition.conditions))})"
        case Any():
            return f"({' or '.join(map(_condition, condition.conditions))})"
        case Not():
            return f"not {_condition(condition.condition)}"
    raise TypeError(type(condition))


def _days(first: object, last: object) -> str:
    return f"{first or ''}..{last or ''}"


def _journey(journey: Journey) -> str:
    match journey:
        case Funnel():
            parts = ["funnel", " > ".join(map(str, journey.steps))]
            if journey.within_seconds != 14 * 86400:
                parts.append(f"within {journey.within_seconds}")
            parts += [str(journey.order)] if journey.order != "ordered" else []
            parts += [f"without {e.step}:{e.after}-{e.before}" for e in journey.exclusions]
            parts += ["histogram"] if journey.histogram else []
            parts += [f"trend {journey.trend}"] if journey.trend else []
        case Retention():
            parts = ["retention", f"{journey.start} > {journey.returning}", f"per {journey.period}"]
            parts += [str(journey.kind)] if journey.kind != "recurring" else []
            parts += [str(journey.mode)] if journey.mode != "on" else []
            parts += [f"cohorts until {journey.cohorts_until}"] if journey.cohorts_until else []
        case Lifecycle():
            parts = ["lifecycle", str(journey.event), f"per {journey.period}"]
        case Stickiness():
            parts = ["stickiness", str(journey.event)]
        case Paths():
            parts = ["paths", str(journey.direction), str(journey.event)]
            parts += [f"top {journey.top}"] if journey.top != 20 else []
            parts += [f"depth {journey.depth}"] if journey.depth != 3 else []
        case _:
            raise TypeError(type(journey))
    parts += [f"by {journey.dimension}"] if journey.dimension else []
    parts += [_days(journey.first_day, journey.last_day)] if journey.first_day or journey.last_day else []
    return " ".join(parts)
