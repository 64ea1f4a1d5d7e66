"""Values over time as Vega-Lite: lines, panels, stacked bars."""

from __future__ import annotations

from collections import Counter

from semantic_layer.ask.drawing.scales import (
    COLOURS,
    HEIGHT,
    TIMES,
    WIDTH,
    Spec,
    axis_title,
    colour_of,
    document,
    joined,
    largest,
    moment,
    text_of,
    time_axis,
    unit_of,
    value_axis,
)
from semantic_layer.ask.periods import periods
from semantic_layer.ask.table import Role, Table
from semantic_layer.metrics.models import Grain

GONE = "Dormant"  # of a lifecycle: below the line
HOLLOW = "Hollow points: the period is not complete."
NOT_WHOLE = "Pale: the period is not complete."


def lines(table: Table, title: str, subtitle: str) -> Spec:
    points = _points(table)
    time, metrics = table.of(Role.TIME)[0], table.of(Role.METRIC)
    series = list(dict.fromkeys(point["series"] for point in points))
    one = len(metrics) == 1
    y_title = axis_title(table, metrics[0]) if one else unit_of(table, metrics[0])
    encoding: Spec = {
        "x": time_axis(time, table.values(time)),
        "y": value_axis(metrics[0], y_title, largest(table, *metrics)),
    }
    if len(series) > 1:
        label = table.of(Role.CATEGORY)[0].label if table.of(Role.CATEGORY) else None
        encoding["color"] = colour_of(series, label)
    line, solid, hollow = _line_with_points(COLOURS[0])
    layers = [line, hollow] if len(points) / len(series) > 40 else [line, solid, hollow]
    return document(
        title,
        _with_note(subtitle, points, HOLLOW),
        data={"values": points},
        width=WIDTH,
        height=HEIGHT,
        encoding=encoding,
        layer=layers,
    )


def panels(table: Table, title: str, subtitle: str) -> Spec:
    points = _points(table)
    time = table.of(Role.TIME)[0]
    panels = []
    for place, metric in enumerate(table.of(Role.METRIC)):
        panels.append(
            {
                "width": WIDTH,
                "height": HEIGHT // 2,
                "data": {"values": [point for point in points if point["series"] == metric.label]},
                "encoding": {
                    "x": time_axis(time, table.values(time)),
                    "y": value_axis(metric, axis_title(table, metric), largest(table, metric)),
                },
                "layer": _line_with_points(COLOURS[place % len(COLOURS)]),
            }
        )
    return document(title, _with_note(subtitle, points, HOLLOW), vconcat=panels)


def _line_with_points(colour: str) -> list[Spec]:
    """The line and its points; those of periods that are not complete are hollow: white inside, coloured around."""
    mark = {"type": "point", "color": colour, "opacity": 1}
    return [
        {"mark": {"type": "line", "strokeWidth": 2.5, "strokeJoin": "round", "color": colour}},
        {"mark": {**mark, "size": 30, "filled": True}, "transform": [{"filter": "datum.whole"}]},
        {
            "mark": {**mark, "size": 45, "filled": False, "fill": "white"},
            "transform": [{"filter": "!datum.whole"}],
        },
    ]


def stacked(table: Table, title: str, subtitle: str) -> Spec:
    points = _points(table)
    time, metric = table.of(Role.TIME)[0], table.of(Role.METRIC)[0]
    series = list(dict.fromkeys(point["series"] for point in points))
    for point in points:
        point["place"] = series.index(point["series"])
        if point["series"] == GONE:
            point["value"] = -abs(point["value"])
    heights = Counter({point["time"]: 0.0 for point in points})
    for point in points:
        heights[point["time"]] += max(point["value"] or 0, 0)
    most = max(heights.values())
    categories = table.of(Role.CATEGORY)
    y_title = axis_title(table, metric) if categories else "People"
    # The band of a bar is its period, so the axis names each, not days between.
    form = TIMES.get(time.grain or Grain.DAY)
    axis = {
        "title": None,
        "labelExpr": f"utcFormat(toDate(datum.value), '{form}')",
        "labelAngle": 0,
        "labelOverlap": True,
    }
    return document(
        title,
        _with_note(subtitle, points, NOT_WHOLE),
        data={"values": points},
        width=WIDTH,
        height=HEIGHT,
        mark={"type": "bar"},
        encoding={
            "x": {"field": "time", "type": "ordinal", "axis": axis},
            "y": {**value_axis(metric, y_title, most), "stack": "zero"},
            "color": colour_of(series, categories[0].label if categories else None),
            "order": {"field": "place"},
            "opacity": {"condition": {"test": "datum.whole", "value": 1}, "value": 0.45},
        },
    )


def _points(table: Table) -> list[Spec]:
    """One record for each period, series and value."""
    time = table.of(Role.TIME)[0]
    categories = table.of(Role.CATEGORY)
    found = []
    for period, row in zip(periods(table, time), table.rows, strict=True):
        for metric in table.of(Role.METRIC):
            named = [text_of(row[table.columns.index(category)]) for category in categories]
            found.append(
                {
                    "time": moment(period.start),
                    "series": " / ".join(named) or metric.label,
                    "value": row[table.columns.index(metric)],
                    "whole": period.whole,
                }
            )
    return found


def _with_note(subtitle: str, points: list[Spec], note: str) -> str:
    return joined(subtitle, note if any(not point["whole"] for point in points) else "")
