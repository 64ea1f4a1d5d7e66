"""Whether what was understood can be asked of this catalogue: the same for every route, and for flags."""

from __future__ import annotations

from semantic_layer.ask.structures import Structure
from semantic_layer.journeys.models import Journey
from semantic_layer.journeys.rendering import dimension_sql, dimensions
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.checking import checked
from semantic_layer.metrics.models import MetricQuery
from warehouse.errors import WrongUsage, nearest


def check(structure: Structure, catalogue: Catalogue) -> Structure:
    """The structure, with what it leaves open filled in; or wrong usage."""
    if isinstance(structure, MetricQuery):
        return checked(structure, catalogue)
    _check_journey(structure, catalogue)
    return structure


def _check_journey(journey: Journey, catalogue: Catalogue) -> None:
    facts = catalogue.projects.get(journey.project)
    if facts is None:
        known = nearest(journey.project, catalogue.projects) or "."
        raise WrongUsage(f"There is no project {journey.project!r}{known}")
    for step in journey.mentioned:
        if step.event != "*" and step.event not in facts.events:
            raise WrongUsage(f"No event is called {step.event!r}{nearest(step.event, facts.events) or '.'}")
        paths = facts.properties.get(step.event)
        if paths is None:  # of any event
            paths = tuple(dict.fromkeys(path for of_event in facts.properties.values() for path in of_event))
        for condition in step.filters:
            name = condition.path.removeprefix("properties.")
            if condition.path not in dimensions() and name not in paths:
                known = nearest(name, [*paths, *dimensions()])
                raise WrongUsage(f"No property of {step.event!r} is called {condition.path!r}{known or '.'}")
    if journey.dimension:
        dimension_sql(journey.dimension)
