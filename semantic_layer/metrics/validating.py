"""`millrace metrics validate`: whether what the YAML declares can be read, means something to people, and answers."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semantic_layer.metrics.catalogue import FORMATS, GOOD, Metric, ProjectFacts, semantic_manifest
from semantic_layer.metrics.declared import declared
from semantic_layer.metrics.extensions import merged
from semantic_layer.metrics.models import METRIC_TIME, Grain
from semantic_layer.metrics.requests import column_of
from semantic_layer.reader import Reader
from warehouse.dbt import PROJECT
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.manifest import read_project
from warehouse.settings import Settings

KEPT_BY_DBT = "partial_parse.msgpack"
Watch = Callable[[int, int], None]


@dataclass
class Validation:
    metrics: int = 0
    dimensions: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)

    def add(self, about: str, problem: str) -> None:
        self.problems.append({"about": about, "problem": problem})


def validated(
    settings: Settings,
    names: Sequence[str] = (),
    run_on: tuple[str, ProjectFacts] | None = None,
    watch: Watch = lambda done, of: None,
) -> Validation:
    """`names`: only these metrics are compiled. `run_on`: the project on which they are run as well."""
    found = Validation()
    with tempfile.TemporaryDirectory(prefix="millrace-validate-") as name:
        folder = Path(name)
        for problem in _parsed(settings, folder):
            found.add("dbt", problem)
        if found.problems:
            return found
        path = folder / "semantic_manifest.json"
        models = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["nodes"]
        _lint(merged(json.loads(path.read_text(encoding="utf-8"))), models, found)
        try:
            metrics, dimensions = declared(path)
        except MillraceError as error:
            found.add("MetricFlow", error.message)
            return found
        for name in names:
            if name not in metrics:
                raise WrongUsage(f"There is no metric {name!r}{nearest(name, metrics) or '.'}")
        metrics = {name: metric for name, metric in metrics.items() if not names or name in names}
        found.metrics, found.dimensions = len(metrics), len(dimensions)
        _compile(path, metrics, found, watch, Reader(settings) if run_on else None, run_on)
    return found


def _parsed(settings: Settings, folder: Path) -> list[str]:
    """What dbt says against the project, read anew beside the one in use."""
    before = semantic_manifest(settings).with_name(KEPT_BY_DBT)
    if before.exists():  # what has not changed is not read again
        shutil.copy(before, folder / KEPT_BY_DBT)
    values = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    return read_project(PROJECT, folder, values, also=["SemanticValidationFailure"])


def _lint(manifest: Mapping[str, Any], nodes: Mapping[str, Any], found: Validation) -> None:
    if not manifest["project_configuration"]["time_spines"]:
        found.add("time spine", "no model has a time_spine: running totals have no days to stand at")
    names = {metric["name"] for metric in manifest["metrics"]}
    labels: dict[str, str] = {}
    for metric in manifest["metrics"]:
        meta = _meta(metric)
        if meta.get("hidden"):
            continue
        for problem in _missing(metric, ("label", "description"), meta, ("owner",)):
            found.add(metric["name"], problem)
        if meta.get("format", "number") not in FORMATS:
            found.add(metric["name"], f"format {meta['format']!r} is none of {', '.join(FORMATS)}")
        if meta.get("good", "neutral") not in GOOD:
            found.add(metric["name"], f"good {meta['good']!r} is none of {', '.join(GOOD)}")
        if (other := labels.setdefault(str(metric["label"]).lower(), metric["name"])) != metric["name"]:
            found.add(metric["name"], f"has the label of {other}, {metric['label']!r}")
        for word in _words(meta.get("synonyms", ())):
            if word != metric["name"] and word in names:
                found.add(metric["name"], f"its synonym {word!r} is the name of another metric")
    columns = {node["relation_name"]: set(node["columns"]) for node in nodes.values() if node.get("relation_name")}
    for model in manifest["semantic_models"]:
        relation = model["node_relation"]["relation_name"]
        if "project_id" not in columns.get(relation, {"project_id"}):
            found.add(model["name"], f"its table {relation} has no project_id: every project would see all of it")
        for dimension in model["dimensions"]:
            if not _meta(dimension).get("hidden"):
                for problem in _missing(dimension, ("label", "description"), {}, ()):
                    found.add(f"{model['name']}.{dimension['name']}", problem)


def _missing(
    element: Mapping[str, Any], keys: Iterable[str], meta: Mapping[str, Any], meta_keys: Iterable[str]
) -> Iterator[str]:
    yield from (f"has no {key}" for key in keys if not element.get(key))
    yield from (f"has no {key} (config.meta.{key})" for key in meta_keys if not meta.get(key))


def _words(synonyms: Any) -> list[str]:
    return [str(word) for word in synonyms] if isinstance(synonyms, list | tuple) else []


def _meta(element: Mapping[str, Any]) -> Mapping[str, Any]:
    meta: Mapping[str, Any] = (element.get("config") or {}).get("meta") or {}
    return meta


def _compile(
    path: Path,
    metrics: Mapping[str, Metric],
    found: Validation,
    watch: Watch,
    reader: Reader | None,
    run_on: tuple[str, ProjectFacts] | None,
) -> None:
    from semantic_layer.metrics.planning import NotPlanned, compiler_of, planned

    compiler = compiler_of(path)
    project, facts = run_on or ("", None)
    timezone = facts.timezone if facts else "UTC"

    def problem(metric: Metric, group_by: list[str]) -> str:
        request = {"metrics": [metric.name], "group_by": group_by, "where": [], **_one_day(facts)}
        try:
            sql = planned(compiler, request, project, timezone)
            if reader is not None:
                reader.document(sql, max_result_rows=1, result_overflow_mode="break")
        except NotPlanned as error:
            return str(error)
        except MillraceError as error:
            return error.message
        return ""

    for done, metric in enumerate(metrics.values()):
        watch(done, len(metrics))
        for what, together in _questions(metric):
            # Which of them it is, is asked only where it is one.
            for group_by in [together] if not problem(metric, together) else _one_by_one(metric, together):
                if told := problem(metric, group_by):
                    found.add(metric.name, f"{what or f'by {group_by[0]}'}: {told}")
    watch(len(metrics), len(metrics))


def _questions(metric: Metric) -> Iterator[tuple[str, list[str]]]:
    """By itself, by time, and by all that it can be told by."""
    times = [column_of(METRIC_TIME, Grain(grain)) for grain in (metric.grains[0], metric.grains[-1])]
    if not metric.needs_time:
        yield "by itself", []
    for time in times:
        yield f"by {time}", [time]
    if metric.dimensions:
        yield "", [*metric.dimensions, *(times[:1] if metric.needs_time else [])]


def _one_by_one(metric: Metric, together: list[str]) -> list[list[str]]:
    if len(together) < 2:
        return [together]
    rest = together[len(metric.dimensions) :]
    return [[name, *rest] for name in metric.dimensions]


def _one_day(facts: ProjectFacts | None) -> dict[str, str | None]:
    day = str(facts.last_day) if facts and facts.last_day else None
    return {"first_day": day, "last_day": day}
