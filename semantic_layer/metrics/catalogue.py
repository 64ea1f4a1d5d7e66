"""What can be asked: metrics, dimensions and their values, as one light file that a build writes. Reading it imports
neither MetricFlow nor dbt."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from warehouse.errors import MillraceError
from warehouse.projects import projects_file
from warehouse.settings import Settings

LAYOUT = 5  # of the file: raised where what is written means something else
# How many values of a dimension are known by name: what has fewer in a project is known whole.
KNOWN_VALUES = 200

FORMATS = ("number", "percent", "currency", "seconds", "milliseconds", "score")  # percent of 1
GOOD = ("up", "down", "neutral")  # where neither is better


@dataclass(frozen=True)
class Metric:
    name: str
    label: str
    description: str
    kind: str  # simple, ratio, derived, cumulative, conversion
    owner: str
    format: str  # one of FORMATS
    good: str  # one of GOOD
    synonyms: tuple[str, ...]
    # What it can be grouped and filtered by, as user__country, beside metric_time; the most natural one first
    dimensions: tuple[str, ...]
    made_of: str  # in words or as a formula, for people
    grain: str  # the finest grain of metric_time
    grains: tuple[str, ...] = ()  # all of them, the finest first
    every_day: bool = False  # joined to the project's days, as running totals are
    needs_time: bool = False  # has a value at a time only, as the running total of a month
    adds_up: bool = False  # its parts make a whole, as orders by country do; rates and different people do not
    at_the_end: bool = False  # what there is on the last day, as subscriptions are: of a day, not of the days before it
    window_days: int = 0  # how long people who begin have to do it: of so many last days it is not final


@dataclass(frozen=True)
class Dimension:
    name: str  # as user__country
    label: str
    description: str
    kind: str  # categorical, time
    synonyms: tuple[str, ...] = ()
    value_synonyms: dict[str, tuple[str, ...]] = field(default_factory=dict)  # value -> what people call it
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)  # project -> its most frequent values
    type: str = ""  # as ClickHouse has it
    grain: str = ""  # the finest one of a time dimension
    table: str = ""  # where its values are, as marts.dim_users, and by what expression
    expression: str = ""


@dataclass(frozen=True)
class ProjectFacts:
    """What a project has: the words and days that questions may use."""

    name: str
    timezone: str
    currency: str
    first_day: date | None
    last_day: date | None
    events: tuple[str, ...]  # names, the most frequent first
    properties: dict[str, tuple[str, ...]]  # event -> paths of its properties
    # event -> what people call it (marts.dim_event_types.synonyms)
    event_synonyms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    holidays: str = ""  # of which country or region, for monitoring; none: every day is an ordinary one


@dataclass(frozen=True)
class DeclaredFunnel:
    """A funnel that the dbt project declares as a mart."""

    title: str
    journey: dict[str, Any]  # as semantic_layer/journeys/models.py reads it, without a project


@dataclass(frozen=True)
class Catalogue:
    version: str  # of declarations and data: another one, another answer
    metrics: dict[str, Metric]
    dimensions: dict[str, Dimension]
    projects: dict[str, ProjectFacts]
    manifest: str = ""  # the hash of the semantic manifest that it is made of
    data: str = ""  # what the marts were then, as data_version.py has it
    # Tables of the marts that change with a load, not only with a build.
    live_tables: tuple[str, ...] = ()
    funnels: dict[str, DeclaredFunnel] = field(default_factory=dict)  # by the names of their models

    def funnels_of(self, project: str) -> dict[str, DeclaredFunnel]:
        """Those whose steps the project has events of."""
        events = {*self.projects[project].events, "*"}
        return {name: f for name, f in self.funnels.items() if {step["event"] for step in f.journey["steps"]} <= events}


def folder(settings: Settings) -> Path:
    return settings.data_dir / "semantic"


def catalogue_file(settings: Settings) -> Path:
    return folder(settings) / "catalogue.json"


def semantic_manifest(settings: Settings) -> Path:
    """Written by dbt whenever it reads the project."""
    return settings.data_dir / "dbt" / "target" / "semantic_manifest.json"


def load_catalogue(settings: Settings, tell: Callable[[str], None] = lambda _: None) -> Catalogue:
    """What can be asked, as of the last build; where that left none or an old one, it is made now, which takes some
    seconds. `tell` hears of one that is behind and could not be made."""
    document = _document(settings)
    stored = _decoded(document)
    if stored is not None and not is_behind(settings, document):
        return stored
    if not semantic_manifest(settings).exists():
        if stored is not None:
            return stored
        raise MillraceError("Nothing can be asked yet: no metrics are built.", hint="Run `millrace build`.")
    from semantic_layer.metrics.writing import write_catalogue

    try:
        return write_catalogue(settings)
    except MillraceError as error:
        if stored is None:
            raise
        tell(f"The catalogue of metrics is that of an earlier build, since it cannot be made anew: {error.message}")
        return stored


def read_catalogue(settings: Settings) -> Catalogue | None:
    """As it was written last; None where there is none that can be read."""
    return _decoded(_document(settings))


def is_behind(settings: Settings, document: dict[str, Any] | None = None) -> bool:
    """Whether dbt has read the project or built something since the catalogue was written."""
    document = document or _document(settings)
    return document is None or document["of"] != stamps(settings)


def stamps(settings: Settings) -> dict[str, list[int]]:
    """Age and size of the files that dbt leaves, and of projects.yaml: other ones, and there may be something new."""
    found = {}
    manifest = semantic_manifest(settings)
    for path in (manifest, manifest.with_name("run_results.json"), projects_file(settings)):
        try:
            about = path.stat()
        except FileNotFoundError:
            continue
        found[path.name] = [about.st_mtime_ns, about.st_size]
    return found


def encoded(catalogue: Catalogue) -> dict[str, Any]:
    return asdict(catalogue)


def decoded(document: dict[str, Any]) -> Catalogue:
    return Catalogue(
        **{
            **document,
            "metrics": {name: Metric(**_tuples(metric)) for name, metric in document["metrics"].items()},
            "dimensions": {name: Dimension(**_tuples(d)) for name, d in document["dimensions"].items()},
            "projects": {name: _facts(_tuples(facts)) for name, facts in document["projects"].items()},
            "live_tables": tuple(document["live_tables"]),
            "funnels": {name: DeclaredFunnel(**funnel) for name, funnel in document["funnels"].items()},
        }
    )


def _decoded(document: dict[str, Any] | None) -> Catalogue | None:
    try:
        return decoded(document["catalogue"]) if document else None
    except (KeyError, TypeError, ValueError):  # of another version of this code
        return None


def _facts(facts: dict[str, Any]) -> ProjectFacts:
    days = {key: facts[key] and date.fromisoformat(facts[key]) for key in ("first_day", "last_day")}
    return ProjectFacts(**{**facts, **days})


def _tuples(value: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists where the contract has tuples."""
    return {
        key: tuple(inner)
        if isinstance(inner, list)
        else {name: tuple(items) for name, items in inner.items()}
        if isinstance(inner, dict)
        else inner
        for key, inner in value.items()
    }


def _document(settings: Settings) -> dict[str, Any] | None:
    try:
        document = json.loads(catalogue_file(settings).read_bytes())
        return document if document["layout"] == LAYOUT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
