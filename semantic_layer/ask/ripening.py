"""Metrics whose days matter more than most: those that are of a month, and those that some people are not counted in
yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from semantic_layer.ask.calendar_days import Days
from semantic_layer.ask.resolution import Assumptions
from semantic_layer.ask.wording import inside
from semantic_layer.metrics.catalogue import Metric
from semantic_layer.metrics.models import Grain

WAITS = re.compile(r"of those whose (\d+)(?:th)? days? (?:is|are) over|of those whose day after it is over")
OF_MONTHS = re.compile(r"[Aa]sk(?:ed)?(?: it)? per month")
LONGEST_MONTH = 31


def is_ripe(metric: Metric, last: date | None, last_with_data: date | None) -> bool:
    """Whether all who began by the last day asked for have had the days within which they are looked at."""
    waits = WAITS.search(metric.made_of)
    if waits is None or last_with_data is None:
        return True
    return min(last or last_with_data, last_with_data) + timedelta(days=int(waits[1] or 1)) <= last_with_data


def tell_days(metrics: Sequence[Metric], days: Days, by_time: bool, last: date | None, assumed: Assumptions) -> None:
    for metric in metrics:
        if not is_ripe(metric, days.last, last):
            assumed.assume(f"In {inside(metric.label)} those who began too late to know are not counted.", 1.0)
        is_month = days.unit is Grain.MONTH or by_time or (days.first and (days.length or 0) <= LONGEST_MONTH)
        if OF_MONTHS.search(metric.description) and not is_month:
            assumed.assume(f"{metric.label} is usually told of a month: ask `{inside(metric.label)} per month`.", 0.9)
