"""Which chart shows an answer best, and why, in one sentence each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from semantic_layer.ask.table import Column, Role, Table, distinct
from semantic_layer.ask.wording import inside
from semantic_layer.journeys.models import Funnel, Journey, Lifecycle, Paths, Retention, Stickiness

MOST_LINES = 8  # more cannot be told apart by colour
MOST_STACKED = 6
MOST_BARS = 40
MOST_CELLS = 30  # of a heat map, along one side
OTHERS = "(others)"
FEWEST_POINTS = 2
NEARLY = 1e-6
ONE_SCALE = 20  # so many times as large, and a line beside a larger one is flat


class ChartType(StrEnum):
    BIG_NUMBER = "big number"
    LINE = "line"
    LINES = "multi line"
    PANELS = "small multiples"
    BAR = "bar"
    GROUPED = "grouped bar"
    STACKED = "stacked bar"
    HEAT_MAP = "heat map"
    FUNNEL = "funnel"
    PATHS = "paths"
    TABLE = "table"


@dataclass(frozen=True)
class Chart:
    type: ChartType
    reason: str


def choose_for_journey(journey: Journey, table: Table) -> Chart:
    if not table.rows:
        return Chart(ChartType.TABLE, "There is nothing to draw.")
    match journey:
        case Funnel():
            if journey.by:
                return Chart(ChartType.FUNNEL, "Bars from step to step, side by side for each value.")
            return Chart(ChartType.FUNNEL, "Bars that shrink from step to step show where people are lost.")
        case Retention():
            return Chart(ChartType.HEAT_MAP, "Cohorts by periods: the colour shows at a glance who comes back.")
        case Lifecycle():
            return Chart(ChartType.STACKED, "Parts of the active people by period, those who went below the line.")
        case Stickiness():
            return Chart(ChartType.BAR, "One bar for each number of days.")
        case Paths():
            return Chart(ChartType.PATHS, "Bars for each way from one step to the next, the most frequent first.")
    raise TypeError(type(journey))


def choose(table: Table) -> Chart:
    """For an answer about metrics."""
    compared = _with_what_was_before(_of_shares(table))
    if compared is not None and compared.rows:
        if compared.of(Role.CATEGORY):
            if len(compared.rows) <= MOST_BARS:
                return Chart(ChartType.GROUPED, "Two bars beside each other for each: now, and before.")
        elif len(compared.rows) >= FEWEST_POINTS and not compared.cut:
            return Chart(ChartType.LINES, "A line for now and one for before, on one scale.")
    table = _of_shares(table)
    metrics, times, categories = table.of(Role.METRIC), table.of(Role.TIME), table.of(Role.CATEGORY)
    if not table.rows:
        return Chart(ChartType.TABLE, "There is nothing to draw.")
    if not times and not categories:
        many = "One value" if len(metrics) == 1 else f"{len(metrics)} values"
        return Chart(ChartType.BIG_NUMBER, f"{many}: the figure itself says it.")
    if len(times) > 1:
        return Chart(ChartType.TABLE, "Several times side by side are clearest in a table.")
    if times:
        return _over_time(table, metrics, times[0], categories)
    return _of_categories(table, metrics, categories)


def _over_time(table: Table, metrics: list[Column], time: Column, categories: list[Column]) -> Chart:
    if len(distinct(table.values(time))) < FEWEST_POINTS:
        if not categories:
            return Chart(ChartType.BIG_NUMBER, "One period only: the figure itself says it.")
        return _of_categories(table, metrics, categories)
    if not categories:
        if table.cut:
            return Chart(ChartType.TABLE, "Periods that do not follow one another have no course: a table.")
        if len(metrics) == 1:
            return Chart(ChartType.LINE, f"One metric by {time.grain or 'time'}: a line shows its course.")
        if not _one_unit(metrics):
            return Chart(ChartType.PANELS, "Metrics of different units over time: a panel each, below each other.")
        if not _one_scale(table, metrics) or len(metrics) > MOST_LINES:
            return Chart(ChartType.PANELS, "Metrics of very different size: a panel each, or one would look flat.")
        return Chart(ChartType.LINES, "Metrics of one unit over time: a line each, on one scale.")
    if len(categories) > 1 or len(metrics) > 1:
        return Chart(ChartType.TABLE, "More than one line each per period: a table keeps them apart.")
    parts = len(distinct(table.values(categories[0])))
    what = inside(categories[0].label)
    if metrics[0].adds_up and _not_negative(table, metrics[0]) and not table.cut:
        those = f"; the smallest of {parts} are one" if parts > MOST_STACKED else ""
        return Chart(ChartType.STACKED, f"Parts by {what} add up to the whole of each {time.grain or 'period'}{those}.")
    those = f"One line for each of the {MOST_LINES} highest of {parts}" if parts > MOST_LINES else "One line for each"
    why = "those shown are not the whole" if table.cut else "they do not add up"
    return Chart(ChartType.LINES, f"{those}, by {what}; {why}, so they are not stacked.")


def drawn(table: Table, chart: Chart) -> Table:
    """What of an answer is drawn: of too many series the largest, and where they add up the others as one."""
    table = _of_shares(table)
    if chart.type in (ChartType.GROUPED, ChartType.LINES) and (compared := _with_what_was_before(table)):
        return compared
    times, categories, metrics = table.of(Role.TIME), table.of(Role.CATEGORY), table.of(Role.METRIC)
    most = {ChartType.STACKED: MOST_STACKED, ChartType.LINES: MOST_LINES}.get(chart.type)
    if most is None or not times or len(categories) != 1 or len(metrics) != 1:
        return table
    time, category, metric = (table.columns.index(column) for column in (times[0], categories[0], metrics[0]))
    sizes: dict[Any, list[float]] = {}
    for row in table.rows:
        sizes.setdefault(row[category], []).append(row[metric] or 0)
    if len(sizes) <= most:
        return table
    stacked = chart.type is ChartType.STACKED
    in_order = sorted(sizes, key=lambda name: -(sum(sizes[name]) if stacked else max(sizes[name])))
    kept = in_order[: most - 1] if stacked else in_order[:most]
    rows = [row for row in table.rows if row[category] in kept]
    if stacked:
        rest: dict[Any, float] = {}
        for row in table.rows:
            if row[category] not in kept:
                rest[row[time]] = rest.get(row[time], 0) + (row[metric] or 0)
        width = range(len(table.columns))
        rows += [tuple({time: at, category: OTHERS, metric: value}.get(n) for n in width) for at, value in rest.items()]
    return replace(table, rows=tuple(rows))


def _with_what_was_before(table: Table) -> Table | None:
    """One metric by time or by one dimension, which is compared: its value before is drawn as another metric."""
    metrics, times, categories = table.of(Role.METRIC), table.of(Role.TIME), table.of(Role.CATEGORY)
    if len(metrics) != 1 or len(times) + len(categories) != 1:
        return None
    previous = table.companion(metrics[0], Role.PREVIOUS)
    if previous is None:
        return None
    columns = (replace(one, role=Role.METRIC) if one is previous else one for one in table.columns)
    return replace(table, columns=tuple(columns))


def _of_shares(table: Table) -> Table:
    """Who asks for shares sees these, not what they are of. They are a whole only where no part is left out."""
    shares = table.of(Role.SHARE)
    if not shares:
        return table
    labels = {metric.name: metric.label for metric in table.of(Role.METRIC)}
    kept = [column for column in table.columns if column in shares or column.role in (Role.TIME, Role.CATEGORY)]
    times = table.of(Role.TIME)
    totals: dict[Any, float] = {}
    for row in table.rows:
        at = tuple(row[table.columns.index(time)] for time in times)
        totals[at] = totals.get(at, 0) + (row[table.columns.index(shares[0])] or 0)
    whole = all(abs(total - 1) < NEARLY for total in totals.values())
    return replace(
        table,
        columns=tuple(
            replace(column, role=Role.METRIC, label=f"Share of {inside(labels[column.metric])}", adds_up=whole)
            if column in shares
            else column
            for column in kept
        ),
        rows=tuple(tuple(row[table.columns.index(column)] for column in kept) for row in table.rows),
        cut=table.cut or not whole,
    )


def _of_categories(table: Table, metrics: list[Column], categories: list[Column]) -> Chart:
    if len(categories) == 1:
        what = inside(categories[0].label)
        if len(table.rows) > MOST_BARS:
            return Chart(ChartType.TABLE, f"{len(table.rows):,} bars are too many to read. Ask for the top 10.")
        if len(metrics) == 1:
            return Chart(ChartType.BAR, f"One bar for each {what}: lengths are easy to compare.")
        if _one_unit(metrics) and len(metrics) <= MOST_STACKED:
            return Chart(ChartType.GROUPED, f"Metrics of one unit: bars beside each other for each {what}.")
        return Chart(ChartType.TABLE, "Metrics of different units have no common scale: a table.")
    if len(categories) == 2 and len(metrics) == 1:
        sides = [len(distinct(table.values(category))) for category in categories]
        if max(sides) <= MOST_CELLS:
            return Chart(ChartType.HEAT_MAP, "Two dimensions: one each way, and the value as colour.")
    return Chart(ChartType.TABLE, "So many dimensions are clearest in a table.")


def _one_unit(metrics: list[Column]) -> bool:
    return len({metric.format for metric in metrics}) == 1


def _one_scale(table: Table, metrics: list[Column]) -> bool:
    sizes = [max((abs(value) for value in table.values(metric) if value is not None), default=0) for metric in metrics]
    return max(sizes) <= ONE_SCALE * (min(size for size in sizes if size) if any(sizes) else 1)


def _not_negative(table: Table, metric: Column) -> bool:
    return all(value is None or value >= 0 for value in table.values(metric))
