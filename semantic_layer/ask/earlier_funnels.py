"""The funnel of the days before, which the conversion of a funnel is compared with."""

from __future__ import annotations

from datetime import date, timedelta

from semantic_layer.ask.calendar_days import recognised
from semantic_layer.ask.time_phrases import before_these
from semantic_layer.ask.wording import Span, duration, plural
from semantic_layer.journeys.models import Funnel
from semantic_layer.metrics.catalogue import ProjectFacts
from semantic_layer.metrics.comparing import compared

DAY_SECONDS = 86_400


def funnel_before(funnel: Funnel, facts: ProjectFacts, today: date) -> tuple[Funnel, Span] | None:
    """None where the two could not be compared: people of the later days still have time to convert, or the data begin
    within the earlier ones."""
    first, last = funnel.first_day, funnel.last_day
    if first is None or last is None or _still_converting(funnel, facts):
        return None
    days = compared(first, last, None, before_these(recognised(first, last, today))).days
    if days is None or facts.first_day is None or days[0] < facts.first_day:
        return None
    plain = {"first_day": days[0], "last_day": days[1], "by": None, "trend": None, "histogram": False}
    return funnel.model_copy(update=plain), Span(*days)


def unfinished(funnel: Funnel, facts: ProjectFacts) -> str:
    """A sentence where some who began have not had the time that the funnel gives them."""
    if not _still_converting(funnel, facts):
        return ""
    return f"Who began less than {window(funnel)} before the end of the data may still convert."


def window(funnel: Funnel) -> str:
    """How long somebody has from the first step to the last: 7 days."""
    for size, unit in ((DAY_SECONDS, "day"), (3_600, "hour"), (60, "minute")):
        if funnel.within_seconds % size == 0:
            return plural(funnel.within_seconds // size, unit)
    return duration(funnel.within_seconds)


def _still_converting(funnel: Funnel, facts: ProjectFacts) -> bool:
    end = facts.last_day
    last = min(funnel.last_day or date.max, end or date.max)
    return end is not None and last + timedelta(days=-(-funnel.within_seconds // DAY_SECONDS)) > end
