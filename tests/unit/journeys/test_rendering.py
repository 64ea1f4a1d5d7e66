"""The text of the SQL: what a person writes stays a literal, whatever it is."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.journeys import rendering
from semantic_layer.journeys.grammar import parse_step
from semantic_layer.journeys.models import Filter, Funnel, Operator, Retention, Step
from tests.support import REPOSITORY
from warehouse.errors import WrongUsage


def read_literals(sql: str) -> list[str]:
    """A reader of ClickHouse's string literals of its own: the texts that a server would see."""
    found, at = [], 0
    while (at := sql.find("'", at)) >= 0:
        text, at = "", at + 1
        while sql[at] != "'":
            if sql[at] == "\\":
                at += 1
            text += sql[at]
            at += 1
        found.append(text)
        at += 1
    return found


hostile = st.text(st.one_of(st.sampled_from("'\\`\"{}%-;/*\n "), st.characters(exclude_categories=["Cs"])), min_size=1)


@given(hostile.filter(lambda text: "\x00" not in text))
def test_a_text_is_one_literal(text: str) -> None:
    assert read_literals(rendering.literal(text)) == [text]
    sql = rendering.condition_sql(Step(event="a", filters=(Filter(path="x", operator=Operator.EQUAL, value=text),)))
    assert read_literals(sql) == ["a", "[]", "", text]


@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% for x in y %}", "{# gone #}", "a' OR 1=1 --", "\\' OR 1=1 --"])
def test_a_text_is_not_rendered(text: str) -> None:
    assert read_literals(rendering.condition_sql(Step(event=text))) == ([text] if text != "*" else [])


def test_a_dimension_is_declared_or_a_property() -> None:
    assert rendering.dimension_sql("country") == "ifNull(toString(country), '')"
    assert rendering.dimension_sql("properties.country") == "ifNull(nullIf(toString(properties.`country`), '[]'), '')"
    for unknown in ("contry", "person_id", "1) or (1=1", "country; drop table x"):
        with pytest.raises(WrongUsage, match="no dimension"):
            rendering.dimension_sql(unknown)
    with pytest.raises(WrongUsage, match="did you mean 'country'"):
        rendering.dimension_sql("contry")


def test_the_guide_names_the_dimensions_that_there_are() -> None:
    guide = (REPOSITORY / "docs/journeys.md").read_text()
    _, _, rest = guide.partition("What a filter may name:")
    named, _, _ = rest.partition("any other name is")
    assert set(re.findall(r"`([\w.]+)`", named)) - {"unknown"} == set(rendering.dimensions())


def test_no_dimension_is_personal() -> None:
    assert not {column for column in rendering.dimensions().values() if "ip" in column.split("_") or "mail" in column}
    assert {"country", "page.path", "campaign.source", "device.type"} <= set(rendering.dimensions())


def test_a_funnel_reads_its_events_and_days_only() -> None:
    steps = tuple(parse_step(text) for text in ("signed_up", "order_completed[price>5]"))
    sql = rendering.funnel_sql(
        Funnel(project="shop", steps=steps, first_day="2026-02-01", last_day="2026-02-07", within_seconds=86400)
    )
    assert "event in ('order_completed', 'signed_up')" in sql
    # The window, and a day for those who begin late on the last one.
    assert "local_date >= toDate('2026-02-01') and local_date <= toDate('2026-02-09')" in sql
    strict = rendering.funnel_sql(Funnel(project="shop", steps=steps, order="strict"))
    assert "event in" not in strict, "any other event in between breaks a strict funnel"
    retention = rendering.retention_sql(
        Retention(project="shop", start=steps[0], returning=parse_step("*")), date(2026, 1, 1), date(2026, 1, 31)
    )
    assert "event in" not in retention


def test_users_are_joined_where_they_are_asked_for_and_to_what_is_read_only() -> None:
    steps = tuple(parse_step(text) for text in ("signed_up[user.plan=pro]", "order_completed"))
    sql = rendering.funnel_sql(Funnel(project="shop", steps=steps, first_day="2026-02-01"))
    read, _, joined = sql.partition("asof left join marts.dim_users")
    assert joined
    assert "event in ('order_completed', 'signed_up') and local_date >= toDate('2026-02-01')" in read
    assert "ifNull(toString(user_plan), '') = 'pro'" in sql
    retention = Retention(project="shop", start=steps[1], returning=steps[1], by="user.country")
    assert "asof" in rendering.retention_sql(retention, date(2026, 1, 1), date(2026, 1, 31))
    without = retention.model_copy(update={"by": "country"})
    assert "dim_users" not in rendering.retention_sql(without, date(2026, 1, 1), date(2026, 1, 31))


def test_questions_do_not_load_dbt_or_a_driver() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, cli.main, semantic_layer.journeys.answers, semantic_layer.reader as r\n"
            "from semantic_layer.journeys import rendering\n"
            "rendering.dimensions()\n"
            "print(*{name.partition('.')[0] for name in sys.modules})",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"jinja2", "typer"} <= set(loaded)
    assert not {"dbt", "clickhouse_connect", "clickhouse_driver", "pandas", "numpy", "dlt", "pyarrow"} & set(loaded)
