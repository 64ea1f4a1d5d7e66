"""An answer about a journey in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from semantic_layer.ask.earlier_funnels import window
from semantic_layer.ask.journey_tables import GRAINS, Answer
from semantic_layer.ask.reading import NOBODY
from semantic_layer.ask.wording import (
    Span,
    duration,
    grain_name,
    listed,
    percent,
    period_name,
    period_of,
    plural,
    points,
    within,
)
from semantic_layer.journeys.models import Funnel, Journey, Kind, Lifecycle, Order, Paths, Retention, Stickiness
from semantic_layer.metrics.models import Grain

FEWEST_PEOPLE = 30  # whose conversion is compared with that of others
OFTEN_DAYS = 7


def read_journey(journey: Journey, answer: Answer, span: Span | None, last_day: date | None) -> str:
    """`span`: the days of the answer, as far as there are data; `last_day`: the last one with data."""
    match journey:
        case Funnel():
            return _funnel(journey, answer, span)
        case Retention():
            return _retention(journey, answer, last_day)
        case Lifecycle():
            return _lifecycle(journey, answer, last_day)
        case Stickiness():
            return _stickiness(journey, answer, span)
        case Paths():
            return _paths(journey, answer, span)
    raise TypeError(type(journey))


def _funnel(funnel: Funnel, answer: Answer, span: Span | None) -> str:
    steps = answer["steps"]
    first, last = steps[0], steps[-1]
    when = f" {within(span)}" if span else ""
    if not first["users"]:
        return f"Nobody did {funnel.steps[0]}{when}."
    if funnel.order is Order.UNORDERED:
        begin = f"at least one of the {len(steps)} steps"
        end = f"did all {len(steps)}"
    else:
        begin, end = str(funnel.steps[0]), f"reached {last['name']}"
    said = (
        f"Of {plural(first['users'], 'person', 'people')} who did {begin}{when}, {last['users']:,} "
        f"({percent(last['from_start'])}) {end} within {window(funnel)}{_since(answer, span)}"
    )
    if funnel.histogram and len(steps) == 2 and last["median_seconds"] is not None:
        half, mean = duration(last["median_seconds"]), duration(last["mean_seconds"])
        return f"{said}; half of them took {half} or less, on average it was {mean}{_values_of(funnel, answer)}."
    worst = max(steps[1:], key=lambda step: step["drop_off"])
    if worst["drop_off"]:
        before = steps[worst["step"] - 2]
        lost = percent(1 - worst["from_previous"])
        between = f"between {before['name']} and {worst['name']}"
        said += f"; the largest drop is {between}, where {worst['drop_off']:,} ({lost}) are lost"
    return f"{said}{_course_of(funnel, answer)}{_values_of(funnel, answer)}."


def _course_of(funnel: Funnel, answer: Answer) -> str:
    """Of those who began in the first and in the last period, where it is asked for over time."""
    trend = answer.get("trend") or []
    if funnel.trend is None or len(trend) < 2:
        return ""
    grain = GRAINS[funnel.trend]
    told = [f"{percent(row['rate'])} of those of {_named(grain, row)}" for row in (trend[0], trend[-1])]
    return f"; it was {told[0]} and {told[1]}"


def _since(answer: Answer, span: Span | None) -> str:
    """Against the funnel of the days before, where there is one with anybody in it."""
    earlier = answer.get("before")
    if earlier is None or not earlier["users"][0]:
        return ""
    before = Span(date.fromisoformat(earlier["from"]), date.fromisoformat(earlier["to"]))
    name = period_name(before, span.first if span else None)
    difference = answer["steps"][-1]["from_start"] - earlier["users"][-1] / earlier["users"][0]
    much = points(difference)
    if much.startswith("0 "):
        return f", as in {name}"
    moved, judged = ("up", "better") if difference > 0 else ("down", "worse")
    return f", {moved} {much} on {name} ({judged})"


def _values_of(funnel: Funnel, answer: Answer) -> str:
    enough = [part["steps"] for part in answer["breakdown"]]
    named = [
        (steps[-1]["from_start"], part["value"] or NOBODY)
        for part, steps in zip(answer["breakdown"], enough, strict=True)
        if steps[0]["users"] >= FEWEST_PEOPLE
    ]
    if not named:
        return ""
    best, worst = max(named), min(named)
    if len(named) == 1 or best[0] == worst[0]:
        return f"; by {funnel.by}, {best[1]} has {percent(best[0])}"
    return f"; by {funnel.by}, {best[1]} is best with {percent(best[0])}, {worst[1]} lowest with {percent(worst[0])}"


def _retention(retention: Retention, answer: Answer, last_day: date | None) -> str:
    """The first period later, of the cohorts for which it is over."""
    grain = GRAINS[retention.period]
    cohorts = [cohort for cohort in answer["cohorts"] if cohort["size"]]
    if not cohorts:
        return "Nobody began in these days, so there is nobody who could have come back."
    over = [cohort for cohort in cohorts if cohort["returned"] and _ends(grain, cohort, 1) <= (last_day or date.max)]
    people = sum(cohort["size"] for cohort in over)
    if not people:
        return f"No cohort has had a whole {retention.period} to come back in yet."
    back = sum(cohort["returned"][0] for cohort in over)
    first, last = over[0], over[-1]
    of = f"from {_named(grain, first)} to {_named(grain, last)}" if first is not last else f"of {_named(grain, first)}"
    later = f"1 {retention.period} later" + ("" if retention.mode == "on" else " or after that")
    who = plural(people, "person", "people")
    if len(over) > 1 and retention.kind is Kind.RECURRING:
        # Somebody is in the cohort of each period that they began in.
        who = f"{people:,} beginnings, one per person and {retention.period},"
    said = f"Of {who} in the cohorts {of}, {percent(back / people)} were back {later}"
    furthest = max(
        (
            far
            for cohort in cohorts
            for far in range(2, len(cohort["returned"]) + 1)
            if _over(grain, cohort, far, last_day)
        ),
        default=0,
    )
    if furthest:
        told = [
            cohort
            for cohort in cohorts
            if len(cohort["returned"]) >= furthest and _over(grain, cohort, furthest, last_day)
        ]
        of_these = sum(cohort["size"] for cohort in told)
        share = percent(sum(cohort["returned"][furthest - 1] for cohort in told) / of_these)
        said += f", and {share} of those who could be after {furthest} {retention.period}s"
    young = [cohort for cohort in cohorts if cohort["returned"] and cohort not in over]
    if young:
        names = listed([_named(grain, cohort) for cohort in young])
        said += f"; for {names} that {retention.period} is not over"
    return f"{said}."


def _over(grain: Grain, cohort: Answer, far: int, last_day: date | None) -> bool:
    return _ends(grain, cohort, far) <= (last_day or date.max)


def _ends(grain: Grain, cohort: Answer, far: int) -> date:
    """The last day of the period that is so many later."""
    span = period_of(grain, date.fromisoformat(cohort["period"]))
    for _ in range(far):
        span = period_of(grain, span.last + timedelta(days=1))
    return span.last


def _named(grain: Grain, row: Answer) -> str:
    return grain_name(grain, date.fromisoformat(row["period"]))


def _lifecycle(lifecycle: Lifecycle, answer: Answer, last_day: date | None) -> str:
    grain = GRAINS[lifecycle.period]
    rows = answer["periods"]
    if not rows:
        return "Nobody was active in these days."
    # Of the period that the question ends in, its days until then are counted.
    end = min((day for day in (last_day, lifecycle.last_day) if day), default=None)
    over = [row for row in rows if end is None or _ends(grain, row, 0) <= end]
    row = (over or rows)[-1]
    active = row["new"] + row["returning"] + row["resurrecting"]
    span = period_of(grain, date.fromisoformat(row["period"]))
    said = (
        f"{within(span)[0].upper()}{within(span)[1:]}, {plural(active, 'person was', 'people were')} active: "
        f"{row['new']:,} new, {row['returning']:,} returning, {row['resurrecting']:,} back after a pause; "
        f"{abs(row['dormant']):,} went dormant"
    )
    unfinished = [row for row in rows if over and row not in over]
    said += f"; {listed([_named(grain, row) for row in unfinished])} is incomplete" if unfinished else ""
    return f"{said}."


def _stickiness(stickiness: Stickiness, answer: Answer, span: Span | None) -> str:
    rows = answer["days"]
    people = sum(row["users"] for row in rows)
    if not people:
        return "Nobody was active in these days."
    when = f" {within(span)}" if span else ""
    once = sum(row["users"] for row in rows if row["days"] == 1)
    of = f"Of {plural(people, 'active person', 'active people')}{when}"
    said = f"{of}, {percent(once / people)} were active on one day only"
    often = sum(row["users"] for row in rows if row["days"] >= OFTEN_DAYS)
    if often:
        said += f" and {percent(often / people)} on {OFTEN_DAYS} days or more"
    return f"{said}."


def _paths(paths: Paths, answer: Answer, span: Span | None) -> str:
    when = f" {within(span)}" if span else ""
    nexts = sorted((edge for edge in answer["edges"] if edge["step"] == 1), key=lambda edge: -edge["sessions"])
    onward = [edge for edge in nexts if edge["to"]]
    if not nexts:
        return f"There is no session with {paths.event}{when}."
    sessions = plural(answer["sessions"], "session")
    after = "After" if paths.direction == "next" else "Before"
    step = "the most frequent next step" if paths.direction == "next" else "the most frequent step"
    end = _ended(paths, nexts)
    if not onward:
        return f"{after} {paths.event}{when} nothing else is done in any of {sessions}."
    share = percent(onward[0]["share"])
    return f"{after} {paths.event}{when}, {step} is {onward[0]['to']}, in {share} of {sessions}{end}."


def _ended(paths: Paths, nexts: Sequence[dict[str, Any]]) -> str:
    nothing = next((edge for edge in nexts if not edge["to"]), None)
    if nothing is None:
        return ""
    return f"; {percent(nothing['share'])} {'end there' if paths.direction == 'next' else 'begin with it'}"
