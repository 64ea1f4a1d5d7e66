"""From the steps and words of a question to a journey: which words show its kind, and what is made of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from semantic_layer.ask.aggregations import AS_OF
from semantic_layer.ask.calendar_days import Days, start_of
from semantic_layer.ask.items import Item
from semantic_layer.ask.journey_dimensions import choose_path, filters_of
from semantic_layer.ask.journey_reader import JourneyReader, StepMention
from semantic_layer.ask.phrases import Role
from semantic_layer.ask.resolution import Assumptions, Unclear, days_and_comparison
from semantic_layer.ask.slots import Group, Mention
from semantic_layer.journeys.models import (
    Direction,
    Filter,
    Funnel,
    Journey,
    Kind,
    Lifecycle,
    Mode,
    Operator,
    Order,
    Paths,
    Period,
    Retention,
    Step,
    Stickiness,
    make,
)
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import Grain
from warehouse.errors import WrongUsage

PERIODS = {Grain.DAY: Period.DAY, Grain.WEEK: Period.WEEK, Grain.MONTH: Period.MONTH}
FAR = {str(grain): grain for grain in PERIODS}
ANY = Step(event="*")
OWN_STAGES = {"dormant", "resurrected", "resurrecting"}  # words for nothing else
MOST_SUGGESTED = 3
PAGE, SCREEN_EVENT = "page.path", "screen_viewed"


class JourneyQuestion(JourneyReader):
    kind: ClassVar[str]

    def __init__(
        self, items: Sequence[Item], catalogue: Catalogue, project: str, today: date, assumed: Assumptions
    ) -> None:
        super().__init__(items)
        self.catalogue, self.project, self.today, self.assumed = catalogue, project, today, assumed

    def is_meant(self) -> bool:
        """Whether the words show this kind of journey."""
        raise NotImplementedError

    def is_sure(self) -> bool:
        """Whether no question about metrics is asked in these words, so that it is this first of all."""
        return False

    def made(self) -> Journey:
        """The journey, of what was read; Unclear where it cannot be."""
        if self.slots.against or self.slots.contrasts or self.slots.changes:
            raise Unclear("Journeys are not compared with other days: ask for each.")
        if self.slots.as_of:
            raise Unclear(AS_OF)
        if self.slots.averages and Role.TAKES not in self.said:
            raise Unclear("A journey tells counts and shares, no averages.")
        days, _ = days_and_comparison(self.slots, self.today, self.assumed)
        if days == Days(None, None):
            self.assumed.assume("No days are named: all with data.", 1.0)
        else:
            self.assumed.assume(f"Days: {days}.", 1.0)
        try:
            return self.build({"project": self.project, "from": days.first, "to": days.last})
        except WrongUsage as error:
            raise Unclear(error.message) from error

    def build(self, common: dict[str, Any]) -> Journey:
        raise NotImplementedError

    # Parts ----------------------------------------------------------------------------------------------------------

    def step(self, mention: StepMention, filters: Sequence[Filter] = ()) -> Step:
        if len(mention.events) > 1:
            names = [event.name for event in mention.events]
            raise Unclear(f"{mention.text!r} may be the event {', '.join(names[:-1])} or {names[-1]}: say which.")
        event, page = mention.events[0].name, []
        if mention.page:
            # A screen of an app has a name instead of a path.
            is_screen = not mention.page.startswith("/")
            event, path = (SCREEN_EVENT, "screen_name") if is_screen else (event, PAGE)
            page = [Filter(path=path, operator=Operator.EQUAL, value=mention.page)]
        return Step(event=event, filters=(*page, *filters))

    def filters(self) -> list[Filter]:
        return filters_of(self.catalogue, self.slots.clauses)

    def period(self) -> Period | None:
        """Of `weekly`, `per month`."""
        grains = {group.grain for group in self.slots.groups if group.grain}
        if len(grains) > 1:
            raise Unclear("It asks for several periods at once: say per day, per week or per month.")
        grain = next(iter(grains), None)
        if grain is None:
            return None
        if grain not in PERIODS:
            raise Unclear(f"Journeys are told per day, week or month, not per {grain}.")
        return PERIODS[grain]

    def by(self) -> str | None:
        dimensions = [group.dimension for group in self.slots.groups if group.dimension]
        if len(dimensions) > 1:
            raise Unclear("A journey is broken down by one dimension: ask for one of them.")
        return choose_path(self.catalogue, dimensions[0]) if dimensions else None

    def no_more_than(self, steps: int) -> None:
        if len(self.steps) > steps or any(step.is_excluded for step in self.steps):
            raise Unclear("It names more events than can be meant here.")


class FunnelQuestion(JourneyQuestion):
    kind = "funnel"
    silent = (Role.FUNNEL, Role.SHARE, Role.TAKES, Role.ANY_ORDER, Role.STRICTLY, Role.COUNT)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.declared: list[Mention] = []

    def is_meant(self) -> bool:
        if self.declared:
            return True
        shown = {Role.FUNNEL, Role.TAKES} & self.said or self._leads_on()
        # "how many people who begin a checkout place an order"
        counted = (
            {Role.COUNT, Role.SHARE} & self.said
            and len(self.steps) > 1
            and not any(item.has(Role.AND) for item in self.items)
            and not any(step.is_passed for step in self.steps)
        )
        return bool((shown or counted) and self.steps)

    def is_sure(self) -> bool:
        return bool(self.declared) or Role.FUNNEL in self.said or self._leads_on()

    def _leads_on(self) -> bool:
        """Orders through the app are no funnel to it."""
        return any(step.link is Role.THEN and not step.is_passed for step in self.steps)

    def take_step(self) -> bool:
        return self._take_declared() or super().take_step()

    def _take_declared(self) -> bool:
        """the activation funnel, which the dbt project declares."""
        if self.has(self.at - 1, Role.NOT) or not (mention := self.mention(self.at, "funnel")):
            return False
        self.declared.append(mention)
        self.at += 1
        return True

    def take_word(self) -> bool:
        """how long until people order after signing up: what comes after stands first."""
        if self.steps and self.has(self.at, Role.AFTER) and self._step(self.past_people(self.at + 1)):
            self._link = Role.AFTER
            self.at += 1
            return True
        return super().take_word()

    def build(self, common: dict[str, Any]) -> Funnel:
        given = self._declared_steps() if self.declared else self._steps_said()
        if self.within_seconds:
            given["within_seconds"] = self.within_seconds
        elif not self.declared:
            self.assumed.assume("Within 14 days of the first step.", 1.0)
        if Role.ANY_ORDER in self.said:
            given["order"] = Order.UNORDERED
        elif Role.STRICTLY in self.said:
            given["order"] = Order.STRICT
        if any(group.over_time for group in self.slots.groups):
            given["trend"] = Period.WEEK
            self.assumed.assume("Over time: per week.", 0.95)
        elif period := self.period():
            given["trend"] = period
        given["by"] = self.by()
        given["histogram"] = Role.TAKES in self.said
        return make(Funnel, {**common, **given})

    def _steps_said(self) -> dict[str, Any]:
        filters = self.filters()
        steps = [self.step(mention, filters) for mention in self.steps if not mention.is_excluded]
        if self.steps[-1].link is Role.AFTER:
            steps = [steps[-1], *steps[:-1]]
        if len(steps) < 2:
            raise Unclear(
                "A funnel has at least two steps: name what comes first and what comes after.",
                [f"{funnel.title.lower()} funnel" for funnel in self.catalogue.funnels_of(self.project).values()][
                    :MOST_SUGGESTED
                ],
            )
        exclusions = tuple(
            {"step": self.step(mention), "after": 1, "before": len(steps)}
            for mention in self.steps
            if mention.is_excluded
        )
        return {"steps": tuple(steps), "exclusions": exclusions}

    def _declared_steps(self) -> dict[str, Any]:
        funnels = self.catalogue.funnels
        names = list(dict.fromkeys(meaning.name for mention in self.declared for meaning in mention.meanings))
        if len(names) > 1:
            listed = " or ".join(repr(funnels[name].title) for name in names)
            raise Unclear(f"It may be of the funnel {listed}: ask for one.")
        if self.steps:
            raise Unclear("It names a declared funnel and events beside it: ask for one or the other.")
        funnel = funnels[names[0]]
        self.assumed.assume(f"The declared funnel {funnel.title!r} ({names[0]}).", 1.0)
        steps = tuple(Step.model_validate(step) for step in funnel.journey["steps"])
        filters = tuple(self.filters())
        narrowed = tuple(step.model_copy(update={"filters": (*step.filters, *filters)}) for step in steps)
        return {**funnel.journey, "steps": narrowed}


class RetentionQuestion(JourneyQuestion):
    kind = "retention"
    silent = (Role.RETENTION, Role.RETURNS, Role.AGAIN, Role.FIRST_TIME, Role.OR_LATER, Role.AFTER, Role.COUNT)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.far: int | None = None
        self.returns_at = next((at for at, item in enumerate(self.items) if item.has(Role.RETURNS)), None)

    def is_meant(self) -> bool:
        return bool({Role.RETENTION, Role.RETURNS} & self.said) or (Role.AGAIN in self.said and bool(self.steps))

    def is_sure(self) -> bool:
        """Whether people come back is not answered by how many did."""
        asks_whether = self.items[0].text in ("do", "does", "did") and Role.COUNT not in self.said
        return asks_whether and Role.RETURNS in self.said

    def take_word(self) -> bool:
        if self.items[self.at].text == "new" and self.has(self.at + 1, Role.PEOPLE):
            self.said.add(Role.STAGE)
            self.at += 1
            return True
        return super().take_word()

    def take_window(self) -> bool:
        return self._take_far() or super().take_window()

    def _take_far(self) -> bool:
        """day 7 retention, week-4 retention: how far it is looked. That week is none of the calendar."""
        end = next((at for at in (self.at + 1, self.at + 2) if self.has(at, Role.RETENTION)), self.at)
        unit, _, far = " ".join(item.text for item in self.items[self.at : end]).partition(" ")
        if unit not in FAR or not far.isdecimal() or not int(far):
            return False
        self.slots.groups.append(Group(grain=FAR[unit]))
        self.far, self.at = int(far), end
        return True

    def build(self, common: dict[str, Any]) -> Retention:
        self.no_more_than(2)
        at = self.returns_at
        if at is not None and self.items[at].text == "returning" and self.has(at + 1, Role.PEOPLE) and not self.steps:
            raise Unclear("Returning people are a stage of the lifecycle: ask for it, or for retention.")
        steps = [self.step(mention) for mention in self.steps]
        start, returning = (steps[0] if steps else ANY), ANY
        if len(steps) == 2:
            returning = steps[1]
            # "do people come back to buy after signing up": what is returned to stands first.
            if self.steps[0].link is Role.THEN:
                start, returning = returning, start
        elif len(steps) == 1 and Role.AGAIN in self.said:
            returning = steps[0]
        elif not steps:
            self.assumed.assume("Active is who did any event.", 0.95)
        if len(steps) == 1 and returning == ANY:
            self.assumed.assume("Back is who did any event.", 1.0)
        period = self.period()
        if period is None:
            self.assumed.assume("Per week.", 0.95)
        given: dict[str, Any] = {"start": start.model_copy(update={"filters": (*start.filters, *self.filters())})}
        given |= {"returning": returning, "period": period or Period.WEEK, "by": self.by()}
        if {Role.FIRST_TIME, Role.STAGE} & self.said:
            given["kind"] = Kind.FIRST_EVER
        if self.far:
            given["periods"] = self.far
        if Role.OR_LATER in self.said:
            given["mode"] = Mode.ON_OR_AFTER
        # Those who began in these days are watched for as long as there are data.
        common = {**common, "to": None, "cohorts_until": common["to"]}
        return make(Retention, {**common, **given})


class PathsQuestion(JourneyQuestion):
    kind = "paths"
    silent = (Role.PATHS, Role.GOES, Role.AFTER, Role.BEFORE, Role.BEST)

    def is_meant(self) -> bool:
        return bool({Role.PATHS, Role.GOES} & self.said) and bool({Role.AFTER, Role.BEFORE} & self.said)

    def is_sure(self) -> bool:
        return True

    def take_word(self) -> bool:
        item = self.items[self.at]
        if (
            (known := self.number(self.at))
            and isinstance(known[0], int)
            and self.has(self.at - 1, Role.PATHS, Role.TOP)
        ):
            if self.has(self.at - 1, Role.TOP):
                self.slots.top = known[0]
            else:
                self.depth = known[0]
            self.at = known[2]
            return True
        if item.has(Role.TOP):
            self.at += 1
            return True
        if item.has(Role.STARTS) and self._step(self.past_people(self.at + 1)):
            self.said.add(Role.AFTER)
        elif item.has(Role.THEN) and item.text == "to" and self._step(self.past_people(self.at + 1)):
            self.said.add(Role.BEFORE)
        return super().take_word()

    depth: int | None = None

    def build(self, common: dict[str, Any]) -> Paths:
        self.no_more_than(1)
        if not self.steps:
            raise Unclear("It does not say after or before which event.")
        if {Role.AFTER, Role.BEFORE} <= self.said:
            raise Unclear("It asks what comes before and what comes after: ask for one of them.")
        if self.slots.groups:
            raise Unclear("Paths are not broken down: ask with a condition, such as `on mobile`.")
        start = self.step(self.steps[0], self.filters())
        # Who asks where people go after a page asks for pages.
        given: dict[str, Any] = {"event": start, "pages": any(one.path == PAGE for one in start.filters)}
        given["direction"] = Direction.PREVIOUS if Role.BEFORE in self.said else Direction.NEXT
        if self.depth:
            given["depth"] = self.depth
        if self.slots.top:
            given["top"] = self.slots.top
        return make(Paths, {**common, **given})


class LifecycleQuestion(JourneyQuestion):
    kind = "lifecycle"
    silent = (Role.LIFECYCLE, Role.STAGE, Role.COUNT, Role.RETURNS)

    def is_meant(self) -> bool:
        stages = [item.text for item in self.items if item.has(Role.STAGE)]
        return Role.LIFECYCLE in self.said or len(stages) > 1 or bool(OWN_STAGES & {*stages})

    def take_step(self) -> bool:
        """New and churned users are two stages, and no users of an event."""
        return not self.has(self.at, Role.STAGE) and super().take_step()

    def take_word(self) -> bool:
        # Of `and` and `or` together nobody knows what they mean.
        either = self.items[self.at].text == "or" and not any(item.text == "and" for item in self.items)
        if either and self.has(self.at - 1, Role.STAGE) and self.has(self.at + 1, Role.STAGE):
            self.at += 1
            return True
        return super().take_word()

    def is_sure(self) -> bool:
        return Role.LIFECYCLE in self.said

    def build(self, common: dict[str, Any]) -> Lifecycle:
        self.no_more_than(1)
        if any(group.dimension for group in self.slots.groups):
            raise Unclear("The lifecycle is not broken down: ask with a condition, such as `on mobile`.")
        event = self.step(self.steps[0]) if self.steps else ANY
        period = self.period()
        if period is None:
            self.assumed.assume("Per week.", 0.95)
        step = event.model_copy(update={"filters": (*event.filters, *self.filters())})
        made = make(Lifecycle, {**common, "event": step, "period": period or Period.WEEK})
        return since_its_begin(made, self.assumed)


def since_its_begin(lifecycle: Lifecycle, assumed: Assumptions) -> Lifecycle:
    """Who was new in a week is known of whole ones: since 1 May is since the Monday before."""
    first = lifecycle.first_day
    begin = start_of(Grain(str(lifecycle.period)), first) if first else None
    if begin == first:
        return lifecycle
    assumed.assume(f"Whole {lifecycle.period}s are told: the first begins on {begin}.", 1.0)
    return lifecycle.model_copy(update={"first_day": begin})


class StickinessQuestion(JourneyQuestion):
    kind = "stickiness"
    silent = (Role.STICKINESS, Role.ACTIVE_DAYS, Role.ACTIVE, Role.COUNT)

    def is_meant(self) -> bool:
        # "how many days have data" are nobody's active days.
        of_people = self.slots.people or any({"active", "user"} & {*item.text.split()} for item in self.items)
        return Role.STICKINESS in self.said or (Role.ACTIVE_DAYS in self.said and bool(of_people))

    def build(self, common: dict[str, Any]) -> Stickiness:
        self.no_more_than(1)
        if any(group.grain is not Grain.MONTH for group in self.slots.groups):
            raise Unclear("Stickiness is not broken down: ask with a condition, such as `on mobile`.")
        event = self.step(self.steps[0]) if self.steps else ANY
        step = event.model_copy(update={"filters": (*event.filters, *self.filters())})
        return make(Stickiness, {**common, "event": step})


QUESTIONS: tuple[type[JourneyQuestion], ...] = (
    FunnelQuestion,
    PathsQuestion,
    RetentionQuestion,
    LifecycleQuestion,
    StickinessQuestion,
)
