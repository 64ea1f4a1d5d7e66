"""An answer about metrics in one sentence: the value and its change, the course, the leader and its share."""

from __future__ import annotations

from datetime import date
from typing import Any

from semantic_layer.ask.changes import Change, Direction, change, say
from semantic_layer.ask.periods import Period, periods
from semantic_layer.ask.table import Column, Role, Table, distinct
from semantic_layer.ask.wording import (
    Span,
    inside,
    listed,
    percent,
    period_name,
    was,
    within,
)
from semantic_layer.metrics.models import CHANGE, Comparator, MetricQuery

THRESHOLDS = {
    Comparator.GREATER: "above",
    Comparator.AT_LEAST: "of at least",
    Comparator.LESS: "below",
    Comparator.AT_MOST: "of at most",
    Comparator.EQUAL: "of exactly",
    Comparator.UNEQUAL: "other than",
}
NOBODY = "(none)"  # what a row without a value of its dimension is called


def read(table: Table, query: MetricQuery, span: Span | None, before: Span | None) -> str:
    """`span`: the days of the answer; `before`: those that it is compared with, where it is."""
    metrics = table.of(Role.METRIC)
    if not _known(table, metrics):
        return _nothing(table, query, metrics, span)
    times, categories = table.of(Role.TIME), table.of(Role.CATEGORY)
    if all(metric.at_the_end for metric in metrics):
        span, before = _last_day(span, table.last_day), _last_day(before, table.last_day)
    if span and table.first_day and span.last < table.first_day and not any(_known(table, metrics)):
        return f"There are no data {within(span)}: they begin on {period_name(Span(table.first_day, table.first_day))}."
    if not times and not categories:
        return _values(table, metrics, span, before)
    if times and not categories:
        return (
            _course(table, metrics, times[0]) if not table.cut else _chosen_periods(table, query, metrics[0], times[0])
        )
    if times:
        return _parts_over_time(table, metrics[0], times[0], categories)
    return _parts(table, query, metrics[0], categories, span, before)


def _known(table: Table, metrics: list[Column]) -> list[float]:
    return [value for metric in metrics for value in table.values(metric) if value is not None]


def _last_day(span: Span | None, last_with_data: date | None) -> Span | None:
    if span is None:
        return None
    day = min(span.last, last_with_data or span.last)
    return Span(day, day) if day >= span.first else span


def _nothing(table: Table, query: MetricQuery, metrics: list[Column], span: Span | None) -> str:
    """No rows, or none with a value: because of a threshold, or because there is nothing."""
    where = f" {within(span)}" if span else ""
    if not query.having:
        verb = "are" if was(metrics[-1].label).endswith("were") else "is"
        return f"There {verb} no {listed([inside(metric.label) for metric in metrics])}{where}."
    by = [column for column in table.columns if column.role in (Role.TIME, Role.CATEGORY)]
    named = {metric.name: metric for metric in metrics}
    limits = [
        f"{inside(named[one.metric].label)} {THRESHOLDS[one.operator]} {say(table, named[one.metric], one.value)}"
        for one in query.having
    ]
    return f"No {' and '.join(inside(column.label) for column in by) or 'row'}{where} has {listed(limits)}."


def _chosen_periods(table: Table, query: MetricQuery, metric: Column, time: Column) -> str:
    """Of periods that are not all of a series: which they are, not how one led to the other."""
    named = [(p, v) for p, v in zip(periods(table, time), table.values(metric), strict=True) if v is not None]
    ordering = next((one for one in query.order if one.name == metric.name), None)
    if ordering is None:
        named.sort(key=lambda part: part[0].moment)
        told = [f"{say(table, metric, value)} {period.within}" for period, value in named[:3]]
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        return f"{metric.label}: {', '.join(told)}{more}."
    named.sort(key=lambda part: part[1], reverse=ordering.descending)
    most = "highest" if ordering.descending else "lowest"
    alike = [period.within for period, value in named if value == named[0][1]]
    said = f"{metric.label}: the {most} {'is' if len(alike) == 1 else 'are'} {say(table, metric, named[0][1])}"
    said += f" {listed(alike)}"
    rest = named[len(alike) :]
    return f"{said}{f'; next is {say(table, metric, rest[0][1])} {rest[0][0].within}' if rest else ''}."


