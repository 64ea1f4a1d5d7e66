"""What dbt and MetricFlow are told of a formula."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from semantic_layer.metrics.formulas.declaring import Declared, OwnDimension, declaration, remark_on_zero
from semantic_layer.metrics.formulas.defining import text_of
from semantic_layer.metrics.formulas.definition import Definition, checked
from semantic_layer.metrics.formulas.events_model import EventsModel, events_model, read_events_model
from semantic_layer.metrics.formulas.parsing import parse_formula
from warehouse.errors import MillraceError, WrongUsage


def dimension(name: str, expr: str | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "categorical", "expr": expr, **more}


TIME = dimension("happened_at", "instant(timestamp)", type="time", type_params={"time_granularity": "second"})
DAY = dimension("valid_from", type="time", type_params={"time_granularity": "day", "validity_params": {}})
MANIFEST: dict[str, Any] = {
    "semantic_models": [
        {
            "name": "events",
            "node_relation": {"alias": "fct_events"},
            "primary_entity": "event",
            "defaults": {"agg_time_dimension": "happened_at"},
            "entities": [{"name": "user", "type": "foreign", "expr": "person_key"}],
            "dimensions": [TIME, dimension("name", "event"), dimension("country")],
            "measures": [{"name": "events"}],
            "config": {"meta": {"prefers": ["event", "user"]}},
        },
        {
            "name": "users",
            "node_relation": {"alias": "dim_users"},
            "primary_entity": None,
            "defaults": None,
            "entities": [
                {"name": "version", "type": "primary", "expr": "user_version_key"},
                {"name": "user", "type": "natural", "expr": "person_key"},
            ],
            "dimensions": [DAY, dimension("plan", label="Plan"), dimension("served_as", "tier"), dimension("country")],
            "measures": [],
        },
        {
            "name": "defined_carts",
            "node_relation": {"alias": "fct_events"},
            "primary_entity": "defined_carts",
            "defaults": {"agg_time_dimension": "happened_at"},
            "entities": [],
            "dimensions": [TIME, *(dimension(f"d{n}", f"x{n}") for n in range(9))],
            "measures": [{"name": "carts"}],
            "config": {"meta": {"extends": "events"}},
        },
    ],
    "metrics": [{"name": "carts"}, {"name": "revenue", "label": "Revenue"}],
}
EVENTS = events_model(MANIFEST)


def declared(formula: str, **more: Any) -> dict[str, Any]:
    definition = checked(Definition("rate", formula, **more))
    own = (OwnDimension("product_category", "properties.product.category", "Category"),)
    return declaration(Declared(definition, parse_formula(formula), EVENTS, ("event__product_category",), own))


def test_the_shipped_model_of_events_is_found_with_what_it_is_joined_with() -> None:
    assert replace(EVENTS, taken={}) == EventsModel(
        name="events",
        entity="event",
        time=TIME,
        dimensions={
            "instant(timestamp)": "event__happened_at",
            "event": "event__name",
            "country": "event__country",
        },
        reachable=frozenset(
            {
                *("event__happened_at", "event__name", "event__country"),
                *("user__valid_from", "user__plan", "user__served_as", "user__country"),
            }
        ),
        prefers=("event", "user"),
        users={
            "valid_from": "user__valid_from",
            "plan": "user__plan",
            "tier": "user__served_as",
            "country": "user__country",
        },
        taken={},
        labels={"Revenue": "revenue"},
        dimension_labels={"Plan": "plan"},
        defined={"happened_at": "instant(timestamp)", **{f"d{n}": f"x{n}" for n in range(9)}},
    )
    assert EVENTS.taken["revenue"] == "a metric" and EVENTS.taken["plan"] == "a dimension"
    assert EVENTS.taken["version"] == "an entity" and EVENTS.taken["events"] in ("a measure", "a semantic model")


def test_without_a_model_of_events_nothing_can_be_defined(tmp_path: Path) -> None:
    with pytest.raises(MillraceError, match="the models are not built"):
        read_events_model(tmp_path / "semantic_manifest.json")
    (tmp_path / "semantic_manifest.json").write_text(json.dumps({"semantic_models": [], "metrics": []}))
    with pytest.raises(MillraceError, match="No semantic model is of fct_events"):
        read_events_model(tmp_path / "semantic_manifest.json")


def test_one_aggregate_is_a_simple_metric() -> None:
    document = declared("p95(page_viewed[page.path=/pricing].load_time_ms)", owner="web", good="down")
    (model,), (metric,) = document["semantic_models"], document["metrics"]
    text = "ifNull(nullIf(toString(properties.`load_time_ms`), '[]'), '')"
    assert model["measures"] == [
        {
            "name": "rate",
            "description": "p95(page_viewed[page.path=/pricing].load_time_ms)",
            "agg": "percentile",
            "agg_params": {"percentile": 0.95, "use_discrete_percentile": False},
            "expr": "if(event = 'page_viewed' and ifNull(toString(page_path), '') = '/pricing', "
            f"if(isFinite(toFloat64OrNull({text})), toFloat64OrNull({text}), null), null)",
        }
    ]
    assert metric == {
        "name": "rate",
        "label": "Rate",
        "description": "Calculated from events.",
        "type": "simple",
        "type_params": {"measure": {"name": "rate"}},
        "time_granularity": "day",
        "filter": "({{ Dimension('event__name') }} in ('page_viewed'))",
        "config": {
            "meta": {
                "owner": "web",
                "format": "milliseconds",
                "good": "down",
                "synonyms": [],
                "formula": "p95(page_viewed[page.path=/pricing].load_time_ms)",
                "dimensions": ["event__product_category"],
                "defined_by": "millrace metrics define",
            }
        },
    }


def test_the_semantic_model_extends_that_of_events() -> None:
    (model,) = declared("count(a)")["semantic_models"]
    assert model["config"]["meta"]["extends"] == "events"
    assert model["model"] == "ref('fct_events')" and model["defaults"] == {"agg_time_dimension": "happened_at"}
    time, own = model["dimensions"]
    assert time == {key: TIME[key] for key in ("name", "type", "expr", "type_params")}
    assert own["name"] == "product_category" and own["label"] == "Category"
    assert own["expr"] == "nullIf(ifNull(nullIf(toString(properties.`product.category`), '[]'), ''), '')"


def test_more_than_one_aggregate_is_a_derived_metric_of_hidden_ones() -> None:
    document = declared("(count(a) + sum(b.x)) / unique(a) * -2 + avg(b.x) / 4")
    *helpers, metric = document["metrics"]
    assert [helper["name"] for helper in helpers] == [f"rate_part_{n}" for n in (1, 2, 3, 4)]
    assert all(helper["config"]["meta"]["hidden"] is True for helper in helpers)
    assert [measure["agg"] for measure in document["semantic_models"][0]["measures"]] == [
        "sum",
        "sum",
        "count_distinct",
        "average",
    ]
    # Nothing is 0 of what is counted and summed, but has no mean.
    filled = [helper["type_params"]["measure"].get("fill_nulls_with") for helper in helpers]
    assert filled == [0, 0, 0, None]
    assert metric["type_params"] == {
        "expr": "((toFloat64((toFloat64((rate_part_1 + rate_part_2)) / nullIf(rate_part_3, 0))) * (-2.0))"
        " + (toFloat64(rate_part_4) / 4.0))",
        "metrics": [{"name": f"rate_part_{n}"} for n in (1, 2, 3, 4)],
    }
    assert metric["filter"] == "({{ Dimension('event__name') }} in ('a', 'b'))"
    assert metric["description"].endswith("Where unique(a) is 0, it has no value.")


@pytest.mark.parametrize("said", ["Of carts that are paid", " Of carts that are paid. "])
def test_what_somebody_says_of_it_stands_before_where_it_has_no_value(said: str) -> None:
    metric = declared("count(a) / count(b)", description=said)["metrics"][-1]
    assert metric["description"] == "Of carts that are paid. Where count(b) is 0, it has no value."


def test_of_any_event_nothing_is_filtered() -> None:
    document = declared("count(a) / count(*)")
    assert "filter" not in document["metrics"][-1]
    assert document["semantic_models"][0]["measures"][1]["expr"] == "if(true, 1, 0)"


def test_what_is_known_of_the_user_is_a_filter_of_the_metric() -> None:
    document = declared("unique(a[user.plan!=free,user.tier~it's,x=1]) / unique(a)")
    first, second, metric = document["metrics"]
    assert first["filter"] == (
        "(not (ifNull(toString({{ Dimension('user__plan') }}), 'unknown') = 'free')) and "
        "(positionCaseInsensitiveUTF8(ifNull(toString({{ Dimension('user__served_as') }}), 'unknown'), 'it\\'s') > 0)"
    )
    assert "filter" not in second and metric["filter"] == "({{ Dimension('event__name') }} in ('a'))"
    assert "plan" not in document["semantic_models"][0]["measures"][0]["expr"]


@pytest.mark.parametrize(
    ("formula", "remark"),
    [
        ("count(a)", ""),
        ("count(a) / 2", ""),
        ("count(a) / count(b)", "Where count(b) is 0, it has no value."),
        (
            "count(a) / count(b) + 1 / (count(c) - count(a)) - 2 / count(b)",
            "Where count(b) or count(c) - count(a) is 0, it has no value.",
        ),
    ],
)
def test_where_there_is_no_value_is_stated(formula: str, remark: str) -> None:
    assert remark_on_zero(parse_formula(formula)) == remark


@pytest.mark.parametrize(
    ("name", "formula", "format"),
    [
        ("rate", "count(a) / count(b)", "number"),
        ("open_rate", "count(a) / unique(b)", "percent"),
        ("open_rate", "count(a) / count(b) * 100", "number"),
        ("open_rate", "sum(a.x) / count(b)", "number"),
        ("wait", "p50(a.wait_seconds)", "seconds"),
        ("wait", "unique(a.wait_ms)", "number"),
    ],
)
def test_the_format_follows_from_the_formula(name: str, formula: str, format: str) -> None:
    definition = Definition(name, formula)
    document = declaration(Declared(definition, parse_formula(formula), EVENTS, (), ()))
    assert document["metrics"][-1]["config"]["meta"]["format"] == format


MARKED = re.compile(r"\{\{ Dimension\('\w+'\) \}\}")


@settings(deadline=None)
@given(
    st.text(st.sampled_from("{}%#'\"\\`;- a\n"), min_size=1, max_size=12),
    st.sampled_from(["a[x={}]", "a[user.plan={}]", "a[user.plan~{},x!={}]"]),
)
def test_no_value_brings_a_mark_that_dbt_would_fill_in(value: str, step: str) -> None:
    quoted = "'" + value.replace("'", "''") + "'"
    step = step.replace("{}", quoted)
    formula = parse_formula(f"count({step}) / count(b)")
    definition = checked(Definition("rate", str(formula)))
    text = text_of(Declared(definition, formula, EVENTS, (), ()))
    document = yaml.safe_load(text)
    assert document == declaration(Declared(definition, formula, EVENTS, (), ()))
    comments = [line for line in text.splitlines() if line.startswith("#")]
    for told in (*comments, *texts_in(document)):
        assert not re.search(r"\{\{|\{%|\{#", MARKED.sub("", told))


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"name": "Conversion Rate"}, "'Conversion Rate' is no name of a metric; 'conversion_rate' is one."),
        ({"name": "a__b"}, "'a__b' is no name of a metric; 'a_b' is one."),
        ({"name": "x"}, "'x' is no name of a metric."),
        ({"name": "x" * 61}, "is no name of a metric"),
        ({"name": "../evil"}, "'../evil' is no name of a metric; 'evil' is one."),
        ({"name": "rate_"}, "'rate_' is no name of a metric; 'rate' is one."),
        ({"name": "week"}, "'week' is a word for times: name the metric otherwise."),
        ({"name": "metric_time"}, "'metric_time' is a word for times"),
        ({"format": "percents"}, "--format 'percents' is not known; did you mean 'percent'?"),
        ({"good": "left"}, "--good 'left' is not known."),
        ({"label": "{{ env_var('HOME') }}"}, "The label has {{ in it, which dbt would fill in: leave it out."),
        ({"description": "a {% b"}, "The description has {% in it"),
        ({"owner": "{# x"}, "The owner has {# in it"),
        ({"synonyms": ("a", "b {{")}, "The synonym has {{ in it"),
        ({"label": "a\x00"}, "The label 'a\\x00' is not a text."),
        ({"description": "x" * 1001}, "The description is 1,001 characters long; at most 1,000 are possible."),
        ({"synonyms": tuple(f"s{n}" for n in range(21))}, "21 synonyms are too many: at most 20."),
    ],
)
def test_what_cannot_be_said_of_a_metric_is_told(more: dict[str, Any], told: str) -> None:
    with pytest.raises(WrongUsage) as raised:
        checked(Definition(**{"name": "rate", "formula": "count(a)", **more}))
    assert told in raised.value.message


def test_synonyms_are_told_once() -> None:
    assert checked(Definition("rate", "count(a)", synonyms=(" x ", "x", "", "y"))).synonyms == ("x", "y")
