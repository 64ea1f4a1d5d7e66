"""What is forecast: metrics with `forecast` in the meta of their YAML, and nothing that is declared elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ml.forecast.methods import METHODS
from semantic_layer.metrics.catalogue import Catalogue, semantic_manifest
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings

HORIZONS = (7, 30, 90)  # days


class Forecast(BaseModel):
    """As `forecast: {horizon: 90, methods: [theta, prophet]}`, beside the metric's name; `{}` leaves all as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    horizon: Literal[7, 30, 90] = 90  # days, the furthest
    methods: tuple[str, ...] = Field(default=tuple(METHODS), min_length=1)  # that compete

    @field_validator("methods")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in METHODS:
                raise ValueError(f"there is no method {name!r}{nearest(name, METHODS)}")
        return names

    @property
    def series(self) -> str:
        return f"metric:{self.metric}"


def read_forecasts(settings: Settings, catalogue: Catalogue) -> list[Forecast]:
    manifest = json.loads(semantic_manifest(settings).read_text(encoding="utf-8"))
    found = []
    for metric in manifest["metrics"]:
        told = ((metric.get("config") or {}).get("meta") or {}).get("forecast")
        if told is not None:
            found.append(_forecast(metric["name"], told, catalogue))
    return sorted(found, key=lambda one: one.metric)


def chosen(forecasts: list[Forecast], metrics: Sequence[str]) -> list[Forecast]:
    """All, where none is named."""
    known = {one.metric: one for one in forecasts}
    for name in metrics:
        if name not in known:
            raise WrongUsage(
                f"No metric {name!r} is forecast{nearest(name, known) or '.'}",
                hint="A metric is forecast when its YAML says so: docs/forecasts.md.",
            )
    return [known[name] for name in metrics] or forecasts


def _forecast(name: str, told: Any, catalogue: Catalogue) -> Forecast:
    where = f"Metric {name}, config.meta.forecast"
    metric = catalogue.metrics.get(name)
    if metric is None:
        raise MillraceError(f"{where}: the metric is hidden, so it cannot be forecast.")
    if not isinstance(told, dict):
        raise MillraceError(f"{where}: forecast is a mapping of keys, as {{horizon: 90}}, not {told!r}.")
    try:
        forecast = Forecast(**{**told, "metric": name})
    except ValidationError as error:
        first = error.errors()[0]
        keys = ", ".join(sorted(set(Forecast.model_fields) - {"metric"}))
        raise MillraceError(
            f"{where}, {'.'.join(map(str, first['loc']))}: {first['msg']}.", hint=f"It may have {keys}."
        ) from error
    if "day" not in metric.grains:
        raise MillraceError(f"{where}: {name} has no days; it has {', '.join(metric.grains)}.")
    return forecast
