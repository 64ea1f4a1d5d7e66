"""What churn.yaml says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml.features.registry import FeatureTable, FeatureType, feature_table
from warehouse import strict_yaml
from warehouse.errors import MillraceError

FILE = Path(__file__).with_name("churn.yaml")
Days = Annotated[int, Field(ge=1, le=365)]
Probability = Annotated[float, Field(gt=0, lt=1)]


class When(StrEnum):
    ANY_DAY = "any_day"
    LAST_DAY = "last_day"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Outcome(_Strict):
    flag: str
    when: When


class CutOffs(_Strict):
    at_most: Annotated[int, Field(ge=1, le=100)]
    every_days: Days


class RiskBands(_Strict):
    medium: Probability
    high: Probability
    critical: Probability

    def of(self, probability: float) -> str:
        for name in ("critical", "high", "medium"):
            if probability >= getattr(self, name):
                return name
        return "low"


class Asked(_Strict):
    auc_at_least: Probability
    calibration_error_at_most: Probability


class Baselines(_Strict):
    recency: str
    regression: Annotated[tuple[str, ...], Field(min_length=1)]


class Definition(_Strict):
    table: str
    population: str
    outcome: Outcome
    horizon_days: Days
    gap_days: Annotated[int, Field(ge=0, le=365)] = 0
    cut_offs: CutOffs
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    gate: Asked
    baselines: Baselines
    segments: tuple[str, ...] = ()
    risk_bands: RiskBands


def churn_definition(path: Path = FILE) -> tuple[Definition, FeatureTable]:
    """What it says, and the table of features it says it of."""
    try:
        found = Definition.model_validate(strict_yaml.load(path.read_text(encoding="utf-8")))
        bands = found.risk_bands
        if not bands.medium < bands.high < bands.critical:
            raise MillraceError(f"{path.name}: risk_bands must rise: medium, high, critical.")
    except yaml.YAMLError as error:
        raise MillraceError(f"{path.name} is no YAML: {' '.join(str(error).split())}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MillraceError(f"{path.name}: {where}: {first['msg']}.", "Its first lines say what it may hold.") from None
    table = feature_table(found.table)
    simple = (found.baselines.recency, *found.baselines.regression)
    for name in (*found.features, *found.segments, *simple):
        table.feature(name)
    for name in simple:
        if table.feature(name).type is FeatureType.CATEGORY:
            raise MillraceError(f"{path.name}: baselines: {name} is a category; they are made of numbers.")
    for flag in (found.population, found.outcome.flag):
        if table.feature(flag).type is not FeatureType.FLAG:
            raise MillraceError(f"{path.name}: {flag} is no flag: population and outcome must be one.")
    return found, table
