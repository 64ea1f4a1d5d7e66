"""Every metric and dimension keeps the rules of tests/unit/models/metric_lint.py, and each rule can be broken."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.unit.models.metric_lint import measures, meta, problems

Change = Callable[[dict[str, Any]], object]


def test_every_metric_and_dimension_keeps_the_rules(manifest: dict[str, Any]) -> None:
    assert problems(manifest) == []


def test_there_are_metrics_of_every_kind(manifest: dict[str, Any]) -> None:
    metrics = manifest["metrics"].values()
    assert len([metric for metric in metrics if not meta(metric).get("hidden")]) >= 60
    assert {metric["type"] for metric in metrics} == {"simple", "ratio", "derived", "cumulative", "conversion"}
    inputs = [part for metric in metrics for part in metric["type_params"]["metrics"]]
    assert any(part["offset_window"] for part in inputs)
    assert any(part["offset_to_grain"] for part in inputs)
    cumulative = [
        metric["type_params"]["cumulative_type_params"] for metric in metrics if metric["type"] == "cumulative"
    ]
    assert any(one["window"] for one in cumulative)
    assert any(one["grain_to_date"] for one in cumulative)


def of_metric(name: str, change: Change) -> Change:
    return lambda manifest: change(manifest["metrics"][f"metric.millrace.{name}"])


def of_dimension(model: str, name: str, change: Change) -> Change:
    return lambda manifest: change(
        next(
            dimension
            for dimension in manifest["semantic_models"][f"semantic_model.millrace.{model}"]["dimensions"]
            if dimension["name"] == name
        )
    )


def of_measure(name: str, change: Change) -> Change:
    return lambda manifest: change(measures(manifest)[name][1])


BROKEN = {
    "no description": (of_metric("orders", lambda m: m.update(description="Orders")), "metric orders: its description"),
    "no time of its own": (
        of_metric("orders", lambda m: m.update(time_granularity=None)),
        "metric orders: it has no time",
    ),
    "no owner": (of_metric("orders", lambda m: meta(m).pop("owner")), "metric orders: it has no meta.owner"),
    "an unknown format": (
        of_metric("orders", lambda m: meta(m).update(format="money")),
        "metric orders: its meta.format",
    ),
    "good for nobody": (of_metric("orders", lambda m: meta(m).update(good="more")), "metric orders: its meta.good is"),
    "few words": (
        of_metric("orders", lambda m: meta(m).update(synonyms=["buys"])),
        "metric orders: three meta.synonyms",
    ),
    "a synonym of another": (
        of_metric("orders", lambda m: meta(m)["synonyms"].append("Turnover")),
        "metrics orders and revenue: 'turnover' means both",
    ),
    "a label of another": (
        of_metric("orders", lambda m: m.update(label="net-revenue")),
        "metrics net_revenue and orders: 'net revenue' means both",
    ),
    "the same again": (
        of_metric("orders", lambda m: meta(m)["synonyms"].append("Orders")),
        "metric orders: it is called 'orders' anyway",
    ),
    "nothing for zero": (
        of_metric("orders", lambda m: m["type_params"]["measure"].update(fill_nulls_with=None)),
        "metric orders: order_count counts",
    ),
    "zero for nothing": (
        of_metric("retention_d7", lambda m: m["type_params"]["measure"].update(fill_nulls_with=0)),
        "metric retention_d7: share_back_after_7_days does not count",
    ),
    "zero for a balance": (
        of_metric("mrr", lambda m: m["type_params"]["measure"].update(fill_nulls_with=0)),
        "metric mrr: recurring_revenue_at_the_end does not count",
    ),
    "the first of a period": (
        of_metric(
            "cumulative_revenue", lambda m: m["type_params"]["cumulative_type_params"].update(period_agg="first")
        ),
        "metric cumulative_revenue: period_agg: last",
    ),
    "no label": (
        of_dimension("orders", "coupon", lambda d: d.update(label="")),
        "dimension order__coupon: it has no label",
    ),
    "no words": (
        of_dimension("orders", "coupon", lambda d: meta(d).pop("synonyms")),
        "dimension order__coupon: it has no meta.synonyms",
    ),
    "a day": (of_dimension("orders", "coupon", lambda d: d.update(name="day")), "dimension order__day: it may not be"),
    "a word for two values": (
        of_dimension("orders", "currency", lambda d: meta(d)["value_synonyms"]["USD"].append("Euro")),
        "dimension order__currency: 'euro' is EUR and USD",
    ),
    "two labels of one name": (
        of_dimension("spend", "channel", lambda d: d.update(label="Channel")),
        "dimension acquisition__channel: its label differs",
    ),
    "other words of one name": (
        of_dimension("spend", "channel", lambda d: meta(d).update(synonyms=["channel"])),
        "dimension acquisition__channel: its synonyms differ",
    ),
    "other phones": (
        of_dimension("sessions", "device_type", lambda d: meta(d)["value_synonyms"]["mobile"].pop()),
        "dimension event__device_type: its value_synonyms are not those of session__device_type",
    ),
    "no description of a measure": (
        of_measure("order_count", lambda m: m.update(description="")),
        "measure order_count: it has no description",
    ),
    "a measure for nothing": (
        lambda manifest: manifest["metrics"].pop("metric.millrace.median_order_value"),
        "measure median_order_revenue: no metric is made of it",
    ),
    "no mart": (
        lambda manifest: manifest["nodes"]["model.millrace.fct_orders"].update(schema="intermediate"),
        "semantic model orders: fct_orders is no mart",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_can_be_broken(manifest: dict[str, Any], name: str) -> None:
    change, told = BROKEN[name]
    broken = deepcopy(manifest)
    change(broken)
    found = problems(broken)
    assert any(problem.startswith(told) for problem in found), found
