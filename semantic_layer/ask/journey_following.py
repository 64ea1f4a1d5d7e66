"""Questions that amend one about a journey: only on mobile; by country; within 3 days; and in May?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from semantic_layer.ask.items import Item
from semantic_layer.ask.journey_dimensions import choose_path, filters_of, one_value_only
from semantic_layer.ask.journey_questions import since_its_begin
from semantic_layer.ask.journey_reader import JourneyReader
from semantic_layer.ask.phrases import Role
from semantic_layer.ask.resolution import Assumptions, Unclear, days_and_comparison
from semantic_layer.journeys.models import (
    Direction,
    Filter,
    Funnel,
    Journey,
    Lifecycle,
    Operator,
    Paths,
    Period,
    Retention,
    Step,
    Stickiness,
)
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import Grain

PERIODS = {Grain.DAY: Period.DAY, Grain.WEEK: Period.WEEK, Grain.MONTH: Period.MONTH}
PAGE = "page.path"  # says which event a step is, and is no condition on it


class JourneyFollowUpReader(JourneyReader):
    silent = (Role.AFTER, Role.BEFORE)

    def __init__(self, items: Sequence[Item]) -> None:
        super().__init__(items)
        self.removed: set[Role] = set()

    def take(self) -> bool:
        return self.take_removal() or super().take() or self.take_loose() or self.take_cue()

    def take_removal(self) -> bool:
        known = self.number(self.at + 1)
        if self.has(self.at, Role.TOP) and known and isinstance(known[0], int) and known[0] > 0:
            self.slots.top, self.at = known[0], known[2]
            return True
        at = self.past_fillers(self.at + 1)
        found = {role for role in (Role.CONDITIONS, Role.GROUPINGS, Role.TIMES) if self.has(at, role)}
        if not self.has(self.at, Role.REMOVE) or not found:
            return False
        self.removed |= found
        self.at = at + 1
        return True

    def take_loose(self) -> bool:
        group = self.group(self.at)
        if group is None:
            return False
        self.slots.groups.append(group)
        self.at += 1
        return True

    def take_cue(self) -> bool:
        item = self.items[self.at]
        if (
            not ((item.has(Role.CUE) or item.has(Role.LEADS)) and self.at == 0)
            or item.has(Role.NOT)
            or item.has(Role.OR)
            or item.has(Role.REMOVE)
        ):
            return False
        self.at += 1
        return True


def amended_journey(
    reader: JourneyFollowUpReader, before: Journey, catalogue: Catalogue, today: date, assumed: Assumptions
) -> Journey:
    slots = reader.slots
    if reader.steps:
        raise Unclear("It names other events: ask the whole question anew.")
    if slots.against or slots.contrasts or slots.changes:
        raise Unclear("Journeys are not compared with other days: ask for each.")
    changes: dict[str, Any] = {}
    is_cohorts = isinstance(before, Retention)
    if slots.ranges or Role.TIMES in reader.removed:
        days, _ = days_and_comparison(slots, today, assumed)
        changes |= {"first_day": days.first, ("cohorts_until" if is_cohorts else "last_day"): days.last}
    if slots.clauses or Role.CONDITIONS in reader.removed:
        filters = filters_of(catalogue, slots.clauses)
        adds = any(item.has(Role.ADD) for item in reader.items)
        changes |= _filtered(before, filters, Role.CONDITIONS in reader.removed, adds)
    changes |= _grouped(reader, before, catalogue)
    if reader.within_seconds:
        if not isinstance(before, Funnel):
            raise Unclear("Only a funnel has a time within which it is done.")
        changes["within_seconds"] = reader.within_seconds
    if {Role.AFTER, Role.BEFORE} & reader.said and isinstance(before, Paths):
        changes["direction"] = Direction.PREVIOUS if Role.BEFORE in reader.said else Direction.NEXT
    if slots.top:
        if not isinstance(before, Paths):
            raise Unclear("Only paths have most frequent ones.")
        changes["top"] = slots.top
    if not changes:
        raise Unclear("It is not clear what of the question before it changes.")
    made = before.model_copy(update=changes)
    return since_its_begin(made, assumed) if isinstance(made, Lifecycle) else made


def _filtered(before: Journey, filters: list[Filter], removes: bool, adds: bool) -> dict[str, Any]:
    said = {one.path: one.operator for one in filters}

    def stays(one: Filter) -> bool:
        if one.path == PAGE or one.path not in said:
            return one.path == PAGE or not removes
        if one.operator is Operator.UNEQUAL and (adds or said[one.path] is Operator.UNEQUAL):
            return True  # "and without tablet", "also tablet" after one without mobile: neither of them
        if adds:
            raise Unclear(one_value_only(one.path))
        return False

    def with_filters(step: Step) -> Step:
        kept = [one for one in step.filters if stays(one)]
        excluded = {one.path for one in kept if one.operator is Operator.UNEQUAL}
        new = [
            one.model_copy(update={"operator": Operator.UNEQUAL}) if adds and one.path in excluded else one
            for one in filters
        ]
        return step.model_copy(update={"filters": (*kept, *new)})

    match before:
        case Funnel():
            return {"steps": tuple(map(with_filters, before.steps))}
        case Retention():
            return {"start": with_filters(before.start)}
        case Lifecycle() | Stickiness() | Paths():
            return {"event": with_filters(before.event)}
    raise TypeError(type(before))


def _grouped(reader: JourneyFollowUpReader, before: Journey, catalogue: Catalogue) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if Role.GROUPINGS in reader.removed:
        changes = {"by": None} if isinstance(before, Funnel | Retention) else {}
    for group in reader.slots.groups:
        if group.dimension:
            if not isinstance(before, Funnel | Retention):
                raise Unclear("This journey is not broken down: ask with a condition, such as `on mobile`.")
            changes["by"] = choose_path(catalogue, group.dimension)
            continue
        period = PERIODS.get(group.grain) if group.grain else Period.WEEK
        if period is None or isinstance(before, Stickiness | Paths):
            raise Unclear("This journey is not told by that period.")
        changes["trend" if isinstance(before, Funnel) else "period"] = period
    return changes
