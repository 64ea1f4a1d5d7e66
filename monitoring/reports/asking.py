"""A section of a report as a question, of the days that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from monitoring.reports.plans import (
    FunnelSection,
    LifecycleSection,
    MetricsSection,
    PathsSection,
    RetentionSection,
    Section,
    StickinessSection,
)
from semantic_layer.ask.structures import Structure
from semantic_layer.ask.time_phrases import Range, TimeReader
from semantic_layer.ask.time_points import Unreadable
from semantic_layer.ask.tokens import tokenise
from semantic_layer.ask.wording import Span
from semantic_layer.journeys.grammar import parse_exclusion, parse_step
from semantic_layer.journeys.models import Funnel, Lifecycle, Paths, Retention, Stickiness, make, window_seconds
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.flags import query_of
from warehouse.errors import WrongUsage, nearest

EXAMPLE = "Write it as in a question: yesterday, last week, last 12 weeks, last month, this month."


def days_of(text: str, day: date) -> Span:
    """The days that words mean on a day, both ends known."""
    try:
        tokens = tokenise(text)
        found = TimeReader(tokens, day).read(0) if tokens else None
    except Unreadable as error:
        raise WrongUsage(str(error), hint=EXAMPLE) from error
    if found is None or found[0] != len(tokens) or not isinstance(found[1], Range):
        raise WrongUsage(f"{text!r} is no period of days.", hint=EXAMPLE)
    days = found[1].days
    if days.first is None or days.last is None:
        raise WrongUsage(f"{text!r} has no first or no last day.", hint=EXAMPLE)
    return Span(days.first, days.last)


def structure_of(section: Section, project: str, days: Span, catalogue: Catalogue) -> Structure:
    about = {"project": project, "from": days.first, "to": days.last}
    match section:
        case MetricsSection():
            return query_of(
                project,
                section.metrics,
                by=section.by,
                where=section.where,
                having=section.having,
                first_day=days.first,
                last_day=days.last,
                compare=section.compare,
                share=section.share,
                order=section.order,
                limit=section.limit,
            )
        case FunnelSection(model=str() as model):
            if model not in catalogue.funnels:
                known = nearest(model, catalogue.funnels) or f"; there are {', '.join(catalogue.funnels)}."
                raise WrongUsage(f"The dbt project declares no funnel {model!r}{known}")
            return make(Funnel, {**about, **catalogue.funnels[model].journey, "by": section.by})
        case FunnelSection():
            return make(Funnel, {**about, **_steps(section.steps, section.exclude), **_how(section), "by": section.by})
        case RetentionSection():
            steps = {"start": parse_step(section.start), "returning": parse_step(section.returning)}
            how = {"period": section.period, "periods": section.periods, "by": section.by}
            return make(Retention, {**about, **steps, **how})
        case LifecycleSection():
            return make(Lifecycle, {**about, "event": parse_step(section.event), "period": section.period})
        case StickinessSection():
            return make(Stickiness, {**about, "event": parse_step(section.event)})
        case PathsSection():
            how = {"direction": section.direction, "depth": section.depth, "top": section.top}
            return make(Paths, {**about, "event": parse_step(section.event), **how})
    raise TypeError(type(section))


def _steps(steps: Sequence[str], exclude: Sequence[str]) -> dict[str, object]:
    return {
        "steps": [parse_step(text) for text in steps],
        "exclusions": [parse_exclusion(text, len(steps)) for text in exclude],
    }


def _how(section: FunnelSection) -> dict[str, object]:
    return {"within_seconds": window_seconds(section.within), "order": section.order}
