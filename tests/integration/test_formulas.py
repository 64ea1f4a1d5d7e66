"""What formulas give, on events written by hand: every number is counted again in Python, and nothing of the code under
test takes part in that."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from semantic_layer.metrics.formulas.defining import declare, text_of
from semantic_layer.metrics.formulas.definition import Definition
from semantic_layer.metrics.formulas.trial import FOLDER, read_by_dbt
from semantic_layer.reader import Reader
from tests.integration.defined_metrics import Workshop, workshop
from tests.support import Instance

TABLES = """
CREATE TABLE marts.fct_events (
    project_id LowCardinality(String), event_id String, event LowCardinality(String),
    person_id String, person_key UInt64, user_id String, session_key UInt64,
    timestamp DateTime64(3, 'UTC'), local_date Date, page_path String,
    country LowCardinality(String), device_type LowCardinality(String), properties JSON
) ENGINE = MergeTree ORDER BY (project_id, event, timestamp);
CREATE TABLE marts.dim_users (
    project_id LowCardinality(String), person_key UInt64,
    valid_from DateTime64(3, 'UTC'), valid_to DateTime64(3, 'UTC'),
    plan LowCardinality(String), country LowCardinality(String), tier LowCardinality(String)
) ENGINE = MergeTree ORDER BY person_key;
CREATE TABLE marts.dim_event_types (
    project_id LowCardinality(String), event LowCardinality(String),
    properties Array(String), last_seen_on Nullable(Date)
) ENGINE = MergeTree ORDER BY event
"""
HOSTILE = "it's \\' {{ 7 * 7 }} {% x %} \"a\" -- /* ; DROP TABLE marts.fct_events"
# A number may come as a text, whole or not, as none or not at all.
AMOUNTS = [10, 2.5, "4", " 5 ", "x", "inf", "nan", None, "", 1e3, -3, True, "1e2", 10]
PLANS = ["free", "pro", HOSTILE, None]
COUNTRIES = ["DE", "FR", ""]


def sent() -> list[dict[str, Any]]:
    events = []
    for number in range(240):
        amount = AMOUNTS[number % len(AMOUNTS)]
        properties = {"plan": PLANS[number % 4], "n": number, "ids": [], "where": {"shop.town": number % 3}}
        if number % 5:
            properties["amount"] = amount
        events.append(
            {
                "event": ("paid", "paid", "opened", "left")[number % 7 % 4],
                "person": number % 11,
                "timestamp": f"2026-03-{1 + number // 10:02} {number % 24:02}:30:00.000",
                "country": COUNTRIES[number % 3] if number % 7 % 4 != 3 else "FR",
                "page_path": "/pricing" if number % 3 else "/",
                "properties": properties,
            }
        )
    return events


EVENTS = sent()
# Of each user: the plan until an instant, and the plan from then on. Person 0 is nobody that anybody knows.
VERSIONS = {person: ("free", "pro", f"2026-03-{1 + person:02} 12:00:00.000") for person in range(1, 11)}


def number(value: Any) -> float | None:
    """As a person would read it."""
    if isinstance(value, bool) or value is None or value in ("x", "inf", "nan", "", " 5 "):
        return None
    return float(value)


Event = dict[str, Any]
Matches = Callable[[Event], bool]


def some(events: list[Event], name: str, matches: Matches = lambda event: True) -> list[Event]:
    return [event for event in events if event["event"] == name and matches(event)]


def amounts(events: list[Event], path: str = "amount") -> list[float]:
    return [value for event in events if (value := number(event["properties"].get(path))) is not None]


def plan_of(event: Event) -> str:
    if event["person"] not in VERSIONS:
        return "unknown"
    before, after, since = VERSIONS[event["person"]]
    return after if event["timestamp"] >= since else before


def percentile(values: list[float], part: float) -> float | None:
    """Between the two values around it, as spreadsheets do."""
    if not values:
        return None
    place = part * (len(values) - 1)
    low = sorted(values)[math.floor(place)]
    return low + (sorted(values)[math.ceil(place)] - low) * (place - math.floor(place))


def people(events: list[Event]) -> int:
    return len({event["person"] for event in events})


def divided(one: float, by: float) -> float | None:
    return one / by if by else None


def with_plan(plan: str | None) -> Matches:
    return lambda event: event["properties"]["plan"] == plan


ON_PRICING: Matches = lambda event: event["page_path"] == "/pricing"  # noqa: E731
FORMULAS: dict[str, Callable[[list[Event]], float | None]] = {
    "count(paid)": lambda e: len(some(e, "paid")),
    "count(*)": len,
    "unique(paid)": lambda e: people(some(e, "paid")),
    "unique(*)": people,
    "count(paid[plan=pro])": lambda e: len(some(e, "paid", with_plan("pro"))),
    "count(paid[plan!=pro])": lambda e: len(some(e, "paid", lambda x: x["properties"]["plan"] != "pro")),
    "count(paid[plan])": lambda e: len(some(e, "paid", lambda x: bool(x["properties"]["plan"]))),
    "count(paid[plan='" + HOSTILE.replace("'", "''") + "'])": lambda e: len(some(e, "paid", with_plan(HOSTILE))),
    "count(paid[plan~'{% X'])": lambda e: len(some(e, "paid", with_plan(HOSTILE))),
    "count(paid[amount>=4])": lambda e: len([x for x in amounts(some(e, "paid")) if x >= 4]),
    "count(paid[amount=10,page.path=/pricing])": lambda e: amounts(some(e, "paid", ON_PRICING)).count(10),
    "sum(paid.amount)": lambda e: sum(amounts(some(e, "paid"))),
    "avg(paid.amount)": lambda e: divided(sum(amounts(some(e, "paid"))), len(amounts(some(e, "paid")))),
    "min(paid.amount)": lambda e: min(amounts(some(e, "paid"))),
    "max(paid.amount)": lambda e: max(amounts(some(e, "paid"))),
    "p50(paid.amount)": lambda e: percentile(amounts(some(e, "paid")), 0.5),
    "p95(paid[page.path=/pricing].amount)": lambda e: percentile(amounts(some(e, "paid", ON_PRICING)), 0.95),
    "unique(paid.amount)": lambda e: len(
        {str(x["properties"].get("amount")) for x in some(e, "paid")} - {"None", "", "1000.0", "True"}
        | {"1000" for x in some(e, "paid") if x["properties"].get("amount") == 1e3}
        | {"true" for x in some(e, "paid") if x["properties"].get("amount") is True}
    ),
    "sum(*.n) / 2": lambda e: sum(x["properties"]["n"] for x in e) / 2,
    "unique(*.'where.shop.town')": lambda e: len({x["properties"]["where"]["shop.town"] for x in e}),
    "unique(paid.page.path)": lambda e: len({x["page_path"] for x in some(e, "paid")}),
    "count(paid) / count(opened) * 100": lambda e: len(some(e, "paid")) / len(some(e, "opened")) * 100,
    "count(left) / count(opened[plan=pro])": lambda e: divided(
        len(some(e, "left")), len(some(e, "opened", with_plan("pro")))
    ),
    "(count(paid) - count(left)) / (count(paid) + count(left)) * -1": lambda e: (
        -(len(some(e, "paid")) - len(some(e, "left"))) / (len(some(e, "paid")) + len(some(e, "left")))
    ),
    "-sum(paid.amount) - sum(left.amount)": lambda e: -sum(amounts(some(e, "paid"))) - sum(amounts(some(e, "left"))),
    # More than a whole number of ClickHouse can be.
    " * ".join(["count(*)"] * 9): lambda e: float(len(e)) ** 9,
    "1 / (count(paid) - count(paid))": lambda e: None,
    "2 - count(left) / 4 / unique(left)": lambda e: 2 - len(some(e, "left")) / 4 / people(some(e, "left")),
    "count(paid[user.plan=pro])": lambda e: len(some(e, "paid", lambda x: plan_of(x) == "pro")),
    "count(paid[user.plan!=pro]) / count(paid)": lambda e: (
        len(some(e, "paid", lambda x: plan_of(x) != "pro")) / len(some(e, "paid"))
    ),
    "unique(paid[user.plan=unknown,page.path=/])": lambda e: people(
        some(e, "paid", lambda x: plan_of(x) == "unknown" and x["page_path"] == "/")
    ),
}
METRICS = {f"formula_{number}": formula for number, formula in enumerate(FORMULAS)}
DIMENSIONS = ("country", "plan", "page.path", "user.plan", "properties.where.shop.town")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The project with every formula defined, read by dbt once."""
    with Instance(tmp_path_factory.mktemp("formulas") / "millrace") as own:
        own.up()
        fill(own)
        made = workshop(own, tmp_path_factory.mktemp("formulas"))
        (made.place.project / FOLDER).mkdir()
        with own.active() as settings:
            reader = Reader(settings)
            for name, formula in METRICS.items():
                declared, _ = declare(reader, Definition(name, formula, DIMENSIONS), made.place)
                made.place.file(name).write_text(text_of(declared))
            read_by_dbt(settings, made.place)
        yield made


