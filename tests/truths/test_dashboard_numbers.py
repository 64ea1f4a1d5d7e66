"""Metrics as Superset computes them are those of the semantic layer: every one, on all rows of the demo world."""

from __future__ import annotations

from typing import Any

import pytest

from bi.columns import source_of
from bi.model import Bundle, Dataset
from bi.syncing import bundle_of
from semantic_layer.reader import Reader
from tests.support import REPOSITORY
from tests.truths.asking import MONTH, PROJECTS, Metrics
from tests.truths.conftest import LoadedWorld
from warehouse import strict_yaml

OWN = set(strict_yaml.load((REPOSITORY / "dashboards" / "_datasets.yaml").read_text())["datasets"])


@pytest.fixture(scope="module")
def bundle(built: LoadedWorld) -> Bundle:
    with built.instance.active() as settings:
        return bundle_of(settings)


@pytest.fixture(scope="module")
def reader(built: LoadedWorld) -> Reader:
    return Reader(built.instance.settings)


def semantic_datasets(bundle: Bundle, metrics: Metrics) -> dict[str, tuple[Dataset, list[str]]]:
    """What `_datasets.yaml` adds has metrics of its own."""
    found = {}
    for dataset in bundle.datasets:
        names = [one.name for one in dataset.measures if one.name in metrics.declared]
        if names and dataset.name not in OWN:
            found[dataset.name] = (dataset, names)
    return found


def computed(reader: Reader, dataset: Dataset, names: list[str], project: str, by: str = "") -> dict[Any, list[Any]]:
    values = [f"{dataset.measure(name).expression} AS value_{number}" for number, name in enumerate(names)]
    keys = [f"{by} AS key"] if by else []
    grouped = "GROUP BY key" if by else ""
    document = reader.document(
        f"SELECT {', '.join([*keys, *values])} FROM {source_of(dataset)} WHERE project_id = '{project}' {grouped}"
    )
    if not by:
        return {(): document["data"][0]}
    return {row[0] if row[0] is None else str(row[0]): row[1:] for row in document["data"]}


def same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return float(one) == pytest.approx(float(other), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("project", PROJECTS)
def test_every_metric_is_the_same_in_total(bundle: Bundle, metrics: Metrics, reader: Reader, project: str) -> None:
    different, compared = {}, 0
    for dataset, names in semantic_datasets(bundle, metrics).values():
        (ours,) = computed(reader, dataset, names, project).values()
        for name, value in zip(names, ours, strict=True):
            if metrics.declared[name].needs_time:
                continue
            asked = metrics.total(project, name)
            compared += 1
            if not same(value, asked):
                different[name] = (value, asked)
    assert different == {}
    assert compared > 100


def test_every_metric_is_the_same_by_month(bundle: Bundle, metrics: Metrics, reader: Reader) -> None:
    different, compared = {}, 0
    for dataset, names in semantic_datasets(bundle, metrics).values():
        ours = computed(reader, dataset, names, "demo", f"toStartOfMonth({dataset.time})")
        for number, name in enumerate(names):
            for month, asked in metrics.of("demo", name, by=(MONTH,)).items():
                if month not in ours and not asked:
                    continue  # the semantic layer may tell of a month without rows that there was nothing
                compared += 1
                if not same(ours[month][number], asked):
                    different[name, month] = (ours[month][number], asked)
    assert different == {}
    assert compared > 500


@pytest.mark.parametrize(
    ("name", "column", "dimension"),
    [
        ("revenue", "country", "session__country"),
        ("revenue", "plan", "user__plan"),
        ("orders", "channel", "session__channel"),
        ("units_sold", "category", "product__category"),
        ("sign_ups", "country", "event__country"),
        ("coupon_rate", "has_coupon", "order__has_coupon"),
    ],
)
def test_a_metric_by_a_joined_dimension_is_the_same(
    bundle: Bundle, metrics: Metrics, reader: Reader, name: str, column: str, dimension: str
) -> None:
    dataset = next(dataset for dataset, names in semantic_datasets(bundle, metrics).values() if name in names)
    column = next(one.expression or one.name for one in dataset.columns if one.name == column)
    ours = {key: value for key, (value,) in computed(reader, dataset, [name], "demo", column).items()}
    asked = metrics.of("demo", name, by=(dimension,))
    if dimension.startswith("user__"):
        asked["unknown"] = asked.pop(None)  # a fact of a stranger has the key of the row that says so
    assert {key for key, value in ours.items() if value} == {key for key, value in asked.items() if value}
    assert all(same(ours[key], value) for key, value in asked.items() if value)


@pytest.mark.parametrize("name", ["cac", "roas", "marketing_spend", "new_customers"])
def test_what_is_of_two_tables_is_the_same_in_their_dataset(
    bundle: Bundle, metrics: Metrics, reader: Reader, name: str
) -> None:
    dataset = next(one for one in bundle.datasets if one.name == "acquisition")
    assert same(computed(reader, dataset, [name], "demo")[()][0], metrics.total("demo", name))
    ours = computed(reader, dataset, [name], "demo", "channel")
    for channel, asked in metrics.of("demo", name, by=("acquisition__channel",)).items():
        assert same((ours.get(channel) or [None])[0] or None, asked or None), channel


def test_funnels_count_people_as_the_command_does(bundle: Bundle, built: LoadedWorld, reader: Reader) -> None:
    dataset = next(one for one in bundle.datasets if one.name == "funnel_purchase")
    ours = computed(reader, dataset, ["people"], "demo", "step")
    steps = ["product_viewed", "product_added", "checkout_started", "order_completed"]
    answer = built.instance.json("funnel", "--project", "demo", *(f"--step={step}" for step in steps))
    assert [int(ours[str(number)][0]) for number in range(1, 5)] == [step["users"] for step in answer["steps"]]


def test_what_is_not_there_is_told_with_its_reason(built: LoadedWorld) -> None:
    told = {one["metric"]: one for one in built.instance.json("bi", "metrics")}
    assert told["revenue"] == {"metric": "revenue", "datasets": ["orders", "acquisition"], "absent": ""}
    # What was there before the first day is of that day's rows.
    assert told["net_new_subscribers"]["datasets"] == ["subscriptions"]
    absent = {name: one["absent"] for name, one in told.items() if not one["datasets"]}
    assert absent["refund_rate"] == "of several tables: orders, refunds"
    assert absent["revenue_month_to_date"] == "over a window of time"
    assert absent["revenue_growth_week"] == "set off against another time"
    assert absent["activation_rate"] == "counted by signed_up_at, not by the day of its rows"
    assert absent["ltv"].startswith("made of churn_rate, which is of several tables")
    assert all(absent.values())
