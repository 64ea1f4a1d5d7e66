"""Watched series and rules of alerts among what a change of a table or column reaches: for `millrace impact`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitoring.alerts.conditions import fits
from monitoring.alerts.declared import load_declaration
from monitoring.alerts.rules import CheckFailureRule, FreshnessRule, OfMetric, Rule, SegmentRule
from monitoring.alerts.validating import OF_VERSIONS
from monitoring.watch.declared import Watch, of_models, told_by
from warehouse.lineage import reached_by_dbt
from warehouse.lineage.impact import Item, Reached
from warehouse.settings import Settings

OF_ROWS = ("project_id", "local_date")
OF_STEPS = ("steps_reached", "step_seconds", "entered_at", "person_key")


def monitors(settings: Settings, reached: Reached) -> Iterator[Item]:
    metrics = {one.name: one for one in reached_by_dbt.metrics(reached) if one.kind != "semantic model"}
    for watch in _watches(reached.graph.manifest):
        if watch.kind == "metric" and watch.name in metrics:
            yield Item("monitor", watch.series, f"watches {watch.name}", metrics[watch.name].certain)
        elif watch.kind != "metric" and _counts(watch, reached):
            asset = f"marts.{watch.name}"
            yield Item("monitor", watch.series, f"counts rows of {asset}", asset not in reached.maybe)
    for name, rule in load_declaration(settings).rules.items():
        if isinstance(rule, OfMetric) and rule.metric in metrics:
            yield Item("alert rule", name, f"judges {rule.metric}", metrics[rule.metric].certain)
        elif asset := _read_by(rule, reached):
            yield Item("alert rule", name, f"is about {asset}", asset not in reached.maybe)


def _watches(manifest: Mapping[str, Any]) -> Iterator[Watch]:
    """As they are declared: what is reached is asked before anything is built, too."""
    for metric in manifest["metrics"].values():
        for told in told_by((metric.get("config") or {}).get("meta"), f"Metric {metric['name']}, config.meta.monitor"):
            yield Watch(**{**told, "name": metric["name"]})
    yield from of_models(manifest["nodes"])


def _counts(watch: Watch, reached: Reached) -> bool:
    asset = f"marts.{watch.name}"
    columns = (*OF_ROWS, *watch.by, *(OF_STEPS if watch.kind == "funnel" else ()))
    return asset in reached.rows_only or reached.touches(asset, columns)


def _read_by(rule: Rule, reached: Reached) -> str:
    """The first table that it names; a rule about all tables (`*`) is about none of them more than about others."""
    if isinstance(rule, SegmentRule):
        asset = f"marts.{rule.table}"
        return asset if reached.touches(asset, (rule.column, rule.key, *OF_VERSIONS)) else ""
    if isinstance(rule, FreshnessRule | CheckFailureRule) and not reached.column:
        named = [pattern for pattern in rule.assets if pattern != "*"]
        return next((asset for asset in reached.tables if fits(asset, named)), "")
    return ""
