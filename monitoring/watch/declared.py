"""What is watched: metrics with `monitor` in the meta of their YAML, and nothing that is declared elsewhere."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monitoring.detectors.detection import DEFAULT_SENSITIVITY
from semantic_layer.metrics.catalogue import Catalogue, semantic_manifest
from warehouse.errors import MillraceError, nearest
from warehouse.settings import Settings

SEGMENTS = 5  # of each dimension, the largest
HISTORY = {"hour": 42, "day": 42, "week": 26}  # days or weeks before anything is told: six weeks, half a year

Level = Literal["low", "medium", "high", "critical"]


class Watch(BaseModel):
    """As `monitor: {grain: day, by: [session__country], sensitivity: 0.5}`, beside the metric's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    grain: Literal["hour", "day", "week"] = "day"
    by: tuple[str, ...] = ()
    segments: Annotated[int, Field(ge=1, le=20)] = SEGMENTS
    sensitivity: Annotated[float, Field(ge=0.1, le=1)] = DEFAULT_SENSITIVITY
    owner: str = ""
    channels: tuple[str, ...] = ()
    severity: Level = "medium"  # how much the metric weighs

    @property
    def series(self) -> str:
        return f"metric:{self.metric}" if self.grain == "day" else f"metric:{self.metric}:{self.grain}"


def read_watches(settings: Settings, catalogue: Catalogue) -> list[Watch]:
    manifest = json.loads(semantic_manifest(settings).read_text(encoding="utf-8"))
    found = []
    for metric in manifest["metrics"]:
        told = ((metric.get("config") or {}).get("meta") or {}).get("monitor")
        if told is not None:
            grains = told if isinstance(told, list) else [told]
            found += [_watch(metric["name"], one, catalogue) for one in grains]
    return sorted(found, key=lambda one: one.series)


def _watch(name: str, told: Any, catalogue: Catalogue) -> Watch:
    where = f"Metric {name}, config.meta.monitor"
    metric = catalogue.metrics.get(name)
    if metric is None:
        raise MillraceError(f"{where}: the metric is hidden, so it cannot be watched.")
    if not isinstance(told, dict):
        raise MillraceError(f"{where}: monitor is a mapping of keys, or a list of such, not {told!r}.")
    try:
        watch = Watch(**{"owner": metric.owner, **told, "metric": name})
    except ValidationError as error:
        first = error.errors()[0]
        keys = ", ".join(sorted(set(Watch.model_fields) - {"metric"}))
        raise MillraceError(
            f"{where}, {'.'.join(map(str, first['loc']))}: {first['msg']}.", hint=f"It may have {keys}."
        ) from error
    if watch.grain not in metric.grains:
        raise MillraceError(f"{where}: {name} has no grain {watch.grain}; it has {', '.join(metric.grains)}.")
    for dimension in watch.by:
        if dimension not in metric.dimensions:
            raise MillraceError(
                f"{where}: {name} has no dimension {dimension!r}{nearest(dimension, metric.dimensions) or '.'}"
            )
    return watch
