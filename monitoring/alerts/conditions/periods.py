"""Days, weeks and months on the calendar of a project."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from semantic_layer.metrics.catalogue import ProjectFacts
from semantic_layer.metrics.comparing import period_first
from semantic_layer.metrics.models import Grain


def last_of(grain: Grain, facts: ProjectFacts, now: datetime, running: bool = False) -> date | None:
    """The first day of the last period that is over and has data; None: nothing has."""
    if facts.last_day is None:
        return None
    today = now.astimezone(ZoneInfo(facts.timezone)).date()
    current = period_first(today, grain)
    return min(current if running else period_before(current, grain), period_first(facts.last_day, grain))


def period_before(period: date, grain: Grain) -> date:
    return period_first(period - timedelta(days=1), grain)