def fill(own: Instance) -> None:
    client = own.client()
    for statement in ("CREATE DATABASE IF NOT EXISTS marts", *TABLES.split(";")):
        client.command(statement)
    rows = [
        {
            **{key: value for key, value in event.items() if key != "person"},
            **{"project_id": "demo", "event_id": str(n), "local_date": event["timestamp"][:10], "device_type": "tv"},
            **{"person_key": event["person"] + 100, "person_id": f"p{event['person']}"},
        }
        for n, event in enumerate(EVENTS)
    ]
    stranger = {"event_id": "s", "person_id": "", "person_key": 1, "local_date": "2026-03-01"}
    rows.append({**rows[0], **stranger, "project_id": "demo_mobile", "properties": {"amount": 7}})
    users = [
        {"project_id": "demo", "person_key": person + 100, "plan": plan, "valid_from": begins, "valid_to": ends}
        for person, (before, after, since) in VERSIONS.items()
        for plan, begins, ends in ((before, "1970-01-01", since), (after, since, "2200-01-01"))
    ]
    types = [
        {"project_id": "demo", "event": name, "properties": ["amount"], "last_seen_on": "2026-03-24"}
        for name in ("paid", "opened", "left")
    ]
    types.append({"project_id": "demo", "event": "planned", "properties": ["amount"], "last_seen_on": None})
    for table, inserted in (("fct_events", rows), ("dim_users", users), ("dim_event_types", types)):
        lines = "\n".join(json.dumps(row) for row in inserted)
        client.command(f"INSERT INTO marts.{table} FORMAT JSONEachRow\n{lines}")


