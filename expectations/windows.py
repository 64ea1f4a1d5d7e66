"""SQL that compares what came last with a trailing window. Each gives one row: what was measured, the band that was
expected of it, and how many rows were looked at; nothing measured (NULL) where there is too little to learn from.

What is newest comes as a literal: ClickHouse then opens the days of the window alone. Tables have a part for each day,
and to open them takes longer than to count what is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from expectations.kinds import Distribution, Freshness, Volume

EVENTS_DAY = "marts.fct_events.local_date"
EVENTS_MOMENT = "marts.fct_events.timestamp"
LEAST_DAYS = 14
LEAST_HOURS = 10
LEAST_SPREAD = 0.1
# Two samples of one distribution differ by more once in a thousand times.
KS_CHANCE = 1.95
NUMBERS = re.compile(r"(LowCardinality\()?(Nullable\()?(U?Int|Float|Decimal)")


@dataclass(frozen=True)
class Newest:
    """The newest value of a column, of days or of moments."""

    day: str
    second: int  # since 1970; 0 where there is none


def newest_sql(place: str, where: str) -> str:
    table, _, column = place.rpartition(".")
    newest = f"ifNull(max({column}), toDate(0))"
    # An event may come from a clock that is ahead: a day that has hardly begun would be judged as the last whole one.
    return f"""SELECT toString(least(toDate({newest}), toDate(now('UTC')))),
    toUnixTimestamp(least(toDateTime({newest}), now())) FROM {table} {where}"""


def against_of(expected: Distribution | Freshness | Volume) -> str:
    """The column whose newest value says what is today."""
    return expected.against or (EVENTS_MOMENT if isinstance(expected, Freshness) else EVENTS_DAY)


def volume_sql(expected: Volume, table: str, where: str, newest: Newest) -> str:
    """Rows of the last whole day. Expected: the median of that weekday, give or take `spreads` times the usual distance
    of a day from the median of its weekday, or what chance alone does to small numbers."""
    day = f"toDate({expected.day})"
    rows = f"{table} {where + ' AND' if where else 'WHERE'} {day}"
    return f"""
WITH toDate('{newest.day}') - 1 AS checked, checked - {expected.window} AS window_begins,
    (SELECT count() FROM (SELECT 1 FROM {rows} < window_begins LIMIT 1)) AS is_older,
    (SELECT min({day}) FROM {rows} >= window_begins) AS first_in_window,
    if(is_older > 0, window_begins, first_in_window) AS first_day
SELECT if(days < {LEAST_DAYS} OR first_day = toDate(0), NULL, toFloat64(today)) AS measured,
    greatest(0, usual - give) AS lower, usual + give AS upper, today AS checked_rows
FROM (
    SELECT countIf(day < checked) AS days, anyIf(n, day = checked) AS today, anyIf(level, day = checked) AS usual,
        greatest(
            usual * greatest(1.4826 * quantileExactIf(0.5)(abs(n / level - 1), day < checked AND level > 0),
                {LEAST_SPREAD}),
            sqrt(greatest(usual, 1))) * {expected.spreads} AS give
    FROM (
        SELECT day, n, quantileExactIf(0.5)(n, day < checked) OVER (PARTITION BY toDayOfWeek(day)) AS level
        FROM (
            SELECT day, ifNull(found.n, 0) AS n
            FROM (SELECT checked - toUInt16(number) AS day FROM numbers({expected.window + 1})) AS calendar
            LEFT JOIN (
                SELECT {day} AS day, count() AS n FROM {rows} >= window_begins GROUP BY day
            ) AS found USING (day)
            WHERE day >= first_day
        )
    )
)"""


def freshness_sql(expected: Freshness, table: str, where: str, newest: Newest) -> str:
    """Hours from the newest row to the newest event. Expected: `times` the longest pause of the window before it; where
    too few rows are in that, of all times, and at least the window."""
    moment = f"toDateTime({expected.moment})"
    return f"""
WITH toDateTime({newest.second}, 'UTC') AS today
SELECT if(length(hours) < {LEAST_HOURS} OR today = toDateTime(0), NULL,
        dateDiff('minute', newest, today) / 60) AS measured,
    toFloat64(-{24 * 400}) AS lower,
    if(length(recent) < {LEAST_HOURS},
        greatest({expected.times} * arrayMax(arrayDifference(hours)), {24 * expected.window}),
        greatest({expected.times} * arrayMax(arrayDifference(recent)), {expected.at_least_hours})) AS upper,
    all_rows AS checked_rows
FROM (
    SELECT count() AS all_rows, max({moment}) AS newest,
        arraySort(groupUniqArray(intDiv(toInt64(toUnixTimestamp({moment})), 3600))) AS hours,
        arrayFilter(hour -> hour >= intDiv(toUnixTimestamp(today), 3600) - {24 * expected.window}, hours)
            AS recent
    FROM {table} {where}
)"""


def distribution_sql(expected: Distribution, table: str, where: str, newest: Newest, of_type: str) -> str:
    day, column = f"toDate({expected.day})", expected.column
    between = f"{day} > today - {expected.days + expected.window} AND {day} <= today AND isNotNull({column})"
    rows = f"{table} {where + ' AND' if where else 'WHERE'} {between}"
    is_new = f"{day} > today - {expected.days}"
    today = f"WITH toDate('{newest.day}') - 1 AS today"
    enough = f"new < {expected.at_least} OR old < {expected.at_least}"
    if expected.statistic == "ks":
        return f"""
{today}
SELECT if({enough}, NULL, distance.1) AS measured, 0. AS lower,
    greatest({expected.at_most}, {KS_CHANCE} * sqrt((new + old) / (new * old))) AS upper, new + old AS checked_rows
FROM (
    SELECT countIf(is_new) AS new, countIf(NOT is_new) AS old,
        kolmogorovSmirnovTestOrNullIf('two-sided', 'asymp')(value, is_new, new_and_old) AS distance
    FROM (
        SELECT assumeNotNull(toFloat64({column})) AS value, {is_new} AS is_new,
            (SELECT countIf({is_new}) > 0 AND countIf(NOT ({is_new})) > 0 FROM {rows}) AS new_and_old
        FROM {rows}
    )
)"""
    edges, value_class = "", f"toString({column})"
    if NUMBERS.match(of_type):
        number = f"toFloat64({column})"
        edges = f""",
    (SELECT arrayDistinct(quantilesExactIf(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)(
        ifNull({number}, 0), NOT ({is_new}))) FROM {rows}) AS edges"""
        value_class = f"toString(arrayCount(edge -> {number} > edge, edges))"
    return f"""
{today}{edges}
SELECT if({enough}, NULL, found) AS measured, 0. AS lower,
    {expected.at_most} + 2 * (classes - 1) * (1 / new + 1 / old) AS upper, new + old AS checked_rows
FROM (
    SELECT sum(n) AS new, sum(m) AS old, count() AS classes,
        sum(((n + 0.5) / (of_new + 0.5) - (m + 0.5) / (of_old + 0.5))
            * log(((n + 0.5) / (of_new + 0.5)) / ((m + 0.5) / (of_old + 0.5)))) AS found
    FROM (
        SELECT n, m, sum(n) OVER () AS of_new, sum(m) OVER () AS of_old
        FROM (
            SELECT countIf({is_new}) AS n, countIf(NOT ({is_new})) AS m FROM {rows} GROUP BY {value_class}
        )
    )
)"""
