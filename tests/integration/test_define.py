"""`define` and `undefine` on a project of their own: what they write and refuse, and that a refusal leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from semantic_layer.metrics.formulas.defining import declare
from semantic_layer.metrics.formulas.definition import Definition
from semantic_layer.metrics.formulas.trial import LEFT_BY_DBT, Place, Trial
from semantic_layer.reader import Reader
from tests.integration.defined_metrics import Workshop, workshop
from tests.integration.test_formulas import fill
from tests.support import Instance
from warehouse.alone import alone
from warehouse.errors import MillraceError, WrongUsage

PAID_TWICE = [
    {
        **{"project_id": "demo", "event": "paid", "person_id": "p", "person_key": 9, "local_date": "2026-03-01"},
        **{"timestamp": "2026-03-01 10:00:00.000", "event_id": f"money {currency}"},
        "properties": {"price": 5, "items_count": 1, "currency": currency, "week": "1"},
    }
    for currency in ("EUR", "USD")
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with Instance(tmp_path_factory.mktemp("define") / "millrace") as instance:
        instance.up()
        fill(instance)
        lines = "\n".join(json.dumps(row) for row in PAID_TWICE)
        instance.client().command(f"INSERT INTO marts.fct_events FORMAT JSONEachRow\n{lines}")
        yield workshop(instance, tmp_path_factory.mktemp("define"))


def metrics_of(own: Workshop) -> dict[str, dict[str, Any]]:
    manifest = json.loads(own.place.semantic_manifest.read_text())
    return {metric["name"]: metric for metric in manifest["metrics"]}


def test_what_is_defined_is_answered_and_what_is_undefined_is_gone(own: Workshop) -> None:
    files, metrics = project_of(own), metrics_of(own)
    first = own.define("share_left", "count(left) / count(paid)", "plan", "user.plan", owner="shop", good="down")
    own.define("payments", "count(paid)", label="What was paid", synonyms=("purchases",))
    assert first.file == own.place.file("share_left") and first.dimensions == ("event__plan", "user__plan")
    assert first.remarks[-1] == "Where count(paid) is 0, it has no value."
    added = metrics_of(own).keys() - metrics.keys()
    assert added == {"share_left", "share_left_part_1", "share_left_part_2", "payments"}
    meta = metrics_of(own)["share_left"]["config"]["meta"]
    assert (meta["owner"], meta["good"], meta["format"], meta["formula"]) == (
        *("shop", "down", "number"),
        "count(left) / count(paid)",
    )
    hidden = {name for name, metric in metrics_of(own).items() if metric["config"]["meta"].get("hidden")}
    assert hidden & added == {"share_left_part_1", "share_left_part_2"}
    assert len(own.answer(["share_left", "payments"], ["user__plan"])) == 3
    assert own.undefine("share_left") == first.file
    assert metrics_of(own).keys() - metrics.keys() == {"payments"}
    own.undefine("payments")
    assert (project_of(own), metrics_of(own)) == (files, metrics)


def test_a_conversion_rate_of_a_shops_own_events_by_a_property_and_by_the_plan(own: Workshop) -> None:
    """The line of docs/formulas.md for a shop that sends these events."""
    client = own.instance.client()
    seen = [
        *(("checkout_started", 901, "shoes", day) for day in (1, 2, 3, 4)),
        *(("checkout_started", 902, "shirts", day) for day in (1, 2)),
        *(("checkout_completed", 901, "shoes", day) for day in (1, 2, 3)),
        ("checkout_completed", 902, "shirts", 1),
    ]
    events = [
        {
            **{"project_id": "demo", "event": event, "person_id": str(person), "person_key": person},
            **{"timestamp": f"2026-03-0{day} 12:00:00.000", "local_date": f"2026-03-0{day}"},
            **{"event_id": f"{event} {person} {day}", "properties": {"product_category": category}},
        }
        for event, person, category, day in seen
    ]
    forever = {"project_id": "demo", "valid_from": "1970-01-01", "valid_to": "2200-01-01"}
    users = [{**forever, "person_key": 901, "plan": "pro"}, {**forever, "person_key": 902, "plan": "free"}]
    types = [
        {"project_id": "demo", "event": name, "properties": ["product_category"], "last_seen_on": "2026-03-04"}
        for name in ("checkout_started", "checkout_completed")
    ]
    for table, rows in (("fct_events", events), ("dim_users", users), ("dim_event_types", types)):
        lines = "\n".join(json.dumps(row) for row in rows)
        client.command(f"INSERT INTO marts.{table} FORMAT JSONEachRow\n{lines}")
    made = own.define(
        "checkout_rate", "count(checkout_completed) / count(checkout_started) * 100", "product_category", "plan"
    )
    try:
        assert made.dimensions == ("event__product_category", "user__plan")
        assert own.answer(["checkout_rate"]) == [(pytest.approx(100 * 4 / 6),)]
        assert dict(own.answer(["checkout_rate"], ["event__product_category"])) == {"shoes": 75, "shirts": 50}
        assert dict(own.answer(["checkout_rate"], ["user__plan"])) == {"pro": 75, "free": 50}
    finally:
        own.undefine("checkout_rate")
        keys = "person_key IN (901, 902)"
        for table, mine in (("fct_events", keys), ("dim_users", keys), ("dim_event_types", "event LIKE 'checkout%'")):
            client.command(f"DELETE FROM marts.{table} WHERE {mine}")


def project_of(own: Workshop) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in own.place.project.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "formula", "dimensions", "told"),
    [
        ("rate", "count(payd) / 2", (), "no event is called 'payd'; did you mean 'paid'?"),
        (
            "rate",
            "count(paid[plann=pro])",
            (),
            "no property of the event 'paid' is called 'plann'; did you mean 'plan'?",
        ),
        (
            "rate",
            "sum(paid.amounts)",
            (),
            "no property of the event 'paid' is called 'amounts'; did you mean 'amount'?",
        ),
        ("rate", "sum(*.amounts)", (), "no property of any event is called 'amounts'; did you mean 'amount'?"),
        ("rate", "sum(planned.price)", (), "no property of the event 'planned' is called 'price'."),
        ("rate", "sum(paid.plan)", (), "no plan of paid is a number."),
        ("rate", "avg(paid.country)", (), "no country of paid is a number."),
        ("rate", "unique(paid.user.plan)", (), "user.plan is known of the user, not of the event."),
        ("rate", "count(paid) / 0", (), "that is a division by zero."),
        ("rate", "count(paid)", ("plann",), "There is no dimension 'plann', and no event of the formula carries such"),
        ("rate", "count(paid)", ("user__plann",), "did you mean 'user__plan'"),
        ("rate", "count(paid)", ("properties.coupon",), "There is no dimension 'properties.coupon'"),
        ("rate", "count(paid)", tuple(f"d{n}" for n in range(21)), "21 dimensions are too many: at most 20."),
        ("events", "count(paid)", (), "'events' is already "),
        ("plan", "count(paid)", (), "'plan' is already a dimension."),
        ("user", "count(paid)", (), "'user' is already an entity."),
        ("Rate", "count(paid)", (), "'Rate' is no name of a metric; 'rate' is one."),
        # What stands in the marts but not in this warehouse: only a run can tell.
        ("rate", "count(paid)", ("browser",), "ClickHouse refused the query"),
    ],
)
def test_what_cannot_be_is_told_and_leaves_nothing(
    own: Workshop, name: str, formula: str, dimensions: tuple[str, ...], told: str
) -> None:
    before = own.state
    with pytest.raises(MillraceError) as raised:
        own.define(name, formula, *dimensions)
    assert told in raised.value.message
    assert own.state == before


def test_a_name_or_label_that_is_taken_is_told(own: Workshop) -> None:
    own.define("rate", "count(paid) / count(left)", label="How often")
    before = own.state
    for name, label, told in (
        ("rate", "", "The metric 'rate' is defined already."),
        ("rate_part_1", "", "'rate_part_1' is already a"),
        ("often", "How often", "The metric 'rate' has the label 'How often' already."),
    ):
        with pytest.raises(WrongUsage) as raised:
            own.define(name, "count(paid)", label=label)
        assert told in raised.value.message
    assert own.state == before
    own.undefine("rate")


@pytest.mark.parametrize(
    ("formula", "dimensions", "remark"),
    [
        ("count(planned)", (), "No event called planned was sent yet."),
        ("sum(planned.amount)", (), "No event called planned was sent yet."),
        ("sum(paid.amount)", (), "Some values of amount are no numbers: sum(paid.amount) leaves them out."),
        ("count(paid[plan=gold])", (), "No event matches count(paid[plan=gold]) so far."),
        ("sum(paid.price)", (), "paid is sent in 2 currencies, and sum(paid.price) takes the amounts as they are"),
        ("count(paid)", ("price",), None),
        ("sum(paid.items_count)", (), None),
        ("sum(paid[currency=EUR].price)", (), None),
        ("count(paid) - count(left)", ("price",), "left carries no price: all of it is in the row without a value."),
        (
            "count(paid)",
            ("plan",),
            "plan is what the event carries; what is known of the user is the dimension user.plan.",
        ),
        ("count(paid) / (count(left) - 1)", (), "Where count(left) - 1 is 0, it has no value."),
    ],
)
def test_what_is_odd_is_remarked(own: Workshop, formula: str, dimensions: tuple[str, ...], remark: str | None) -> None:
    with own.instance.active() as settings:
        _, remarks = declare(Reader(settings), Definition("odd", formula, dimensions), own.place)
    if remark is None:
        assert remarks == []
    else:
        (told,) = remarks
        assert told.startswith(remark)


def test_dimensions_are_found_by_what_people_call_them(own: Workshop) -> None:
    asked = (
        "country",
        "event__name",
        "page.path",
        "page_path",
        "user.plan",
        "week",
        "properties.country",
        "where.shop.town",
    )
    own.instance.client().command(
        "INSERT INTO marts.fct_events (project_id, event, event_id, local_date, timestamp, properties) "
        """VALUES ('demo', 'left', 'c', '2026-03-01', '2026-03-01', '{"country": "XX", "tier": "t"}')"""
    )
    defined = own.define("found", "count(left) + count(paid)", *asked)
    assert defined.dimensions == (
        *("event__country", "event__name", "event__page_path", "user__plan"),
        *("event__property_week", "event__property_country", "event__where_shop_town"),
    )
    (model,) = yaml.safe_load(defined.file.read_text())["semantic_models"]
    labels = [dimension.get("label") for dimension in model["dimensions"]]
    assert labels == [None, "Page path", "Property week", "Property country", "Where shop town"]
    assert ("XX", 1) in own.answer(["found"], ["event__property_country"])
    own.undefine("found")
    # Of the user where no event of the formula carries one; of several that are called so, that of the nearest table.
    with own.instance.active() as settings:
        declared, _ = declare(Reader(settings), Definition("found", "count(planned)", ("plan", "channel")), own.place)
    assert declared.dimensions == ("user__plan", "session__channel")


def test_two_metrics_may_bring_the_same_dimension_but_not_two_of_one_name(own: Workshop) -> None:
    own.define("one", "count(paid)", "where.shop.town")
    own.define("two", "count(opened)", "where.shop.town")
    towns = {town: (paid, opened) for town, paid, opened in own.answer(["one", "two"], ["event__where_shop_town"])}
    assert towns.keys() == {"0", "1", "2", None} and all(min(towns[town]) > 20 for town in "012")
    own.instance.client().command(
        "INSERT INTO marts.fct_events (project_id, event, event_id, local_date, timestamp, properties) "
        """VALUES ('demo', 'left', 'd', '2026-03-01', '2026-03-01', '{"where_shop": {"town": "YY"}}')"""
    )
    with pytest.raises(WrongUsage, match="where_shop_town is already what another property is called by"):
        own.define("three", "count(left)", "where_shop.town")
    own.undefine("one")
    own.undefine("two")


def test_what_dbt_does_not_take_leaves_nothing(own: Workshop) -> None:
    broken = own.place.project / "models" / "semantic" / "broken.yml"
    broken.write_text("metrics: [{name: broken, label: Broken, type: simple, type_params: {measure: none_such}}]")
    before = own.state
    with pytest.raises(MillraceError, match=r"dbt does not take it: .*none_such"):
        own.define("rate", "count(paid)")
    assert own.state == before
    broken.unlink()


def test_nobody_else_builds_or_defines_meanwhile(own: Workshop) -> None:
    before = own.state
    with own.instance.active() as settings, alone(settings):
        for act in (lambda: own.define("rate", "count(paid)"), lambda: own.undefine("rate")):
            with pytest.raises(MillraceError, match="Another build, or a run of Dagster, is working"):
                act()
    assert own.state == before


def test_undefine_takes_away_what_define_wrote_and_nothing_else(own: Workshop) -> None:
    with pytest.raises(WrongUsage, match="No metric 'rate' is defined"):
        own.undefine("rate")
    file = own.define("rate", "count(paid)").file
    with pytest.raises(WrongUsage, match="No metric 'rates' is defined by a formula; did you mean 'rate'"):
        own.undefine("rates")
    for name in ("events", "../activity", "../../marts/core/_facts"):
        with pytest.raises(WrongUsage, match="is defined"):
            own.undefine(name)
    written = file.read_text()
    file.write_text(written.replace("defined_by: millrace metrics define", "made_by: hand"))
    with pytest.raises(WrongUsage, match="was not made by `millrace metrics define`"):
        own.undefine("rate")
    file.write_text(written)
    own.undefine("rate")


def test_what_another_metric_is_made_of_stays(own: Workshop) -> None:
    file = own.define("rate", "count(paid)").file
    user = own.place.project / "models" / "semantic" / "double.yml"
    inputs = {"expr": "rate * 2", "metrics": [{"name": "rate"}]}
    metric = {"name": "double_rate", "label": "Double", "type": "derived", "type_params": inputs}
    user.write_text(yaml.safe_dump({"metrics": [metric]}))
    before = own.state
    with pytest.raises(MillraceError, match=r"dbt does not take it: .*`rate` .* by metric `double_rate`"):
        own.undefine("rate")
    assert own.state == before and file.exists()
    user.unlink()
    own.undefine("rate")


@pytest.mark.parametrize("before", [None, "as it was"])
@pytest.mark.parametrize("after", [None, "as it will be"])
def test_a_change_that_breaks_off_is_undone(tmp_path: Path, before: str | None, after: str | None) -> None:
    place, changed = (Place(tmp_path / name, tmp_path / f"{name} target") for name in ("place", "changed"))
    for where, text in ((place, before), (changed, after)):
        where.file("rate").parent.mkdir(parents=True)
        where.target.mkdir()
        if text is not None:
            where.file("rate").write_text(text)
    for name in LEFT_BY_DBT[:-1]:  # the last one is missing
        (changed.target / name).write_text("read")
    with pytest.raises(FileNotFoundError):
        Trial(place, changed, "rate").keep()
    assert (place.file("rate").read_text() if place.file("rate").exists() else None) == before
    assert [path.name for path in place.file("rate").parent.iterdir()] == (["rate.yml"] if before else [])
