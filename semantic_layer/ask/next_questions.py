"""What to ask next: a metric by another dimension, over time, against a year before. Only what would be answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from semantic_layer.ask.phrasing import days, phrase
from semantic_layer.ask.structures import Structure
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.ask.wording import Span
from semantic_layer.journeys.models import Funnel, Journey, Retention
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.checking import comparisons
from semantic_layer.metrics.models import METRIC_TIME, Compare, Grain, Grouping, MetricQuery

MOST = 3
FEWEST_VALUES, MOST_VALUES = 3, 30  # of a dimension that is worth a look
FINER = ((2, Grain.HOUR), (62, Grain.DAY), (200, Grain.WEEK), (1500, Grain.MONTH))  # up to so many days: this grain


def next_questions(
    structure: Structure, catalogue: Catalogue, understand: Callable[[str], Understood | Refusal]
) -> tuple[str, ...]:
    """At most three; each is understood as what it is meant as."""
    found: list[str] = []
    for text, meant in _candidates(structure, catalogue):
        understood = understand(text)
        if not isinstance(understood, Understood) or text in found:
            continue
        if understood.query == meant or (meant is None and understood.query != structure):
            found.append(text)
        if len(found) == MOST:
            break
    return tuple(found)


def _candidates(structure: Structure, catalogue: Catalogue) -> Iterator[tuple[str, Structure | None]]:
    if isinstance(structure, Journey):
        yield from ((f"{text} {days(structure)}".strip(), None) for text in _of_journey(structure))
        return
    for query in _queries(structure, catalogue):
        yield phrase(query, catalogue), query


def _queries(query: MetricQuery, catalogue: Catalogue) -> Iterator[MetricQuery]:
    plain = query.model_copy(update={"order": (), "limit": None, "having": (), "compare": None})
    by_time = any(grouping.name == METRIC_TIME for grouping in query.by)
    if not by_time and (grain := _grain(query, catalogue)):
        yield plain.model_copy(update={"by": (*query.by[:1], Grouping(name=METRIC_TIME, grain=grain))})
    grouped = {grouping.name for grouping in query.by} | {part.dimension for part in comparisons(query.where)}
    usable = set.intersection(*(set(catalogue.metrics[name].dimensions) for name in query.metrics))
    for name in _dimensions(usable - grouped, query, catalogue):
        yield plain.model_copy(update={"by": (Grouping(name=name), *query.by[1:])})
    if query.first_day and query.last_day and not query.by and query.compare is None:
        yield plain.model_copy(update={"compare": Compare.YEAR})


def _dimensions(usable: set[str], query: MetricQuery, catalogue: Catalogue) -> list[str]:
    """With a few values, those that most metrics have first: they are what people think in."""
    found = []
    for name in usable:
        dimension = catalogue.dimensions.get(name)
        values = dimension.values.get(query.project, ()) if dimension and dimension.kind == "categorical" else ()
        if FEWEST_VALUES <= len(values) <= MOST_VALUES:
            metrics = sum(name in metric.dimensions for metric in catalogue.metrics.values())
            found.append((-metrics, name.count("__"), name))
    # One of each entity: of three kinds of channel one is enough.
    first: dict[str, str] = {}
    for *_, name in sorted(found):
        first.setdefault(name.partition("__")[0], name)
    return list(first.values())


def _grain(query: MetricQuery, catalogue: Catalogue) -> Grain | None:
    facts = catalogue.projects[query.project]
    first, last = query.first_day or facts.first_day, query.last_day or facts.last_day
    if not first or not last:
        return None
    days = Span(first, last).days
    finest = [catalogue.metrics[name].grain for name in query.metrics]
    for most, grain in FINER:
        if days <= most and (grain is not Grain.HOUR or all(fine == Grain.HOUR for fine in finest)):
            return grain
    return Grain.YEAR


def _of_journey(journey: Journey) -> Iterator[str]:
    match journey:
        case Funnel():
            first, last = journey.steps[0].event, journey.steps[-1].event
            if not journey.by:
                yield f"funnel from {first} to {last} by country"
                yield f"funnel from {first} to {last} by device type"
            yield f"what do people do after {first}"
            yield f"weekly retention of people who did {first}"
        case Retention():
            event = "" if journey.start.event == "*" else f" of people who did {journey.start.event}"
            yield f"monthly retention{event}"
            yield f"daily retention{event}"
            yield "lifecycle per week"
        case _:
            step = journey.mentioned[0].event
            if step != "*":
                yield f"what do people do after {step}"
                yield f"what do people do before {step}"
                yield f"weekly retention of people who did {step}"
            yield "weekly retention"
            yield "lifecycle per week"
