"""What a bundle is made of: datasets, charts and dashboards, before they are written as Superset reads them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Begin of the ids of all that comes from here, so that what people made themselves is told apart: "mill".
OURS = "6d696c6c-"


def id_of(*parts: str) -> str:
    """What is made of the same name is the same thing in every Superset: links and permissions stay with it."""
    return OURS + str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("millrace", *parts))))[len(OURS) :]


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    label: str = ""
    description: str = ""
    expression: str = ""  # computed by Superset; empty: the table has it
    is_time: bool = False
    grouped: bool = True  # whether people may group and filter by it


@dataclass(frozen=True)
class Measure:
    """A metric of a dataset."""

    name: str
    label: str
    expression: str
    description: str = ""
    format: str = ""  # as d3 has it


@dataclass(frozen=True)
class Dataset:
    name: str
    title: str
    description: str
    columns: tuple[Column, ...]
    measures: tuple[Measure, ...]
    time: str = ""  # the column that dashboards' periods are about
    table: str = ""  # of the marts; else `sql` says what it is
    sql: str = ""
    owner: str = ""  # who vouches for it

    @property
    def id(self) -> str:
        return id_of("dataset", self.name)

    def measure(self, name: str) -> Measure:
        return next(one for one in self.measures if one.name == name)

    def is_of(self, table: str) -> bool:
        """Whether it is that very table."""
        return self.table == table and not self.sql

    def has(self, column: str) -> bool:
        return any(one.name == column for one in self.columns)


@dataclass(frozen=True)
class Chart:
    key: str  # within its dashboard
    title: str
    dataset: Dataset
    viz: str
    params: Mapping[str, Any]
    queries: Sequence[Mapping[str, Any]]
    description: str = ""
    columns: tuple[str, ...] = ()  # of the dataset, beside those of its measures
    measures: tuple[str, ...] = ()
    place: str = ""  # file and line of its declaration
    dashboard: str = ""

    @property
    def id(self) -> str:
        return id_of("chart", self.dashboard, self.key)


@dataclass(frozen=True)
class Tile:
    """A chart or a text, in a row of a dashboard of 12 columns."""

    width: int
    chart: Chart | None = None
    text: str = ""


@dataclass(frozen=True)
class Row:
    height: int  # in units of 8 pixels
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Section:
    title: str  # of its tab; empty: the dashboard has no tabs
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Dashboard:
    name: str
    title: str
    description: str
    sections: tuple[Section, ...]
    filters: tuple[Mapping[str, Any], ...] = ()
    owner: str = ""

    @property
    def id(self) -> str:
        return id_of("dashboard", self.name)

    @property
    def charts(self) -> list[Chart]:
        return [tile.chart for section in self.sections for row in section.rows for tile in row.tiles if tile.chart]


@dataclass(frozen=True)
class Bundle:
    datasets: tuple[Dataset, ...]
    dashboards: tuple[Dashboard, ...]

    @property
    def charts(self) -> list[Chart]:
        return [chart for dashboard in self.dashboards for chart in dashboard.charts]


@dataclass
class Catalogue:
    """Datasets by name, and which of them has a metric of the semantic layer."""

    datasets: dict[str, Dataset] = field(default_factory=dict)
    of_metric: dict[str, str] = field(default_factory=dict)
