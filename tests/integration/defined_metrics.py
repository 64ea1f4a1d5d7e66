"""A dbt project of a test's own in which metrics are defined, and what they answer."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from semantic_layer.metrics.formulas.defining import define, undefine
from semantic_layer.metrics.formulas.definition import Definition
from semantic_layer.metrics.formulas.trial import FOLDER, Place, read_by_dbt
from semantic_layer.reader import Reader
from tests.support import Instance
from warehouse.dbt import PROJECT


@dataclass(frozen=True)
class Workshop:
    instance: Instance
    place: Place

    def define(self, name: str, formula: str, *dimensions: str, **more: Any) -> Any:
        with self.instance.active() as settings:
            return define(settings, Definition(name, formula, dimensions, **more), self.place)

    def undefine(self, name: str) -> Path:
        with self.instance.active() as settings:
            return undefine(settings, name, self.place)

    @property
    def state(self) -> dict[str, bytes]:
        """Every file of the project, and what dbt keeps of it."""
        files = [path for folder in (self.place.project, self.place.target) for path in folder.rglob("*")]
        return {str(path): path.read_bytes() for path in files if path.is_file()}

    def answer(
        self, metrics: Sequence[str], by: Sequence[str] = (), project: str = "demo", timezone: str = "Europe/Berlin"
    ) -> list[tuple[Any, ...]]:
        """By MetricFlow and the manifest, without any of the commands."""
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        from semantic_layer.clickhouse.compiler import Compiler
        from semantic_layer.clickhouse.loader import load_manifest

        compiler = Compiler(load_manifest(self.place.semantic_manifest))
        request = MetricFlowQueryRequest.create(metric_names=list(metrics), group_by_names=list(by))
        with self.instance.active() as settings:
            rows = Reader(settings).rows(compiler.compile(request, project, timezone))
        return [tuple(row) for row in rows]


def day(instant: str) -> str:
    return str(datetime.fromisoformat(instant).date())


def workshop(instance: Instance, folder: Path) -> Workshop:
    """A copy of the project without what is defined in it, read by dbt."""
    place = Place(folder / "dbt_project", folder / "target")
    shutil.copytree(PROJECT, place.project, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.rmtree(place.project / FOLDER, ignore_errors=True)
    place.target.mkdir()
    with instance.active() as settings:
        read_by_dbt(settings, place)
    return Workshop(instance, place)