def _values(table: Table, metrics: list[Column], span: Span | None, before: Span | None) -> str:
    parts: list[tuple[str, Change | None]] = []
    for metric in metrics:
        value = table.values(metric)[0]
        label = metric.label if not parts else inside(metric.label)
        shown = "not known" if value is None else say(table, metric, value)
        previous = table.companion(metric, Role.PREVIOUS)
        since = None
        if previous and value is not None:
            since = change(table, metric, table.values(previous)[0], value)
        parts.append((f"{was(label)} {shown}", since))
    when = ""
    if span:
        so_far = _last_of(table, span)
        when = f" {within(span)}{so_far}"
    if len(parts) == 1:
        said, since = parts[0]
        against = _against(since, before, span, table.first_day)
        return f"{said}{when}{against}."
    against = f", against {period_name(before, span.last if span else None)}" if before else ""
    return (
        f"{listed([said + (f' ({since})' if since and since.moved else '') for said, since in parts])}{when}{against}."
    )


def _against(since: Change | None, before: Span | None, span: Span | None, first_with_data: date | None) -> str:
    if since is None or before is None:
        return ""
    name = period_name(before, span.first if span else None)
    match since.direction:
        case Direction.NEW:
            return f"; there was none {within(before, span.first if span else None)}"
        case Direction.SAME:
            return f", unchanged from {name}"
    said = f", {since.direction} {since.much} on {name}"
    if first_with_data and before.first < first_with_data:  # what is half there is no measure of better and worse
        return f"{said}, whose data begin on {period_name(Span(first_with_data, first_with_data))}"
    return said + (f" ({since.judged})" if since.judged else "")


def _course(table: Table, metrics: list[Column], time: Column) -> str:
    """First, last and peak of a series; several metrics without the peak."""
    if len(metrics) > 1:
        told = [_from_to(table, metric, time, short=True) for metric in metrics]
        told_of = sorted(periods(table, time), key=lambda period: period.moment)
        whole = [period for period in told_of if period.whole] or told_of
        sentence = f"From {whole[0].name} to {whole[-1].name} {listed([part for part in told if part])}"
    else:
        sentence = _from_to(table, metrics[0], time)
    return f"{sentence}{_not_whole(table, time)}."


def _from_to(table: Table, metric: Column, time: Column, short: bool = False) -> str:
    series = [
        (period, value)
        for period, value in zip(periods(table, time), table.values(metric), strict=True)
        if value is not None
    ]
    series.sort(key=lambda point: point[0].moment)
    whole = [point for point in series if point[0].whole] or series
    if not whole:
        return ""
    (first, begin), (last, end) = whole[0], whole[-1]
    if first is last:
        return f"{was(inside(metric.label) if short else metric.label)} {say(table, metric, begin)} {first.within}"
    since = change(table, metric, begin, end)
    bracketed = f" ({since})" if since.moved else ""
    if short:
        return f"{inside(metric.label)} went from {say(table, metric, begin)} to {say(table, metric, end)}{bracketed}"
    said = (
        f"{metric.label} went from {say(table, metric, begin)} {first.within} to {say(table, metric, end)} "
        f"{last.within}{bracketed}"
    )
    peak, most = max(whole, key=lambda point: point[1])
    if peak in (first, last):
        return f"{said}, which is its peak" if peak is last else f"{said}; it began at its peak"
    return f"{said}, with its peak of {say(table, metric, most)} {peak.within}"


