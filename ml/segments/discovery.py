"""Which segments differ most on a metric: week by week beside the whole; chance is taken off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from warehouse.errors import WrongUsage, nearest
from warehouse.settings import Settings

LEAST_WEEKS = 8
MOST_VALUES = 50  # of a dimension: days, pages and companies are no segments


@dataclass(frozen=True)
class Difference:
    dimension: str
    segment: str
    weeks: int
    difference: float  # mean of the weeks, from the whole
    shrunk: float  # what is left of it where chance is taken off
    chance: float  # that one as large is found where there is none (Benjamini and Hochberg)


def discover(settings: Settings, project: str, metric: str) -> list[Difference]:
    """By every dimension of the metric that has few values, the largest first."""
    from semantic_layer.metrics.answers import answer
    from semantic_layer.metrics.catalogue import load_catalogue
    from semantic_layer.metrics.models import METRIC_TIME, Grain, Grouping, MetricQuery
    from semantic_layer.reader import Reader

    catalogue, reader = load_catalogue(settings), Reader(settings)
    known = catalogue.metrics.get(metric)
    if known is None:
        raise WrongUsage(f"There is no metric {metric!r}{nearest(metric, catalogue.metrics) or '.'}")
    if known.adds_up:
        raise WrongUsage(
            f"{metric} adds up: a segment has less of it because it is smaller.",
            hint="Ask for a rate or a mean, such as checkout_conversion_rate: `millrace metrics list`.",
        )
    week = Grouping(name=METRIC_TIME, grain=Grain.WEEK)

    def rows(*by: Grouping) -> list[Any]:
        query = MetricQuery(project=project, metrics=(metric,), by=(week, *by))
        return [row for row in answer(settings, catalogue, query, reader=reader).rows if row[-1] is not None]

    whole = {row[0]: float(row[1]) for row in rows()}
    weeks: dict[tuple[str, str], dict[Any, float]] = defaultdict(dict)
    for dimension in known.dimensions:
        found = rows(Grouping(name=dimension))
        if len({row[1] for row in found}) > MOST_VALUES:
            continue
        for when, segment, value in found:
            if segment not in (None, ""):
                weeks[dimension, str(segment)][when] = float(value)
    return differences(whole, weeks)


def differences(whole: Mapping[Any, float], weeks: Mapping[tuple[str, str], Mapping[Any, float]]) -> list[Difference]:
    from scipy.stats import t

    found = []
    for (dimension, segment), values in weeks.items():
        apart = np.array([value - whole[when] for when, value in sorted(values.items()) if when in whole])
        if len(apart) >= LEAST_WEEKS and apart.std() > 0:
            found.append(
                (dimension, segment, len(apart), float(apart.mean()), float(apart.std(ddof=1) / len(apart) ** 0.5))
            )
    if not found:
        return []
    mean, error = np.array([one[3] for one in found]), np.array([one[4] for one in found])
    # How far segments truly are apart: what their means scatter, less what chance scatters them.
    true = max(float((mean**2 - error**2).mean()), 0.0)
    chances = 2 * t.sf(np.abs(mean / error), np.array([one[2] for one in found]) - 1)
    order = np.argsort(chances, kind="stable")
    stepped = np.minimum.accumulate((chances[order] * len(found) / np.arange(1, len(found) + 1))[::-1])[::-1]
    corrected = np.empty(len(found))
    corrected[order] = np.minimum(stepped, 1)
    said = [
        Difference(*one[:4], one[3] * true / (true + one[4] ** 2), float(chance))
        for one, chance in zip(found, corrected, strict=True)
    ]
    return sorted(said, key=lambda one: -abs(one.shrunk))
