"""The statement that answers: what MetricFlow compiled, with order, limit and comparison around it, for one project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from semantic_layer.metrics.comparing import Shift
from semantic_layer.metrics.models import CHANGE, METRIC_TIME, PREVIOUS, SHARE, Grain, MetricQuery
from semantic_layer.metrics.requests import column_of

SETTINGS = "\nSETTINGS "


@dataclass(frozen=True)
class Key:
    """A grouping in the statement: its column, and how it is shown."""

    name: str
    column: str
    shown: str


def statement(query: MetricQuery, compiled: str) -> str:
    """The answer's rows from what was compiled."""
    select, settings = split(compiled)
    keys = _keys(query)
    return _finished(
        query, keys, _selected([*(_shown(key) for key in keys), *query.metrics]), f"(\n{select}\n)", settings
    )


def sharing_statement(query: MetricQuery, compiled: str, shown: Sequence[str]) -> str:
    """The same with each metric's part of the total, of each period where it is told by time as well; `shown` are
    conditions on the rows, which the total knows nothing of."""
    select, settings = split(compiled)
    keys = _keys(query)
    times = [key.column for key in keys if key.name == METRIC_TIME] if len(keys) > 1 else []
    total = f"OVER (PARTITION BY {', '.join(times)})" if times else "OVER ()"
    parts = [f"{_share(metric, total)} AS {metric}{SHARE}" for metric in query.metrics]
    inner = _selected([*(key.column for key in keys), *query.metrics, *parts])
    columns = [_shown(key) for key in keys]
    for metric in query.metrics:
        columns += [metric, f"{metric}{SHARE}"]
    return _finished(query, keys, _selected(columns), f"(\n{inner}\nFROM (\n{select}\n)\n)", settings, shown)


def _share(metric: str, total: str) -> str:
    """Of parts of which some are negative nobody knows a share."""
    value = f"toFloat64({metric})"
    return f"if(min({value}) {total} < 0, NULL, {value} / nullIf(sum({value}) {total}, 0))"


def comparing_statement(query: MetricQuery, compiled: str, before: str | None, shift: Shift) -> str:
    """The same with each metric's value in the time that is compared with, and its relative change.

    Rows are put together by a union, not by a join: NULL is a value of a dimension too, and what is there in only one
    of the two times has a row as well.
    """
    select, settings = split(compiled)
    keys = _keys(query)
    names = [key.column for key in keys]
    parts = [f"SELECT {', '.join([*names, *query.metrics, 'false AS is_previous'])}\nFROM (\n{select}\n)"]
    if before is not None:
        shifted = [f"{key.column} + {shift.sql}" if key.name == METRIC_TIME else key.column for key in keys]
        part = f"SELECT {', '.join([*shifted, *query.metrics, 'true'])}\nFROM (\n{split(before)[0]}\n)"
        parts.append(part + _without_lost_days(query, keys, shift))
    both = "\nUNION ALL\n".join(parts)
    grouped = _selected(
        [
            *names,
            *(f"anyIfOrNull({metric}, NOT is_previous) AS {metric}" for metric in query.metrics),
            # Two hours that are one by the clock, when it is set back: then nobody knows.
            *(
                f"if(countIf(is_previous) > 1, NULL, anyIfOrNull({metric}, is_previous)) AS {metric}{PREVIOUS}"
                for metric in query.metrics
            ),
        ]
    )
    group_by = f"\nGROUP BY {', '.join(str(n + 1) for n in range(len(names)))}" if names else ""
    columns = [_shown(key) for key in keys]
    for metric in query.metrics:
        columns += [metric, f"{metric}{PREVIOUS}", f"{_change(metric)} AS {metric}{CHANGE}"]
    return _finished(query, keys, _selected(columns), f"(\n{grouped}\nFROM (\n{both}\n){group_by}\n)", settings)


def split(compiled: str) -> tuple[str, str]:
    select, _, settings = compiled.rpartition(SETTINGS)
    return select, settings


def _keys(query: MetricQuery) -> list[Key]:
    keys = []
    for grouping in query.by:
        column = column_of(grouping.name, grouping.grain)
        if grouping.grain is None:
            shown = column
        else:
            shown = f"toDateTime({column})" if grouping.grain is Grain.HOUR else f"toDate({column})"
        keys.append(Key(grouping.name, column, shown))
    return keys


def _shown(key: Key) -> str:
    return key.shown if key.shown == key.column else f"{key.shown} AS {key.column}"


def _selected(columns: Sequence[str]) -> str:
    return "SELECT\n  " + ",\n  ".join(columns)


def _change(metric: str) -> str:
    before = f"toFloat64({metric}{PREVIOUS})"
    return f"(toFloat64({metric}) - {before}) / abs(nullIf({before}, 0))"


def _without_lost_days(query: MetricQuery, keys: Sequence[Key], shift: Shift) -> str:
    """29 February has no day a year later, 31 March none a month later; they would be taken for the day before."""
    grains = {grouping.grain for grouping in query.by if grouping.name == METRIC_TIME}
    if not shift.months or not grains & {Grain.HOUR, Grain.DAY}:
        return ""
    column = next(key.column for key in keys if key.name == METRIC_TIME)
    return f"\nWHERE toDayOfMonth({column}) = toDayOfMonth({column} + {shift.sql})"


def _finished(
    query: MetricQuery, keys: Sequence[Key], select: str, source: str, settings: str, shown: Sequence[str] = ()
) -> str:
    lines = [select, f"FROM {source}"]
    # People who never signed up have no time of it, and so no place in a series.
    in_time = [f"{key.column} IS NOT NULL" for key in keys if key.name == METRIC_TIME]
    if conditions := [*in_time, *shown, *(f"{t.metric} {t.operator} {t.value!r}" for t in query.having)]:
        lines.append(f"WHERE {' AND '.join(conditions)}")
    if order := _order(query, keys):
        lines.append(f"ORDER BY {', '.join(order)}")
    if query.limit is not None:
        lines.append(f"LIMIT {query.limit}")
    return "\n".join(lines) + f"{SETTINGS}{settings}"


def _order(query: MetricQuery, keys: Sequence[Key]) -> list[str]:
    """By position: a name would mean a column of what is selected from. What is asked for first, then by all
    groupings, so that the same rows come in the same order each time."""
    width = 3 if query.compare else 2 if query.share else 1
    positions = {key.name: n + 1 for n, key in reversed(list(enumerate(keys)))}
    positions |= {metric: len(keys) + 1 + n * width for n, metric in enumerate(query.metrics)}
    positions |= {f"{metric}{CHANGE}": len(keys) + 3 + n * width for n, metric in enumerate(query.metrics)}
    asked = [f"{positions[o.name]}{' DESC' if o.descending else ''}" for o in query.order]
    taken = {positions[o.name] for o in query.order}
    return [*asked, *(str(n + 1) for n in range(len(keys)) if n + 1 not in taken)]
