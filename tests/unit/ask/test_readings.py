"""Sentences about metrics, from values by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from semantic_layer.ask.reading import read
from semantic_layer.ask.table import Column, Role, Table
from semantic_layer.ask.wording import Span
from semantic_layer.metrics.models import Comparator, Compare, Grain, Grouping, MetricQuery, Ordering, Threshold

REVENUE = Column("revenue", "Float64", "Revenue", Role.METRIC, "currency", "up", True, "revenue")
ORDERS = Column("orders", "UInt64", "Orders", Role.METRIC, "number", "up", True, "orders")
BOUNCE = Column("bounce_rate", "Float64", "Bounce rate", Role.METRIC, "percent", "down", False, "bounce_rate")
NPS = Column("nps", "Float64", "Net promoter score", Role.METRIC, "score", "up", False, "nps")
COUNTRY = Column("user__country", "String", "Country", Role.CATEGORY)
MARCH = Span(date(2026, 3, 1), date(2026, 3, 31))
FEBRUARY = Span(date(2026, 2, 1), date(2026, 2, 28))
LAST_DAY = date(2026, 6, 30)


def before(metric: Column) -> Column:
    return replace(metric, name=f"{metric.name}__previous", role=Role.PREVIOUS)


def time(grain: Grain) -> Column:
    return Column("metric_time", "Date", str(grain), Role.TIME, grain=grain)


def table(columns: tuple[Column, ...], *rows: tuple[Any, ...], last_day: date = LAST_DAY, **more: Any) -> Table:
    return Table(columns, rows, "EUR", last_day, **more)


def reading(answer: Table, span: Span | None = MARCH, than: Span | None = None, **query: Any) -> str:
    metrics = tuple(column.name for column in answer.of(Role.METRIC))
    return read(answer, MetricQuery(project="demo", metrics=metrics, **query), span, than)


def value_and_before(metric: Column, now: float | None, then: float | None) -> str:
    return reading(table((metric, before(metric)), (now, then)), MARCH, FEBRUARY)


def test_a_value_with_its_change_against_the_previous_period() -> None:
    said = value_and_before(REVENUE, 12340, 11405)
    assert said == "Revenue was 12,340 EUR in March 2026, up 8.2 % on February (better)."


@pytest.mark.parametrize(
    ("metric", "now", "then", "said"),
    [
        (REVENUE, 900, 1000, "Revenue was 900 EUR in March 2026, down 10 % on February (worse)."),
        (BOUNCE, 0.41, 0.43, "Bounce rate was 41 % in March 2026, down 2 points on February (better)."),
        (BOUNCE, 0.43, 0.43, "Bounce rate was 43 % in March 2026, unchanged from February."),
        # Of a score that may be 0 or below it nothing is a part.
        (NPS, 26, 42.7, "Net promoter score was 26 in March 2026, down 16.7 points on February (worse)."),
        (NPS, 1, 0, "Net promoter score was 1 in March 2026, up 1 point on February (better)."),
        (NPS, -20, -10, "Net promoter score was -20 in March 2026, down 10 points on February (worse)."),
        (ORDERS, 5, 0, "Orders were 5 in March 2026; there was none in February."),
        (ORDERS, 5, None, "Orders were 5 in March 2026; there was none in February."),
        (ORDERS, 0, 0, "Orders were 0 in March 2026, unchanged from February."),
        (ORDERS, 0, 8, "Orders were 0 in March 2026, down 100 % on February (worse)."),
        (ORDERS, 600, 50, "Orders were 600 in March 2026, up 12-fold on February (better)."),
        (ORDERS, 500, 50, "Orders were 500 in March 2026, up 900 % on February (better)."),
        # A share of a negative value would have the wrong sign.
        (REVENUE, 100, -50, "Revenue was 100 EUR in March 2026, up 150 EUR on February (better)."),
    ],
)
def test_changes_fit_the_format_and_the_good_direction(
    metric: Column, now: float, then: float | None, said: str
) -> None:
    assert value_and_before(metric, now, then) == said


def test_a_metric_without_a_good_direction_is_not_judged() -> None:
    said = value_and_before(replace(ORDERS, good="neutral"), 110, 100)
    assert said == "Orders were 110 in March 2026, up 10 % on February."


def test_no_value_is_said_as_none() -> None:
    assert reading(table((REVENUE,), (None,))) == "There is no revenue in March 2026."
    assert reading(table((REVENUE, COUNTRY))) == "There is no revenue in March 2026."


def test_several_values_are_one_sentence() -> None:
    answer = table((REVENUE, before(REVENUE), BOUNCE, before(BOUNCE)), (12340, 11405, 0.41, 0.40))
    assert reading(answer, MARCH, FEBRUARY) == (
        "Revenue was 12,340 EUR (up 8.2 %, better) and bounce rate was 41 % (up 1 point, worse) in March 2026, "
        "against February."
    )


def test_a_period_that_is_not_over_is_said_so_far() -> None:
    answer = table((REVENUE,), (500,), last_day=date(2026, 3, 12))
    assert reading(answer) == "Revenue was 500 EUR in March 2026 so far (to 12 March)."


def test_a_series_has_first_last_and_peak() -> None:
    months = [(date(2026, month, 1), value) for month, value in enumerate((1200, 1500, 2000, 1500), start=1)]
    assert reading(table((time(Grain.MONTH), REVENUE), *months), None) == (
        "Revenue went from 1,200 EUR in January 2026 to 1,500 EUR in April 2026 (up 25 %, better), "
        "with its peak of 2,000 EUR in March 2026."
    )


def test_the_last_period_of_a_series_is_named_where_it_is_incomplete_and_not_counted() -> None:
    months = [(date(2026, month, 1), value) for month, value in ((1, 1000), (2, 1100), (3, 9000))]
    answer = table((time(Grain.MONTH), REVENUE), *months, last_day=date(2026, 3, 12))
    assert reading(answer, None) == (
        "Revenue went from 1,000 EUR in January 2026 to 1,100 EUR in February 2026 (up 10 %, better), "
        "which is its peak; March 2026 is incomplete."
    )


def test_weeks_that_the_range_cuts_are_named() -> None:
    weeks = [(date(2026, 3, day), 10) for day in (2, 9, 16)]
    answer = table((time(Grain.WEEK), ORDERS), *weeks, asked=(date(2026, 3, 4), date(2026, 3, 20)))
    assert reading(answer, None) == (
        "Orders were 10 in the week of 9 March 2026; the week of 2 March 2026 and the week of 16 March 2026 are "
        "incomplete."
    )


def test_a_period_in_which_the_data_begin_is_incomplete_unless_it_is_a_day_or_two() -> None:
    weeks = [(date(2025, 12, 29), 2), (date(2026, 1, 5), 10), (date(2026, 1, 12), 20)]
    answer = table((time(Grain.WEEK), ORDERS), *weeks, first_day=date(2026, 1, 2))
    assert reading(answer, None).startswith("Orders went from 10 in the week of 5 January 2026 to 20 ")
    assert reading(answer, None).endswith("; the week of 29 December 2025 is incomplete.")
    # Nor are periods before the first event, which have rows of something else than events.
    months = [(date(2025, 12, 1), 5), (date(2026, 1, 1), 10), (date(2026, 2, 1), 20)]
    answer = table((time(Grain.MONTH), ORDERS), *months, first_day=date(2026, 1, 2))
    assert "incomplete" not in reading(answer, None)


def test_rows_of_a_series_may_come_in_any_order_and_be_instants() -> None:
    days = [(datetime(2026, 3, day), value) for day, value in ((3, 30), (1, 10), (2, 20))]
    assert reading(table((time(Grain.DAY), ORDERS), *days), None) == (
        "Orders went from 10 on 1 March 2026 to 30 on 3 March 2026 (up 200 %, better), which is its peak."
    )


def test_several_series_are_told_from_first_to_last() -> None:
    rows = [(date(2026, 1, 1), 100, 0.5), (date(2026, 2, 1), 150, 0.4)]
    assert reading(table((time(Grain.MONTH), ORDERS, BOUNCE), *rows), None) == (
        "From January 2026 to February 2026 orders went from 100 to 150 (up 50 %, better) and bounce rate went from "
        "50 % to 40 % (down 10 points, better)."
    )


def test_a_breakdown_has_its_leader_and_the_share_of_it() -> None:
    answer = table((COUNTRY, REVENUE), ("France", 2500), ("Germany", 5000), (None, 2500))
    assert reading(answer) == (
        "Germany leads in revenue in March 2026 with 5,000 EUR, 50 % of the total, ahead of France with 2,500 EUR."
    )


def test_the_share_of_a_cut_breakdown_is_of_what_is_shown() -> None:
    answer = table((COUNTRY, ORDERS), ("Germany", 60), ("France", 40))
    order = (Ordering(name="orders", descending=True),)
    assert reading(answer, limit=2, order=order) == (
        "Germany leads in orders in March 2026 with 60, 60 % of the 2 shown, ahead of France with 40."
    )


def test_what_does_not_add_up_has_no_share() -> None:
    answer = table((COUNTRY, BOUNCE), ("Germany", 0.4), ("France", 0.6), ("Spain", 0.5))
    assert reading(answer) == (
        "France has the highest bounce rate in March 2026, 60 %; the lowest is that of Germany, 40 %."
    )


def test_the_lowest_are_told_from_below() -> None:
    answer = table((COUNTRY, ORDERS), ("Spain", 3), ("France", 5))
    order = (Ordering(name="orders"),)
    assert reading(answer, limit=2, order=order) == (
        "Spain has the lowest orders in March 2026, 3; next is France with 5."
    )


def test_a_compared_breakdown_names_what_changed_the_most_and_by_how_much() -> None:
    """By the difference: of 1 to 9 a relative one would be more."""
    answer = table((COUNTRY, ORDERS, before(ORDERS)), ("Germany", 51, 49), ("France", 40, 80), ("Malta", 9, 1))
    assert reading(answer, MARCH, FEBRUARY) == (
        "Germany leads in orders in March 2026 with 51, 51 % of the total, ahead of France with 40; France changed the "
        "most since February 2026, by 40 (down 50 %, worse)."
    )
    answer = table((COUNTRY, BOUNCE, before(BOUNCE)), ("Germany", 0.5, 0.45), ("France", 0.4, 0.38))
    assert reading(answer, MARCH, FEBRUARY).endswith(
        "; Germany changed the most since February 2026, up 5 points, worse."
    )
    answer = table((COUNTRY, ORDERS, before(ORDERS)), ("Germany", 60, 60), ("Malta", 4, 0))
    assert reading(answer, MARCH, FEBRUARY).endswith("; Malta changed the most since February 2026, by 4.")


def test_those_with_as_much_as_the_first_lead_together() -> None:
    answer = table((COUNTRY, ORDERS), ("Germany", 60), ("France", 60), ("Spain", 2))
    assert reading(answer) == "Germany and France lead in orders in March 2026 with 60 each."
    answer = table((COUNTRY, ORDERS), *((name, 3) for name in "ABCDEF"))
    assert reading(answer) == "A and 5 others lead in orders in March 2026 with 3 each."


def test_who_changed_most_is_told_by_the_change_and_not_by_how_much_there_is() -> None:
    columns, order = (COUNTRY, ORDERS, before(ORDERS)), (Ordering(name="orders__change"),)
    answer = table(columns, ("France", 40, 80), ("Germany", 600, 610), ("Malta", 4, 0))
    query = {"order": order, "by": (Grouping(name="user__country"),), "compare": Compare.PREVIOUS}
    assert reading(answer, MARCH, FEBRUARY, **query) == (
        "France: orders were 40 in March 2026, down 50 % on February 2026 (80); next is Germany, down 1.6 %."
    )
    nobody_before = table(columns, ("Malta", 4, 0))
    assert "nobody knows a change" in reading(nobody_before, MARCH, FEBRUARY, **query)


def test_parts_over_time_are_summed_where_they_add_up() -> None:
    rows = [(date(2026, m, 1), c, v) for m in (1, 2) for c, v in (("Germany", 30), ("France", 20 * m))]
    assert reading(table((time(Grain.MONTH), COUNTRY, ORDERS), *rows), None) == (
        "Germany and France lead in orders from January 2026 to February 2026 with 60 each."
    )


def test_parts_over_time_that_do_not_add_up_are_those_of_the_last_period_that_is_over() -> None:
    rows = [(date(2026, m, 1), c, v / 10) for m in (1, 2, 3) for c, v in (("Germany", 4), ("France", 1 + m))]
    answer = table((time(Grain.MONTH), COUNTRY, BOUNCE), *rows, last_day=date(2026, 3, 5))
    assert reading(answer, None) == (
        "Germany has the highest bounce rate in February 2026, 40 %; the lowest is that of France, 30 %; "
        "March 2026 is incomplete."
    )


def test_what_no_row_reaches_is_said() -> None:
    above = Threshold(metric="orders", operator=Comparator.GREATER, value=1000)
    nothing = table((COUNTRY, ORDERS), cut=True)
    assert reading(nothing, having=(above,)) == "No country in March 2026 has orders above 1,000."
    assert reading(table((ORDERS,))) == "There are no orders in March 2026."


def test_periods_that_were_chosen_are_no_course() -> None:
    week = time(Grain.WEEK)
    top = table((week, ORDERS), (date(2026, 5, 4), 40), (date(2026, 1, 5), 31), (date(2026, 3, 2), 31), cut=True)
    query = MetricQuery(project="demo", metrics=("orders",), order=(Ordering(name="orders", descending=True),), limit=3)
    said = read(top, query, None, None)
    assert said == "Orders: the highest is 40 in the week of 4 May 2026; next is 31 in the week of 5 January 2026."
    lowest = table((time(Grain.DAY), ORDERS), (date(2026, 6, 24), 0), (date(2026, 6, 27), 0), cut=True)
    query = query.model_copy(update={"order": (Ordering(name="orders"),)})
    assert read(lowest, query, None, None) == "Orders: the lowest are 0 on 24 June 2026 and on 27 June 2026."


def test_a_sorted_series_is_told_in_the_order_of_time() -> None:
    months = [(date(2026, 3, 1), 9, 90), (date(2026, 1, 1), 5, 50), (date(2026, 2, 1), 7, 70)]
    said = reading(table((time(Grain.MONTH), ORDERS, REVENUE), *months))
    assert said.startswith("From January 2026 to March 2026 orders went from 5 to 9")


def test_of_a_part_of_the_rows_there_is_no_share_of_the_total() -> None:
    rows = [(date(2026, 5, 1), "DE", 40), (date(2026, 6, 1), "DE", 31), (date(2026, 6, 1), "AT", 9)]
    columns = (time(Grain.MONTH), COUNTRY, ORDERS)
    assert "of the total" in reading(table(columns, *rows))
    assert "of the total" not in reading(table(columns, *rows, cut=True))


SHARE = Column("orders__share", "Float64", "Share of total", Role.SHARE, "percent", "up", True, "orders")


def test_shares_over_time_are_told_as_shares() -> None:
    months = [(1, 40, 0.4), (2, 45, 0.5), (3, 60, 0.45)]
    rows = [(date(2026, month, 1), "Germany", value, share) for month, value, share in months]
    answer = table((time(Grain.MONTH), COUNTRY, ORDERS, SHARE), *rows)
    assert reading(answer, None) == (
        "Of all orders Germany has 45 % in March 2026; Germany had 40 % in January 2026 (up 5 points since)."
    )
    others = [(day, "France", 1, 1 - share) for day, _, _, share in rows]
    answer = table((time(Grain.MONTH), COUNTRY, ORDERS, SHARE), *rows, *others)
    assert reading(answer, None) == (
        "Of all orders France has 55 % and Germany has 45 % in March 2026; France had 60 % in January 2026 "
        "(down 5 points since)."
    )


def test_of_days_before_the_data_nothing_is_said_to_be_0() -> None:
    long_ago = Span(date(2024, 1, 1), date(2024, 12, 31))
    answer = table((REVENUE, before(REVENUE)), (0, 0), first_day=date(2026, 1, 2))
    assert reading(answer, long_ago) == "There are no data in 2024: they begin on 2 January 2026."
    # What other systems know may be older than the first event.
    older = table((REVENUE,), (700,), first_day=date(2026, 1, 2))
    assert reading(older, long_ago) == "Revenue was 700 EUR in 2024."


def test_days_before_that_are_half_there_measure_nothing() -> None:
    answer = table((REVENUE, before(REVENUE)), (300, 100), first_day=date(2026, 2, 14))
    said = reading(answer, MARCH, FEBRUARY)
    assert said == "Revenue was 300 EUR in March 2026, up 200 % on February, whose data begin on 14 February 2026."
    assert reading(answer, MARCH, Span(date(2026, 2, 14), date(2026, 2, 28))).endswith("(better).")
