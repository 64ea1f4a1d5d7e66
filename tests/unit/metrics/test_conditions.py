"""The language of --where: what it means, and what it says of what it cannot read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.metrics.conditions import parse_condition, parse_threshold
from tests.unit.metrics.shop import asked
from warehouse.errors import WrongUsage


def equal(dimension: str, *values: Any, operator: str = "=") -> dict[str, Any]:
    return {"kind": "comparison", "dimension": dimension, "operator": operator, "values": list(values)}


def both(kind: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "conditions": list(conditions)}


def negated(condition: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "not", "condition": condition}


def missing(dimension: str) -> dict[str, Any]:
    return {"kind": "missing", "dimension": dimension}


A, B, C = equal("a", 1), equal("b", 2), equal("c", 3)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("user__plan = 'pro'", equal("user__plan", "pro")),
        ("user__plan='pro'", equal("user__plan", "pro")),
        ('user__plan = "pro"', equal("user__plan", "pro")),
        ("user__plan == 'pro'", equal("user__plan", "pro")),
        ("plan <> 'pro'", equal("plan", "pro", operator="!=")),
        ("plan != 'pro'", equal("plan", "pro", operator="!=")),
        ("age >= 18", equal("age", 18, operator=">=")),
        ("age<-1.5", equal("age", -1.5, operator="<")),
        ("on > 2026-01-31", equal("on", "2026-01-31", operator=">")),
        ("on > '2026-01-31'", equal("on", "2026-01-31", operator=">")),
        ("is_admin = true", equal("is_admin", "true")),
        ("is_admin = FALSE", equal("is_admin", "false")),
        ("plan in ('a', 'b')", equal("plan", "a", "b")),
        ("plan NOT IN ('a','b')", equal("plan", "a", "b", operator="!=")),
        ("plan is null", missing("plan")),
        ("plan IS NOT NULL", negated(missing("plan"))),
        ("name = 'it''s'", equal("name", "it's")),
        ('name = "say ""hi"""', equal("name", 'say "hi"')),
        ("name = ''", equal("name", "")),
        ("name = 'and or not ( in'", equal("name", "and or not ( in")),
        ("id = 12345678901234567890", equal("id", "12345678901234567890")),
        ("a = 1 and b = 2 and c = 3", both("all", A, B, C)),
        ("a = 1 or b = 2 and c = 3", both("any", A, both("all", B, C))),
        ("(a = 1 or b = 2) and c = 3", both("all", both("any", A, B), C)),
        ("not a = 1 and b = 2", both("all", negated(A), B)),
        ("not (a = 1 and b = 2)", negated(both("all", A, B))),
        ("not not a = 1", negated(negated(A))),
        ("((((a = 1))))", A),
        ("a = 1\n\tAND\n b = 2", both("all", A, B)),
    ],
)
def test_what_is_meant(text: str, meant: dict[str, Any]) -> None:
    assert parse_condition(text).model_dump(mode="json") == meant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("   ", "it is empty"),
        ("plan", "behind plan one of"),
        ("plan = ", "a value of plan is missing"),
        ("plan = pro", "'pro' is not in quotes"),
        ("plan = 'pro", "a ' is not closed"),
        ("plan = null", "nothing equals null"),
        ("plan like 'p%'", "behind plan one of"),
        ("plan = 'a' 'b'", "is not expected there"),
        ("plan = 'a' and", "a dimension is missing at its end"),
        ("and plan = 'a'", "'and' stands where a dimension should"),
        ("(plan = 'a'", "a ( is not closed"),
        ("plan = 'a')", "')' is not expected there"),
        ("plan in 'a'", "a list in parentheses is missing"),
        ("plan in ('a'", "the list of plan is not closed"),
        ("plan in ()", "a value of plan is missing"),
        ("plan is 'a'", "null or not null is missing"),
        ("'a' = plan", "stands where a dimension should"),
        ("plan = 'a'; drop table x", "';' has no meaning"),
        ("plan = 'a' -- ", "'-' has no meaning"),
        ("{{ Dimension('x') }} = 'a'", "'{' has no meaning"),
        ("1 = 1 or plan = 'a'", "'1' stands where a dimension should"),
        ("plan = (select 1)", "a value of plan is missing"),
        ("count(*) > 1", "behind count one of"),
        ("plan = 1.2.3", "has no meaning"),
        ("größe = 1", "'ö' has no meaning"),
        ("plan = 'a\x00b'", "is not a text"),
        ("age > 1e999", "is compared with what is no number"),
        ("(" * 51 + "a = 1" + ")" * 51, "more than 50 deep"),
        ("not " * 51 + "a = 1", "more than 50 deep"),
        ("not (" * 6 + "a = 1" + ")" * 6, "at most 5 deep"),
        ("x" * 100_001, "100,001 characters"),
        ("x" * 300 + " = 1", "At most 200 are possible"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, why: str) -> None:
    with pytest.raises(WrongUsage, match=re.escape(why)):
        asked(where=parse_condition(text))


def test_a_message_is_short_whatever_was_written() -> None:
    with pytest.raises(WrongUsage) as caught:
        parse_condition("plan = '" + "x" * 10_000)
    assert len(caught.value.message) < 250


def test_ten_thousand_characters_are_a_value_like_others() -> None:
    long = "'; DROP TABLE x; -- {{ }} {% %} " * 313
    condition = parse_condition(f"name = '{long.replace(chr(39), chr(39) * 2)}'")
    assert condition.model_dump()["values"] == (long,)


@given(st.text(max_size=200))
def test_nothing_else_than_wrong_usage_is_raised(text: str) -> None:
    try:
        parse_condition(text)
    except WrongUsage as error:
        assert error.message


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50))
def test_a_quoted_text_comes_back_as_it_is(text: str) -> None:
    quoted = text.replace("'", "''")
    assert parse_condition(f"name = '{quoted}'").model_dump()["values"] == (text,)


def test_thresholds_compare_a_metric_with_a_number() -> None:
    assert parse_threshold("orders >= 100").model_dump(mode="json") == {
        **{"metric": "orders", "operator": ">=", "value": 100}
    }
    for text in ("orders > 'many'", "orders in (1, 2)", "orders is null", "not orders > 1", "orders > 1 and x > 2"):
        with pytest.raises(WrongUsage):
            parse_threshold(text)
