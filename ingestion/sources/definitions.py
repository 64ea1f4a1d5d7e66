"""What each source holds: one YAML file each, from which its table, its checks and its page in the guide come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ingestion.registry import Pii
from warehouse import strict_yaml
from warehouse.errors import MillraceError, nearest
from warehouse.settings import Settings

# Of sources, feeds and columns: they become words of SQL.
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
SHIPPED = Path(__file__).parent / "definitions"
PROJECT_ID = "project_id"
MAX_PRECISION = 18
# Tables of raw that are no source's.
TAKEN_NAMES = ("events", "landing", "projects", "places", "referrers", "user_agents", "load_counts", "loaded_files")


class Type(StrEnum):
    TEXT = "text"
    CATEGORY = "category"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"


TEXTS = (Type.TEXT, Type.CATEGORY)
_CLICKHOUSE = {
    Type.TEXT: "String",
    Type.CATEGORY: "String",
    Type.INTEGER: "Int64",
    Type.NUMBER: "Float64",
    Type.BOOLEAN: "Bool",
    Type.DATE: "Date32",
    Type.INSTANT: "DateTime64(3, 'UTC')",
}
_WORDS = {
    Type.TEXT: "text",
    Type.CATEGORY: "text, of few distinct values",
    Type.INTEGER: "a whole number",
    Type.NUMBER: "a number",
    Type.BOOLEAN: "true or false",
    Type.DATE: "a date like 2026-01-31",
    Type.INSTANT: "an instant like 2026-01-31T12:00:00.000Z",
}
UNDECLARED_TYPE = "Nullable(String)"


def duration(text: Any) -> Any:
    """3d, 6h, 30m."""
    match = re.fullmatch(r"(\d{1,4})\s*([dhm])", str(text).strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration: write days, hours or minutes, as 3d, 6h or 30m")
    return timedelta(**{{"d": "days", "h": "hours", "m": "minutes"}[match[2]]: int(match[1])})


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(Strict):
    type: Type
    description: str = Field(min_length=1)
    pii: Pii = Pii.NONE
    required: bool = False
    scale: int = Field(4, ge=0, le=12, description="Of a decimal: digits after the point.")

    @property
    def plain_type(self) -> str:
        if self.type is Type.DECIMAL:
            return f"Decimal({MAX_PRECISION}, {self.scale})"
        return _CLICKHOUSE[self.type]

    @property
    def words(self) -> str:
        return _WORDS.get(self.type) or f"a number with at most {self.scale} digits after the point"


class OtherColumns(StrEnum):
    REPORT = "report"  # kept, and reported as drift
    KEEP = "keep"


class Definition(Strict):
    name: str
    description: str = Field(pattern=r"^Grain: one row per ")
    owner: str = Field(min_length=1)
    key: tuple[str, ...] = Field(min_length=1)
    cursor: str = ""
    lag: Annotated[timedelta, BeforeValidator(duration)] = timedelta()
    columns: dict[str, Column] = Field(min_length=1)
    other_columns: OtherColumns = OtherColumns.REPORT

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in self.columns:
            if not NAME.fullmatch(name) or name == PROJECT_ID:
                reason = "every source has it" if name == PROJECT_ID else "it is not snake_case"
                raise ValueError(f"columns: {name!r} cannot be declared; {reason}")
        for use, name in [*(("key", name) for name in self.key), *([("cursor", self.cursor)] if self.cursor else [])]:
            if name not in self.columns:
                raise ValueError(f"{use}: there is no column {name!r}{nearest(name, self.columns)}")
        if len(set(self.key)) < len(self.key):
            raise ValueError("key: names a column twice")
        for name in self.key:
            column = self.columns[name]
            if not column.required and column.type not in TEXTS:
                raise ValueError(f"columns: {name}: is in the key; only a text may be absent there. Add required: true")
        if self.cursor:
            if self.columns[self.cursor].type not in (Type.DATE, Type.INSTANT):
                raise ValueError(f"cursor: {self.cursor} must be a date or an instant")
            if not self.columns[self.cursor].required:
                raise ValueError(f"cursor: {self.cursor} must be required: true")
        elif self.lag:
            raise ValueError("lag: belongs to a cursor, and there is none")
        for name, column in self.columns.items():
            if column.pii is not Pii.NONE and (column.required or name in self.key):
                raise ValueError(f"columns: {name}: is {column.pii} and may be removed: no key, not required")
        return self

    @property
    def table(self) -> str:
        return f"raw.{self.name}"

    @cached_property
    def never_null(self) -> frozenset[str]:
        return frozenset({*self.key, *(name for name, column in self.columns.items() if column.required)})

    def clickhouse_type(self, name: str) -> str:
        column = self.columns[name]
        inner = column.plain_type if name in self.never_null else f"Nullable({column.plain_type})"
        return f"LowCardinality({inner})" if column.type is Type.CATEGORY else inner


class Definitions(Mapping[str, Definition]):
    """The declared sources by name."""

    def __init__(self, found: dict[str, Definition], folder: Path) -> None:
        self._found = found
        self._own = folder

    def __getitem__(self, name: str) -> Definition:
        return self._found[name]

    def __iter__(self) -> Any:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def find(self, name: str, where: str = "") -> Definition:
        if name not in self._found:
            raise MillraceError(
                f"{where}there is no source {name!r}{nearest(name, self._found)}",
                hint=f"See `millrace sources list`; a source of your own is a file in {self._own}.",
            )
        return self._found[name]


def load_definitions(settings: Settings) -> Definitions:
    """The shipped sources, and those of the folder sources/ of the project; one of the same name takes the place."""
    own = settings.project_dir / "sources"
    found = {}
    for folder in (SHIPPED, own):
        if stray := sorted(folder.glob("*.yml")):
            raise MillraceError(f"{stray[0]} is not read: definitions of sources end in .yaml.")
        for path in sorted(folder.glob("*.yaml")):
            found[path.stem] = read_definition(path)
    return Definitions(dict(sorted(found.items())), own)


def read_definition(path: Path) -> Definition:
    document = read_yaml(path)
    if not NAME.fullmatch(path.stem) or path.stem in TAKEN_NAMES or path.stem.startswith(("landing_", "source_")):
        raise MillraceError(f"{path}: {path.stem!r} cannot be a source's name: it must be snake_case and not be taken.")
    if "name" in document:
        raise MillraceError(f"{path}: name: is not a key of a source; the file's name is the source's.")
    try:
        return Definition.model_validate({"name": path.stem, **document})
    except ValidationError as error:
        raise MillraceError(f"{path}: {in_words(error, Definition)}") from error


def read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = strict_yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MillraceError(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise MillraceError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise MillraceError(f"{path} must hold a mapping of keys to values.")
    return document


def in_words(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem: where it is, what is wrong, and the nearest right key."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = _keys_at(model, first["loc"][:-1])
        reason = f"is not a key here{nearest(str(first['loc'][-1]), known)}"
    elif first["type"] == "missing":
        reason = "is missing"
    elif first["type"] == "string_pattern_mismatch":
        reason = "must begin with 'Grain: one row per '" if where == "description" else reason
    stop = "" if reason.endswith("?") else "."
    return f"{where}{': ' if where else ''}{reason[0].lower() if not where else reason[0]}{reason[1:]}{stop}"


def _keys_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys of the model in which a key was too much: columns.email.typ is one of a column."""
    for part in location:
        field = model.model_fields.get(str(part))
        inner = [] if field is None else _models_in(field.annotation)
        model = inner[0] if inner else model
    return list(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
