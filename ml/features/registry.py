"""The registry of features: what ml/features/*.yaml declares."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from warehouse import strict_yaml
from warehouse.errors import MillraceError, nearest

FOLDER = Path(__file__).parent
NAME = r"^[a-z][a-z0-9_]*$"
ENTITY = ("project_id", "person_key", "local_date")  # what a row of features is of


class FeatureType(StrEnum):
    COUNT = "count"
    DAYS = "days"
    AMOUNT = "amount"
    SHARE = "share"
    FLAG = "flag"
    CATEGORY = "category"


COLUMN_TYPES = {
    FeatureType.COUNT: "UInt32",
    FeatureType.DAYS: "Nullable(UInt32)",
    FeatureType.AMOUNT: "Float64",
    FeatureType.SHARE: "Float64",
    FeatureType.FLAG: "Bool",
    FeatureType.CATEGORY: "LowCardinality(String)",
}


class Feature(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    definition: str
    type: FeatureType
    window: Annotated[str, Field(pattern=r"^([1-9][0-9]* days|state)$")]
    theme: Annotated[str, Field(pattern=NAME)]
    says: str | tuple[str, str]
    owner: str = ""  # where it is not the table's

    @model_validator(mode="after")
    def _has_words_for_every_value(self) -> Feature:
        if (self.type is FeatureType.FLAG) == isinstance(self.says, str):
            raise ValueError("says: a flag has two texts (true, false), every other type one")
        if isinstance(self.says, str) and "{value}" not in self.says:
            raise ValueError("says: the text must hold {value}")
        return self

    def in_words(self, value: Any) -> str:
        """What a value says of somebody."""
        if not isinstance(self.says, str):
            return self.says[0 if value else 1]
        if value is None or value != value:
            shown = "unknown"
        elif self.type is FeatureType.SHARE:
            shown = f"{value:.0%}"
        elif self.type is FeatureType.CATEGORY:
            shown = str(value)
        else:
            shown = f"{value:,.2f}".rstrip("0").rstrip(".")
        return self.says.replace("{value}", shown)


class FeatureTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    table: Annotated[str, Field(pattern=r"^feat_[a-z0-9_]+$")]
    owner: str
    about: str
    features: dict[Annotated[str, Field(pattern=NAME)], Feature]

    def feature(self, name: str) -> Feature:
        if name not in self.features:
            raise MillraceError(f"{self.table} has no feature {name!r}{nearest(name, self.features)}.")
        return self.features[name]


def feature_tables(folder: Path = FOLDER) -> dict[str, FeatureTable]:
    """By the name of the table."""
    tables: dict[str, FeatureTable] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            found = FeatureTable.model_validate(strict_yaml.load(path.read_text(encoding="utf-8")))
        except yaml.YAMLError as error:
            raise MillraceError(f"{path.name} is no YAML: {' '.join(str(error).split())}.") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            sentence = f"{path.name}: {where}: {first['msg']}."
            raise MillraceError(sentence, hint="Its first lines say what it may hold.") from None
        tables[found.table] = found
    return tables


def feature_table(name: str = "feat_user_daily") -> FeatureTable:
    tables = feature_tables()
    if name not in tables:
        raise MillraceError(f"There is no table of features {name!r}{nearest(name, tables)}.")
    return tables[name]
