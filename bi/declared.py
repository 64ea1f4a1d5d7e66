"""dashboards/*.yaml as people write them. A mistake is told with its file and line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from warehouse import strict_yaml
from warehouse.errors import MillraceError, nearest
from warehouse.settings import Settings

DATASETS_FILE = "_datasets.yaml"
CHARTS = (
    *("kpi", "number", "line", "bar", "area", "ranking", "pie", "table", "rows"),
    *("funnel", "retention", "forecast", "watched", "experiment"),
)
LARGEST_ROWS = 10_000


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class ChartDeclaration(Strict):
    chart: Literal[CHARTS]  # type: ignore[valid-type] # a literal of what stands above
    of: Names = ()  # metrics, as revenue or dataset.metric; of declared things their names
    dataset: str = ""  # of rows, which have no metric
    by: Names = ()
    grain: Literal["day", "week", "month", "quarter", "year"] = "week"
    title: str = ""
    width: Annotated[int, Field(ge=1, le=12)] = 0
    where: dict[str, str | int | float | bool | list[str]] = {}
    limit: Annotated[int, Field(ge=1, le=LARGEST_ROWS)] = 0
    compare: bool = False  # against the period before
    stacked: bool = False
    timed: bool = True  # False: of all time, whatever period the dashboard shows


class RowDeclaration(Strict):
    charts: tuple[ChartDeclaration, ...] = ()
    height: Annotated[int, Field(ge=5, le=200)] = 0
    text: str = ""
    explain: Names = ()  # metrics, each with what it means
    every: Literal["", "funnel", "retention", "forecast", "watched", "experiment"] = ""


class TabDeclaration(Strict):
    title: str
    rows: tuple[RowDeclaration, ...]


class DashboardDeclaration(Strict):
    title: str
    description: str
    owner: str = "analytics"
    days: Annotated[int, Field(ge=1, le=3660)] = (
        91  # of the period that it opens with: the last ones with data; of 7, 91 … whole weeks
    )
    filters: tuple[str, ...] = ()  # project, period, or dataset.column
    rows: tuple[RowDeclaration, ...] = ()
    tabs: tuple[TabDeclaration, ...] = ()


class MeasureDeclaration(Strict):
    label: str
    sql: str
    description: str = ""
    format: str = ",d"


class DatasetDeclaration(Strict):
    title: str
    description: str
    owner: str = "analytics"
    table: str = ""  # a mart, whose columns are those that dbt declares
    sql: str = ""
    columns: dict[str, Literal["text", "number", "time", "flag"]] = {}  # of `sql`
    labels: dict[str, str] = {}
    time: str = ""
    metrics: dict[str, MeasureDeclaration] = {}


class DatasetsDeclaration(Strict):
    joined: dict[str, Names] = {}  # of semantic models: dimensions of others that they have beside their own
    datasets: dict[str, DatasetDeclaration] = {}


@dataclass(frozen=True)
class Place:
    """Where something stands: for sentences about it."""

    file: str
    node: yaml.Node | None

    def at(self, *path: Any) -> str:
        return f"{self.file}, line {self.line(path)}"

    def line(self, path: Sequence[Any]) -> int:
        """Of the innermost part of the path that is there."""
        return strict_yaml.line_of(self.node, path)


@dataclass(frozen=True)
class DeclaredDashboard:
    name: str
    declaration: DashboardDeclaration
    place: Place


@dataclass(frozen=True)
class Declarations:
    dashboards: tuple[DeclaredDashboard, ...]
    datasets: DatasetsDeclaration
    datasets_place: Place


def folder(settings: Settings) -> Path:
    return settings.project_dir / "dashboards"


def read_declarations(settings: Settings) -> Declarations:
    found = folder(settings)
    files = sorted(found.glob("*.yaml"))
    if not files:
        raise MillraceError(f"{found} has no dashboards.", hint="docs/superset.md says how they are written.")
    dashboards, datasets, place = [], DatasetsDeclaration(), Place(f"dashboards/{DATASETS_FILE}", None)
    for path in files:
        if path.name == DATASETS_FILE:
            datasets, place = _read(path, DatasetsDeclaration)
        else:
            declaration, own = _read(path, DashboardDeclaration)
            dashboards.append(DeclaredDashboard(path.stem, declaration, own))
    return Declarations(tuple(dashboards), datasets, place)


Read = TypeVar("Read", bound=Strict)


def _read(path: Path, kind: type[Read]) -> tuple[Read, Place]:
    file = f"dashboards/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
        document, node = strict_yaml.load(text), yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        line, what = strict_yaml.what_is_wrong(error)
        raise MillraceError(f"{file}, line {line}: {what}") from error
    except (OSError, ValueError) as error:
        raise MillraceError(f"{file} cannot be read: {error}") from error
    place = Place(file, node)
    try:
        return kind.model_validate(document), place
    except ValidationError as error:
        raise _mistake(place, error) from error


def _mistake(place: Place, error: ValidationError) -> MillraceError:
    first = error.errors(include_url=False)[0]
    path = [part for part in first["loc"] if not (isinstance(part, str) and part in ("str", "int", "float", "bool"))]
    where = ".".join(str(part) for part in path)
    reason = str(first["msg"]).removeprefix("Value error, ")
    sentence = f"{where}: {reason[:1].lower()}{reason[1:]}"
    if first["type"] == "extra_forbidden":
        known = {
            name
            for model in (DashboardDeclaration, TabDeclaration, RowDeclaration, ChartDeclaration)
            for name in model.model_fields
        } | set(DatasetDeclaration.model_fields)
        sentence = f"no key is called {path[-1]!r}{nearest(str(path[-1]), known)}"
    elif first["type"] == "literal_error":
        sentence = f"{where}: there is no {first['input']!r}; known: {first['ctx']['expected']}"
    elif first["type"] == "missing":
        sentence = f"{where}: is missing"
    return MillraceError(f"{place.at(*path)}: {sentence.rstrip('.')}.", hint="docs/superset.md has every key.")
