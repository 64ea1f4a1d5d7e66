"""What is watched: metrics and models with `monitor` in the meta of their YAML, and nothing that is declared elsewhere.

Of a model that is a funnel each step is watched, of any other how many rows a day has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monitoring.detectors.detection import DEFAULT_SENSITIVITY
from semantic_layer.metrics.catalogue import Catalogue, semantic_manifest
from warehouse.errors import MillraceError, nearest
from warehouse.settings import Settings

SEGMENTS = 5  # of each dimension, the largest
HISTORY = {"hour": 42, "day": 42, "week": 26}  # days or weeks before anything is told: six weeks, half a year
GRAINS_OF_DAYS = ("day", "week")  # of what has no time of day

Level = Literal["low", "medium", "high", "critical"]
Kind = Literal["metric", "table", "funnel"]


class Monitor(BaseModel):
    """As `monitor: {grain: day, by: [session__country], sensitivity: 0.5}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grain: Literal["hour", "day", "week"] = "day"
    by: tuple[str, ...] = ()
    segments: Annotated[int, Field(ge=1, le=20)] = SEGMENTS
    sensitivity: Annotated[float, Field(ge=0.1, le=1)] = DEFAULT_SENSITIVITY
    owner: str = ""
    channels: tuple[str, ...] = ()
    severity: Level = "medium"  # how much it weighs


class Watch(Monitor):
    """A series with its segments, in every project."""

    kind: Kind = "metric"
    name: str  # of the metric or the model
    step: int = 0  # of a funnel, from 1
    label: str = ""  # of the step
    good: str = "neutral"
    adds_up: bool = True  # where there is no row, it is 0

    @property
    def series(self) -> str:
        step = f"/{self.step} {self.label}" if self.step else ""
        grain = "" if self.grain == "day" else f":{self.grain}"
        return f"{self.kind}:{self.name}{step}{grain}"


def read_watches(settings: Settings, catalogue: Catalogue) -> list[Watch]:
    found = [*_of_metrics(semantic_manifest(settings), catalogue)]
    models = json.loads(semantic_manifest(settings).with_name("manifest.json").read_text(encoding="utf-8"))["nodes"]
    return sorted([*found, *of_models(models)], key=lambda one: one.series)


def _of_metrics(path: Path, catalogue: Catalogue) -> Iterator[Watch]:
    for declared in json.loads(path.read_text(encoding="utf-8"))["metrics"]:
        name = declared["name"]
        where = f"Metric {name}, config.meta.monitor"
        for told in told_by((declared.get("config") or {}).get("meta"), where):
            metric = catalogue.metrics.get(name)
            if metric is None:
                raise MillraceError(f"{where}: the metric is hidden, so it cannot be watched.")
            monitor = _monitor(told, metric.owner, where, metric.grains, metric.dimensions)
            yield Watch(**monitor.model_dump(), name=name, good=metric.good, adds_up=metric.adds_up)


def of_models(nodes: Mapping[str, Any]) -> Iterator[Watch]:
    for node in nodes.values():
        if node["resource_type"] != "model":
            continue
        name, columns = node["name"], node["columns"]
        meta = node["config"].get("meta") or {}
        where = f"Model {name}, config.meta.monitor"
        for told in told_by(meta, where):
            if node["fqn"][1] != "marts" or not {"project_id", "local_date"} <= set(columns):
                raise MillraceError(
                    f"{where}: what is watched is a mart with the columns project_id and local_date; {name} is none."
                )
            dimensions = tuple(sorted(set(columns) - {"project_id", "local_date"}))
            monitor = _monitor(told, meta.get("owner", ""), where, GRAINS_OF_DAYS, dimensions).model_dump()
            journey = meta.get("journey") or {}
            if journey.get("kind") != "funnel":
                yield Watch(**monitor, kind="table", name=name)
                continue
            for number, step in enumerate(journey["steps"], start=1):
                yield Watch(**monitor, kind="funnel", name=name, step=number, label=step["label"], good="up")


def told_by(meta: dict[str, Any] | None, where: str) -> Iterator[dict[str, Any]]:
    told = (meta or {}).get("monitor")
    for one in [] if told is None else told if isinstance(told, list) else [told]:
        if not isinstance(one, dict):
            raise MillraceError(f"{where}: monitor is a mapping of keys, or a list of such, not {one!r}.")
        yield one


def _monitor(
    told: dict[str, Any], owner: str, where: str, grains: tuple[str, ...], dimensions: tuple[str, ...]
) -> Monitor:
    try:
        monitor = Monitor(**{"owner": owner, **told})
    except ValidationError as error:
        first = error.errors()[0]
        keys = ", ".join(sorted(Monitor.model_fields))
        raise MillraceError(
            f"{where}, {'.'.join(map(str, first['loc']))}: {first['msg']}.", hint=f"It may have {keys}."
        ) from error
    if monitor.grain not in grains:
        raise MillraceError(f"{where}: there is no grain {monitor.grain}; there are {', '.join(grains)}.")
    for dimension in monitor.by:
        if dimension not in dimensions:
            raise MillraceError(f"{where}: there is no dimension {dimension!r}{nearest(dimension, dimensions) or '.'}")
    return monitor
