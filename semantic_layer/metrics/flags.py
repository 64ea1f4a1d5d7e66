"""Parts of a question as they are written in options: user__country, metric_time:week, -revenue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from semantic_layer.journeys.models import make
from semantic_layer.metrics.conditions import all_of, parse_condition, parse_threshold
from semantic_layer.metrics.models import METRIC_TIME, Compare, Grain, Grouping, MetricQuery, Ordering
from warehouse.errors import WrongUsage, nearest


def query_of(
    project: str,
    metrics: Sequence[str],
    *,
    by: Sequence[str] = (),
    where: Sequence[str] = (),
    having: Sequence[str] = (),
    first_day: date | str | None = None,
    last_day: date | str | None = None,
    compare: str | None = None,
    share: bool = False,
    order: Sequence[str] = (),
    limit: int | None = None,
) -> MetricQuery:
    """A question of parts as they are written in options, and in files of people."""
    asked = {
        "project": project,
        "metrics": tuple(metrics),
        "by": [parse_grouping(text) for text in by],
        "where": all_of([parse_condition(text) for text in where]),
        "having": [parse_threshold(text) for text in having],
        "from": first_day,
        "to": last_day,
        "compare": parse_compare(compare),
        "share": "total" if share else None,
        "order": [parse_ordering(text) for text in order],
        "limit": limit,
    }
    return make(MetricQuery, asked)


def parse_grouping(text: str) -> Grouping:
    """NAME, NAME:GRAIN, or a grain by itself, which is one of metric_time."""
    name, colon, grain = text.strip().partition(":")
    if not colon and name in list(Grain):
        name, grain = METRIC_TIME, name
    # As MetricFlow writes it.
    if not colon and name.startswith(f"{METRIC_TIME}__"):
        name, _, grain = name.partition("__")
    return make(Grouping, {"name": name, "grain": _grain(grain, text) if colon or grain else None})


def parse_ordering(text: str) -> Ordering:
    name = text.strip()
    # What is grouped by metric_time:week is ordered by it too.
    bare = name.removeprefix("-")
    by = parse_grouping(bare).name if ":" in bare or bare in list(Grain) else bare
    return make(Ordering, {"name": by, "descending": name.startswith("-")})


def parse_compare(text: str | None) -> Compare | None:
    if text is None or text in list(Compare):
        return Compare(text) if text else None
    raise WrongUsage(
        f"{text!r} is nothing to compare with{nearest(text, map(str, Compare)) or '.'}",
        hint="previous: the time of the same length just before; week, month, quarter, year: the same days then.",
    )


def _grain(text: str, whole: str) -> Grain:
    if text in list(Grain):
        return Grain(text)
    raise WrongUsage(
        f"{whole!r} has no grain of time{nearest(text, map(str, Grain)) or '.'}", hint=f"Grains are {', '.join(Grain)}."
    )
