"""Every model of the project keeps the rules of tests/unit/models/lint.py, and each rule can be broken."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.unit.models.lint import problems
from warehouse.manifest import models

STAGED, MART = "stg_millrace__events", "agg_active_users"


def test_every_model_keeps_the_rules(manifest: dict[str, Any]) -> None:
    assert len(models(manifest)) > 15
    assert problems(manifest) == []


def edit(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: change(manifest["nodes"][f"model.millrace.{name}"])


def untest(name: str) -> Callable[[dict[str, Any]], object]:
    def take_away(manifest: dict[str, Any]) -> None:
        for node in list(manifest["nodes"].values()):
            if node.get("attached_node") == f"model.millrace.{name}":
                del manifest["nodes"][node["unique_id"]]

    return take_away


def not_null_of_its_project(manifest: dict[str, Any]) -> None:
    model = f"model.millrace.{MART}"
    test = {"column_name": "project_id", "attached_node": model, "test_metadata": {"name": "not_null"}}
    manifest["nodes"]["test.one_more"] = {"resource_type": "test", **test}


BROKEN = {
    "no grain": (edit(MART, lambda m: m.update(description="Active users.")), MART, "must begin with `Grain:"),
    "no description": (edit(MART, lambda m: m.update(description="")), MART, "must begin with `Grain:"),
    "no key in a mart": (untest(MART), MART, "no tested key"),
    "no key in a mart, with an excuse": (
        lambda manifest: (
            untest(MART)(manifest),
            edit(MART, lambda m: m["config"]["meta"].update(no_key="x"))(manifest),
        ),
        MART,
        "no tested key",
    ),
    "no key and no excuse": (
        edit(STAGED, lambda m: m["config"]["meta"].pop("no_key")),
        STAGED,
        "no tested key",
    ),
    "no columns": (edit(STAGED, lambda m: m.update(columns={})), STAGED, "no column is documented"),
    "no description of a column": (
        edit(MART, lambda m: m["columns"]["project_id"].update(description="")),
        MART,
        "column project_id has no description",
    ),
    "no type of a column": (
        edit(MART, lambda m: m["columns"]["project_id"].update(data_type=None)),
        MART,
        "column project_id has no data_type",
    ),
    "a name of another layer": (edit(MART, lambda m: m.update(name="int_active")), "int_active", "begins with dim_"),
    "a name of another source": (
        edit(STAGED, lambda m: m.update(name="stg_shop__events")),
        "stg_shop__events",
        "a model of staging/millrace begins with stg_millrace__",
    ),
    "a source below staging": (
        edit(MART, lambda m: m["depends_on"]["nodes"].append("source.millrace.raw.events")),
        MART,
        "reads raw.events itself",
    ),
    "no contract": (
        edit(MART, lambda m: m["config"]["contract"].update(enforced=False)),
        MART,
        "needs config: {contract",
    ),
    "personal in a mart": (
        edit(MART, lambda m: m["columns"]["project_id"]["meta"].update(pii="sensitive")),
        MART,
        "column project_id is sensitive",
    ),
    "personal in what a mart is made from": (
        edit("int_changed_days", lambda m: m["columns"]["project_id"]["meta"].update(pii="personal")),
        MART,
        "column project_id is personal in int_changed_days",
    ),
    "a test that cannot fail": (not_null_of_its_project, MART, "not_null of project_id cannot fail"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_can_be_broken(manifest: dict[str, Any], name: str) -> None:
    change, model, told = BROKEN[name]
    broken = deepcopy(manifest)
    change(broken)
    new = [problem for problem in problems(broken) if problem not in problems(manifest)]
    assert any(problem.startswith(f"{model} (") and told in problem for problem in new), new
