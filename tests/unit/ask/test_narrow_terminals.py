"""What an answer looks like where there are 80 columns: names stay whole, and a table is turned before it is long."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cli.ask_answers import show_answer
from cli.journey_tables import show
from semantic_layer.ask.answering import Answer
from semantic_layer.ask.charts import choose
from semantic_layer.ask.table import Column, Role, Table
from semantic_layer.ask.understood import Understood
from semantic_layer.journeys.models import Funnel, Step
from semantic_layer.metrics.models import Grain, MetricQuery

ORDERS = Column("orders", "UInt64", "Orders", Role.METRIC, "number", "up", True, "orders")
COUNTRY = Column("user__country", "String", "Country", Role.CATEGORY)
REVENUE = Column("revenue", "Float64", "Revenue", Role.METRIC, "currency", "up", True, "revenue")


def time(grain: Grain) -> Column:
    return Column("metric_time", "Date", str(grain).capitalize(), Role.TIME, grain=grain)


def table(columns: tuple[Column, ...], *rows: tuple[Any, ...]) -> Table:
    return Table(columns, rows, "EUR", date(2026, 6, 30))


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def shown(answer: Table, capsys: pytest.CaptureFixture[str], reading: str = "It is so.") -> list[str]:
    understood = Understood(MetricQuery(project="demo", metrics=("orders",)), 1.0, "matcher")
    show_answer(Answer("?", understood, answer, reading, choose(answer), "Title", "all", ()))
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_periods_go_across_down_or_without_their_currency(capsys: pytest.CaptureFixture[str]) -> None:
    months, countries = [date(2026, m, 1) for m in range(1, 7)], [f"Land {n}" for n in range(9)]
    six = table((time(Grain.MONTH), COUNTRY, ORDERS), *((at, name, 1234) for at in months for name in countries))
    assert len([line for line in shown(six, capsys) if line.startswith(" Land ")]) == 9
    weeks = [date.fromordinal(date(2026, 1, 5).toordinal() + 7 * n) for n in range(20)]
    many = table((time(Grain.WEEK), COUNTRY, ORDERS), *((at, name, 1234) for at in weeks for name in countries[:3]))
    assert len([line for line in shown(many, capsys) if line.startswith(" 2026-")]) == 20
    money = table((time(Grain.MONTH), COUNTRY, REVENUE), *((at, name, 123456) for at in months for name in countries))
    lines = shown(money, capsys)
    assert any(line.split()[:2] == ["Country", "(EUR)"] for line in lines)
    assert [line.split() for line in lines if "Land 8" in line] == [["Land", "8", *["123,456"] * 6]]


def test_sentences_are_broken_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    reading = " ".join(["word-of-a-sentence"] * 9)
    lines = shown(table((ORDERS,), (5,)), capsys, reading)
    assert [line for line in lines if line.startswith("word")] == [" ".join(["word-of-a-sentence"] * 4)] * 2 + [
        "word-of-a-sentence"
    ]


def test_steps_of_a_funnel_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("signed_up", "onboarding_completed", "page_viewed[page.path=/pricing]")
    funnel = Funnel(project="demo", steps=tuple(Step(event=name.partition("[")[0]) for name in names))
    for count in (2, 3):
        steps = [
            {
                "step": number,
                "name": name,
                "users": 400 // number,
                "from_start": 1 / number,
                "from_previous": 0.5,
                "drop_off": 200,
                "mean_seconds": 63000.0,
                "median_seconds": 150.0,
            }
            for number, name in enumerate(names[:count], start=1)
        ]
        show(funnel, {"steps": steps, "breakdown": [], "histogram": [], "trend": []})
        said = capsys.readouterr().out
        assert all(f"{number} {name}" in said for number, name in enumerate(names[:count], start=1))
        assert all(len(line) <= 80 for line in said.splitlines())
        assert ("mean" in said, "█" in said) == (count == 2, False)