def _parts(
    table: Table, query: MetricQuery, metric: Column, categories: list[Column], span: Span | None, before: Span | None
) -> str:
    """The leader and its share; of what does not add up, the highest and the lowest."""
    named = [
        (_name(row, table, categories), value)
        for row, value in zip(table.rows, table.values(metric), strict=True)
        if value is not None
    ]
    when = f" {within(span)}{_last_of(table, span)}" if span else ""
    if shares := table.companion(metric, Role.SHARE):
        return _shares(table, metric, shares, categories, when)
    if query.order and query.order[0].name == f"{metric.name}{CHANGE}":
        return _most_changed(table, metric, categories, when, before)
    rising = any(ordering.name == metric.name and not ordering.descending for ordering in query.order)
    cut = query.limit is not None and len(table.rows) >= query.limit
    named.sort(key=lambda part: part[1], reverse=not rising)
    (leader, most), rest = named[0], named[1:]
    if rising:
        said = f"{leader} has the lowest {inside(metric.label)}{when}, {say(table, metric, most)}"
        said += f"; next is {rest[0][0]} with {say(table, metric, rest[0][1])}" if rest else ""
        return f"{said}."
    if not metric.adds_up:
        said = f"{leader} has the highest {inside(metric.label)}{when}, {say(table, metric, most)}"
        said += f"; the lowest is that of {rest[-1][0]}, {say(table, metric, rest[-1][1])}" if rest and not cut else ""
        said += f"; next is {rest[0][0]} with {say(table, metric, rest[0][1])}" if rest and cut else ""
        return f"{said}{_largest_change(table, metric, categories, before)}."
    total = sum(value for _, value in named)
    share = ""
    if total > 0 and rest:
        of = f"the {len(named)} shown" if cut or query.having else "the total"
        share = f", {percent(most / total)} of {of}"
    if level := _level([name for name, value in named if value == most]):
        said = f"{level} lead in {inside(metric.label)}{when} with {say(table, metric, most)} each"
    else:
        ahead = f", ahead of {rest[0][0]} with {say(table, metric, rest[0][1])}" if rest else ""
        said = f"{leader} leads in {inside(metric.label)}{when} with {say(table, metric, most)}{share}{ahead}"
    return f"{said}{_largest_change(table, metric, categories, before)}."


def _level(leaders: list[str]) -> str:
    """Where several have as much as the first: nobody leads alone."""
    if len(leaders) < 2:
        return ""
    return listed(leaders) if len(leaders) < 5 else f"{leaders[0]} and {len(leaders) - 1} others"


def _most_changed(table: Table, metric: Column, categories: list[Column], when: str, before: Span | None) -> str:
    """Rows come in the order of their change; where there was nothing before, there is no relative one."""
    previous = table.companion(metric, Role.PREVIOUS)
    assert previous
    told = [
        (_name(row, table, categories), change(table, metric, then, value), then, value)
        for row, then, value in zip(table.rows, table.values(previous), table.values(metric), strict=True)
        if then and value is not None
    ]
    if not told or before is None:
        return f"Of {inside(metric.label)}{when} nobody knows a change: there was nothing before."
    name, since, then, value = told[0]
    moved = f"{since.direction} {since.much}" if since.moved else "unchanged"
    said = f"{name}: {inside(was(metric.label))} {say(table, metric, value)}{when}, {moved} on {period_name(before)}"
    said += f" ({say(table, metric, then)})"
    if len(told) > 1 and told[1][1].moved:
        said += f"; next is {told[1][0]}, {told[1][1].direction} {told[1][1].much}"
    return f"{said}."


def _shares(table: Table, metric: Column, shares: Column, categories: list[Column], when: str) -> str:
    """Of the total, whichever rows of it are shown."""
    known = [
        (share, _name(row, table, categories), value)
        for row, share, value in zip(table.rows, table.values(shares), table.values(metric), strict=True)
        if share is not None
    ]
    if not known:
        return f"Of {inside(metric.label)} nobody knows a share{when}: it has no total, or parts below zero."
    known.sort(key=lambda part: -part[0])
    told = [f"{name} has {percent(share)} ({say(table, metric, value)})" for share, name, value in known[:2]]
    return f"Of all {inside(metric.label)}{when} {listed(told)}."


def _largest_change(table: Table, metric: Column, categories: list[Column], before: Span | None) -> str:
    previous = table.companion(metric, Role.PREVIOUS)
    if previous is None or before is None:
        return ""
    moved = [
        (abs(after - then), _name(row, table, categories), change(table, metric, then, after))
        for row, after, then in zip(table.rows, table.values(metric), table.values(previous), strict=True)
        if after is not None and then is not None and after != then
    ]
    if not moved:
        return ""
    size, name, since = max(moved, key=lambda part: part[0])
    # Relatively another may have changed more; of what is told in points the difference is the change itself.
    told = f"by {say(table, metric, size)}"
    if since.moved:
        told = str(since) if metric.format in ("percent", "score") else f"{told} ({since})"
    return f"; {name} changed the most since {period_name(before)}, {told}"


