"""Conditions become templates in which nothing but declared names is more than a value."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Template

from semantic_layer.metrics.conditions import parse_condition
from semantic_layer.metrics.requests import literal, render, request_for
from tests.unit.metrics.shop import CATALOGUE, asked
from warehouse.errors import WrongUsage

HOSTILE = [
    "'",
    '"',
    "\\",
    "\\'",
    "'; DROP TABLE marts.fct_orders; --",
    "{{ 7 * 7 }}",
    "{% for x in range(9) %}x{% endfor %}",
    "{# gone #}",
    "{",
    "}}",
    "`marts`.`x`",
    "a\nb\tc\r",
    "\x01\x7f\u200b\u2028",
    "%s %(a)s $1 :x ?",
    "SELECT * FROM system.users",
    "Zürich 東京 🙂",
    "x" * 10_000,
]
UNESCAPED = re.compile(r"'(?:[^'\\{}`\"%#;\x00-\x1f]|\\x[0-9A-F]{2})*'")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_literal_is_one_text_for_sql_and_for_templates(text: str) -> None:
    told = literal(text)
    assert UNESCAPED.fullmatch(told)
    assert Template(told).render() == told
    assert unescaped(told) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_is_one(text: str) -> None:
    told = literal(text)
    assert UNESCAPED.fullmatch(told)
    assert unescaped(told) == text


def unescaped(told: str) -> str:
    parts = re.split(r"\\x([0-9A-F]{2})", told[1:-1])
    return b"".join(bytes.fromhex(p) if n % 2 else p.encode() for n, p in enumerate(parts)).decode()


PLAN = "{{ Dimension('user__plan') }}"


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("user__plan = 'pro'", f"ifNull({PLAN} IN ('pro'), false)"),
        ("user__plan in ('pro', 'free')", f"ifNull({PLAN} IN ('pro', 'free'), false)"),
        ("user__plan != 'pro'", f"ifNull({PLAN} NOT IN ('pro'), true)"),
        ("user__plan = 5", f"ifNull({PLAN} IN ('5'), false)"),
        ("not user__plan = 'pro'", f"NOT (ifNull({PLAN} IN ('pro'), false))"),
        ("user__plan is null", f"ifNull(toString({PLAN}) = '', true)"),
        ("user__age is null", "isNull({{ Dimension('user__age') }})"),
        ("user__age > 17", "ifNull({{ Dimension('user__age') }} > 17, false)"),
        ("user__age = '18'", "ifNull({{ Dimension('user__age') }} IN (18), false)"),
        ("user__age < 17.5", "ifNull(toFloat64({{ Dimension('user__age') }}) < 17.5, false)"),
        ("user__is_admin = true", "ifNull({{ Dimension('user__is_admin') }} IN (true), false)"),
        ("session__channel = 'x'", "ifNull(toString({{ Dimension('session__channel') }}) IN ('x'), false)"),
        (
            "user__signed_up_on >= '2026-03-01'",
            "ifNull({{ TimeDimension('user__signed_up_on', 'day') }} >= toDate32('2026-03-01'), false)",
        ),
        (
            "session__user__plan = 'pro'",
            "ifNull({{ Dimension('user__plan', entity_path=['session']) }} IN ('pro'), false)",
        ),
        (
            "user__plan = 'pro' or user__age = 1",
            f"(ifNull({PLAN} IN ('pro'), false)) OR (ifNull({{{{ Dimension('user__age') }}}} IN (1), false))",
        ),
    ],
)
def test_conditions_are_templates(text: str, template: str) -> None:
    assert render(parse_condition(text), CATALOGUE) == template


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("user__age > 'many'", "user__age is a number"),
        ("user__is_admin = 'maybe'", "is true or false"),
        ("user__plan > 'a'", "is a text: it is compared by"),
        ("user__signed_up_on > 'March'", "is a time: it is compared with a day"),
        ("user__signed_up_on > 7", "is a time: it is compared with a day"),
    ],
)
def test_values_that_do_not_fit_their_dimension(text: str, why: str) -> None:
    with pytest.raises(WrongUsage, match=why):
        render(parse_condition(text), CATALOGUE)


def test_parts_that_must_all_hold_are_conditions_of_their_own() -> None:
    where = parse_condition("user__age = 1 and (user__age = 2 and user__age = 3) and (user__age = 4 or user__age = 5)")
    assert len(request_for(asked(where=where), CATALOGUE, None, None).where) == 4


def test_days_that_are_no_whole_periods_are_said_exactly() -> None:
    query = asked(by=[{"name": "metric_time", "grain": "month"}])
    day = "{{ TimeDimension('metric_time', 'day') }}"
    request = request_for(query, CATALOGUE, date(2026, 1, 15), date(2026, 3, 31))
    assert request.where == (f"{day} >= toDate32('2026-01-15')",)
    assert (request.first_day, request.last_day) == ("2026-01-15", "2026-03-31")
    request = request_for(query, CATALOGUE, date(2026, 1, 1), date(2026, 3, 30))
    assert request.where == (f"{day} <= toDate32('2026-03-30')",)
    assert request_for(asked(), CATALOGUE, date(2026, 1, 15), date(2026, 3, 30)).where == ()


def test_columns_are_called_as_metricflow_calls_them() -> None:
    by = [{"name": "metric_time", "grain": "week"}, {"name": "user__plan"}]
    assert request_for(asked(by=by), CATALOGUE, None, None).group_by == ("metric_time__week", "user__plan")