@pytest.mark.parametrize("name", METRICS, ids=list(FORMULAS))
def test_a_formula_is_what_is_counted_by_hand(shop: Workshop, name: str) -> None:
    ((value,),) = shop.answer([name])
    expected = FORMULAS[METRICS[name]](EVENTS)
    assert value == (None if expected is None else pytest.approx(expected, rel=1e-12))
    assert expected != 0


GROUPINGS: dict[str, Callable[[Event], str | None]] = {
    "event__country": lambda event: event["country"],
    "event__plan": lambda event: event["properties"]["plan"],
    "event__page_path": lambda event: event["page_path"],
    "event__where_shop_town": lambda event: str(event["properties"]["where"]["shop.town"]),
    # Of strangers nothing is known, which is not the same as a user of whom nobody said it.
    "user__plan": lambda event: plan if (plan := plan_of(event)) != "unknown" else None,
    "metric_time__day": lambda event: f"{local(event):%Y-%m-%d}",
}


def local(event: Event) -> datetime:
    instant = datetime.fromisoformat(event["timestamp"]).replace(tzinfo=UTC)
    return instant.astimezone(ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize(
    "formula",
    [
        "count(paid)",
        "unique(*)",
        "count(left) / count(opened[plan=pro])",
        "-sum(paid.amount) - sum(left.amount)",
        "p50(paid.amount)",
        "count(paid[user.plan!=pro]) / count(paid)",
    ],
)
def test_so_it_is_by_any_dimension(shop: Workshop, formula: str, by: str) -> None:
    (name,) = (name for name, text in METRICS.items() if text == formula)
    mentioned = {word for word in ("paid", "opened", "left") if f"({word}" in formula} or {"paid", "opened", "left"}
    groups: dict[str | None, list[Event]] = {}
    for event in EVENTS:
        if event["event"] in mentioned:
            groups.setdefault(GROUPINGS[by](event), []).append(event)
    expected = {group: value_of(formula, events) for group, events in groups.items()}
    rows = shop.answer([name], [by])
    found = dict(rows)
    assert found == {group: None if value is None else pytest.approx(value) for group, value in expected.items()}
    assert len(rows) == len(found) > 1


def value_of(formula: str, events: list[Event]) -> float | None:
    try:
        return FORMULAS[formula](events)
    except ZeroDivisionError:
        return None


def test_some_groups_have_no_value_where_the_others_have_one(shop: Workshop) -> None:
    (name,) = (name for name, text in METRICS.items() if text == "count(left) / count(opened[plan=pro])")
    values = dict(shop.answer([name], ["event__plan"]))
    assert values[HOSTILE] is None and values["pro"] is not None


def test_several_are_answered_at_once_by_a_property_of_all(shop: Workshop) -> None:
    names = [name for name, text in METRICS.items() if text in ("count(paid)", "sum(*.n) / 2", "p50(paid.amount)")]
    together = shop.answer(names, ["event__plan"])
    alone = [dict(shop.answer([name], ["event__plan"])) for name in names]
    assert sorted(together, key=str) == sorted(((plan, *(one[plan] for one in alone)) for plan in alone[0]), key=str)


def test_each_project_has_its_own_and_who_is_nobody_is_not_counted(shop: Workshop) -> None:
    names = {text: name for name, text in METRICS.items()}
    asked = ["count(paid)", "unique(paid)", "sum(paid.amount)"]
    assert shop.answer([names[text] for text in asked], project="demo_mobile") == [(1, 0, 7)]


def test_of_no_events_there_are_none_and_no_mean(shop: Workshop) -> None:
    names = {text: name for name, text in METRICS.items()}
    nothing = ["count(paid)", "unique(paid)", "sum(paid.amount)", "avg(paid.amount)", "p50(paid.amount)"]
    assert shop.answer([names[text] for text in nothing], project="empty") == [(0, 0, 0, None, None)]
    assert shop.answer([names["count(paid) / count(opened) * 100"]], project="empty") == [(None,)]


def test_they_are_not_all_alike() -> None:
    assert len({formula(EVENTS) for formula in FORMULAS.values()}) > len(FORMULAS) * 0.8