def _parts_over_time(table: Table, metric: Column, time: Column, categories: list[Column]) -> str:
    values = table.values(metric)
    names = [_name(row, table, categories) for row in table.rows]
    known = [(p, n, v) for p, n, v in zip(periods(table, time), names, values, strict=True) if v is not None]
    whole = [point for point in known if point[0].whole] or known
    in_order = sorted({point[0] for point in whole}, key=lambda period: period.moment)
    first, last = in_order[0], in_order[-1]
    over = f"from {first.name} to {last.name}" if first is not last else f"{first.within}"
    if shares := table.companion(metric, Role.SHARE):
        return f"{_shares_over_time(table, metric, shares, time, categories, first, last)}{_not_whole(table, time)}."
    if metric.adds_up:
        sums = {name: sum(v for _, n, v in whole if n == name) for name in distinct([n for _, n, _ in whole])}
        leader = max(sums, key=lambda name: sums[name])
        total = sum(sums.values())
        share = (
            f", {percent(sums[leader] / total)} of the total" if total > 0 and len(sums) > 1 and not table.cut else ""
        )
        said = f"{leader} leads in {inside(metric.label)} {over} with {say(table, metric, sums[leader])}{share}"
        if level := _level([name for name in sums if sums[name] == sums[leader]]):
            said = f"{level} lead in {inside(metric.label)} {over} with {say(table, metric, sums[leader])} each"
    else:
        latest = sorted(((v, n) for p, n, v in whole if p == last), key=lambda part: -part[0])
        (most, leader), (least, trailer) = latest[0], latest[-1]
        said = f"{leader} has the highest {inside(metric.label)} {last.within}, {say(table, metric, most)}"
        said += f"; the lowest is that of {trailer}, {say(table, metric, least)}" if len(latest) > 1 else ""
    return f"{said}{_not_whole(table, time)}."


def _shares_over_time(
    table: Table, metric: Column, shares: Column, time: Column, categories: list[Column], first: Period, last: Period
) -> str:
    """The largest parts of the last period, and what the first of them was of the first."""
    found: dict[Period, dict[str, float]] = {}
    for row, period, share in zip(table.rows, periods(table, time), table.values(shares), strict=True):
        if share is not None:
            found.setdefault(period, {})[_name(row, table, categories)] = share
    if not found.get(last):
        return f"Of {inside(metric.label)} nobody knows a share {last.within}: it has no total, or parts below zero"
    leaders = sorted(found[last].items(), key=lambda part: -part[1])[:2]
    said = f"Of all {inside(metric.label)} {listed([f'{name} has {percent(share)}' for name, share in leaders])}"
    name, share = leaders[0]
    said += f" {last.within}"
    before = found.get(first, {}).get(name) if first is not last else None
    if before is None:
        return said
    since = change(table, shares, before, share)
    had = f"{name} had {percent(before)} {first.within}"
    return f"{said}; {had}{f' ({since.direction} {since.much} since)' if since.moved else ''}"


def _not_whole(table: Table, time: Column) -> str:
    """Names the periods at the edges that the data or the question has only a part of."""
    parts = distinct([period for period in periods(table, time) if not period.whole])
    parts.sort(key=lambda period: period.moment)
    if not parts:
        return ""
    names = listed([part.name for part in parts])
    return f"; {names} {'is' if len(parts) == 1 else 'are'} incomplete"


def _last_of(table: Table, span: Span) -> str:
    """Of days of which the last have no data yet."""
    if table.last_day is None or span.last <= table.last_day or span.first > table.last_day:
        return ""
    return f" so far (to {period_name(Span(table.last_day, table.last_day), span.last)})"


def _name(row: tuple[Any, ...], table: Table, categories: list[Column]) -> str:
    values = (row[table.columns.index(category)] for category in categories)
    return " / ".join(NOBODY if value in (None, "") else str(value) for value in values)
