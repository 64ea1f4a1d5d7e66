"""Whether what was understood can be asked of this catalogue: the same for every route."""

from __future__ import annotations

from semantic_layer.journeys.models import Journey
from semantic_layer.journeys.rendering import dimension_sql, dimensions
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import MetricQuery
from warehouse.errors import WrongUsage, nearest


def check(structure: MetricQuery | Journey, catalogue: Catalogue) -> None:
    if structure.project not in catalogue.projects:
        raise WrongUsage(f"There is no project {structure.project!r}{nearest(structure.project, catalogue.projects)}")
    if isinstance(structure, MetricQuery):
        _check_metrics(structure, catalogue)
        return
    _check_journey(structure, catalogue)


def _check_metrics(query: MetricQuery, catalogue: Catalogue) -> None:
    for name in query.metrics:
        if name not in catalogue.metrics:
            raise WrongUsage(f"There is no metric {name!r}{nearest(name, catalogue.metrics) or '.'}")
    for grouping in query.by:
        if grouping.name != "metric_time" and grouping.name not in catalogue.dimensions:
            raise WrongUsage(f"There is no dimension {grouping.name!r}{nearest(grouping.name, catalogue.dimensions)}")


def _check_journey(journey: Journey, catalogue: Catalogue) -> None:
    facts = catalogue.projects[journey.project]
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
