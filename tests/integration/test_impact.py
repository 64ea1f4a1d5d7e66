"""What a change reaches, held against what people read in the SQL of the models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.support import REPOSITORY, Instance
from warehouse.lineage.columns import Lineage, lineage_of
from warehouse.lineage.graph import built_graph
from warehouse.lineage.kept import KeptLineage

# Read in the SQL by eye, across the layers.
BY_HAND = {
    # a rename, from raw
    "staging.stg_shop__products.product_name": {"raw.products.name"},
    "staging.stg_shop__products.loaded_at": {"raw.products._loaded_at"},
    # a view that renames
    "intermediate.int_project_rates.currency": {"staging.stg_finance__currency_rates.from_currency"},
    "intermediate.int_project_rates.rate": {"staging.stg_finance__currency_rates.rate"},
    # through a CTE and a join
    "marts.fct_order_items.ordered_at": {"marts.fct_orders.ordered_at"},
    "marts.fct_order_items.currency": {"marts.fct_orders.currency"},
    # ARRAY JOIN, with a rename
    "marts.fct_order_items.quantity": {"intermediate.int_order_events.products"},
    "marts.fct_order_items.line_number": {"intermediate.int_order_events.products"},
    # an expression of two columns
    "marts.fct_order_items.order_item_key": {
        "marts.fct_orders.order_key",
        "intermediate.int_order_events.products",
    },
    # a union of a model, of another one and of a constant
    "marts.dim_products.product_id": {"staging.stg_shop__products.product_id", "marts.fct_order_items.product_id"},
    "marts.dim_products.product_name": {"staging.stg_shop__products.product_name"},
    "marts.dim_products.is_in_catalogue": set(),
    # select * through a CTE
    "marts.fct_nps_answers.score": {"staging.stg_surveys__nps_answers.score"},
    "marts.fct_nps_answers.answer_group": {"staging.stg_surveys__nps_answers.score"},
    "marts.fct_nps_answers.user_version_key": {"marts.dim_users.user_version_key"},
    # select * except, and a window over a named one
    "marts.fct_page_views.is_screen": {"marts.fct_events.message_type"},
    "marts.fct_page_views.page_path": {"marts.fct_events.page_path"},
    # aggregates, one of them of another name
    "marts.agg_daily_metrics.engaged_sessions": {"marts.fct_sessions.is_engaged"},
    "marts.agg_daily_metrics.revenue": {"marts.fct_sessions.revenue"},
    "marts.agg_daily_metrics.sessions": set(),
}
TOLD = 0.95  # of all columns; of the others it is said that it cannot be told


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Nothing is built: it is enough that dbt has compiled the models."""
    with Instance(tmp_path_factory.mktemp("impact") / "millrace") as own:
        shutil.copytree(REPOSITORY / "alerts", own.project_dir / "alerts")
        own.up()
        done = own.run("dbt", "compile", "--quiet")
        assert done.returncode == 0, done.stderr
        yield own


@pytest.fixture(scope="module")
def kept(instance: Instance) -> KeptLineage:
    return KeptLineage(instance.settings, built_graph(instance.settings))


@pytest.mark.parametrize("column", BY_HAND)
def test_a_column_is_made_of_what_people_read_in_its_sql(kept: KeptLineage, column: str) -> None:
    asset, _, name = column.rpartition(".")
    lineage = kept.of(asset)
    assert lineage is not None
    made = lineage.columns[name]
    assert {".".join(one) for one in made.of} == BY_HAND[column]
    assert made.known


def test_nearly_all_columns_are_told(instance: Instance, kept: KeptLineage) -> None:
    found = kept.everywhere()
    declared = [
        (asset, column)
        for asset in found
        for column in kept.graph.manifest["nodes"][kept.graph.nodes[asset]]["columns"]
    ]
    told = [(asset, column) for asset, column in declared if _is_told(found[asset], column)]
    assert len(told) / len(declared) > TOLD
    again = KeptLineage(instance.settings, kept.graph)
    assert again.kept.keys() == kept.kept.keys()
    assert len(again.kept) == len(found)  # so that none of it is read anew
    assert again.everywhere() == found


def _is_told(lineage: Lineage | None, column: str) -> bool:
    return lineage is not None and column in lineage.columns and lineage.columns[column].known


def test_what_is_not_understood_is_said_to_be_unknown() -> None:
    assert lineage_of("select from where", {}) is None
    found = lineage_of("select somewhere from a.b cross join c.d", {})
    assert found is None or not found.columns["somewhere"].known


def test_a_change_of_a_column_reaches_what_is_made_of_it_and_no_more(instance: Instance) -> None:
    found = instance.json("impact", "fct_nps_answers.answer_group")
    assert (found["asset"], found["column"]) == ("marts.fct_nps_answers", "answer_group")
    reached = {(one["kind"], one["name"]) for one in found["reached"]}
    assert ("metric", "nps") in reached
    assert {name for kind, name in reached if kind == "model"} == {"marts.fct_business_metrics"}
    names = {one["name"] for one in instance.json("impact", "fct_orders.coupon")["reached"]}
    assert "revenue" not in names


def test_a_change_of_a_model_reaches_journeys_metrics_and_tests(instance: Instance) -> None:
    reached = {(one["kind"], one["name"]) for one in instance.json("impact", "marts.fct_sessions")["reached"]}
    assert {
        ("model", "marts.agg_daily_metrics"),
        ("funnel", "marts.funnel_purchase"),
        ("test", "daily_metrics_have_all_sessions"),
        ("semantic model", "sessions"),
        ("metric", "sessions"),
    } <= reached
    assert ("model", "marts.fct_events") not in reached
    raw = {one["name"] for one in instance.json("impact", "raw.events.user_id")["reached"]}
    assert {"staging.stg_millrace__events", "marts.fct_events"} <= raw


def test_a_change_reaches_what_is_watched_and_the_rules_of_alerts(instance: Instance) -> None:
    def found(wanted: str) -> set[tuple[str, str]]:
        reached = instance.json("impact", wanted)["reached"]
        return {(one["kind"], one["name"]) for one in reached if one["kind"] in ("monitor", "alert rule")}

    assert found("fct_orders.revenue") == {("monitor", "metric:revenue"), ("alert rule", "revenue_fell")}
    assert ("monitor", "metric:orders") in found("fct_orders")  # counts its rows, whatever they cost
    assert found("dim_users.plan") >= {("alert rule", "plans_left")}
    steps = sorted(found("funnel_purchase.steps_reached"))
    assert [(kind, name.partition(" ")[0]) for kind, name in steps] == [
        ("monitor", f"funnel:funnel_purchase/{step}") for step in (1, 2, 3, 4)
    ]
    assert found("fct_marketing_spend.impressions") == set()
    assert found("fct_marketing_spend") >= {("monitor", "table:fct_marketing_spend")}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("fct_ordrs", "No model or source is called 'fct_ordrs'; did you mean 'fct_orders'"),
        ("fct_orders.revenu", "marts.fct_orders has no column 'revenu'; did you mean 'revenue'?"),
    ],
)
def test_an_unknown_name_is_wrong_usage_and_the_nearest_is_named(instance: Instance, wanted: str, told: str) -> None:
    done = instance.run("impact", wanted)
    assert done.returncode == 2
    assert told in done.stderr


def test_before_the_first_build_nothing_is_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Instance(tmp_path_factory.mktemp("none") / "millrace") as own:
        done = own.run("impact", "fct_orders")
    assert done.returncode == 2
    assert "Nothing was built yet" in done.stderr
