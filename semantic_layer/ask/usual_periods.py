"""Metrics that are told of a month, as their descriptions say."""

from __future__ import annotations

import re
from collections.abc import Sequence

from semantic_layer.ask.calendar_days import Days
from semantic_layer.ask.resolution import Assumptions
from semantic_layer.ask.wording import inside
from semantic_layer.metrics.catalogue import Metric
from semantic_layer.metrics.models import Grain

OF_MONTHS = re.compile(r"[Aa]sk(?:ed)?(?: it)? per month")
LONGEST_MONTH = 31


def tell_usual_period(metrics: Sequence[Metric], days: Days, by_time: bool, assumed: Assumptions) -> None:
    is_month = days.unit is Grain.MONTH or by_time or (days.first and (days.length or 0) <= LONGEST_MONTH)
    for metric in metrics:
        if OF_MONTHS.search(metric.description) and not is_month:
            assumed.assume(f"{metric.label} is usually told of a month: ask `{inside(metric.label)} per month`.", 0.9)
