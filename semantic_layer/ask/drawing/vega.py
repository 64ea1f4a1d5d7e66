"""Answers as Vega-Lite: one specification with its data inside, which is the JSON file, and drawn is the PNG or SVG."""

from __future__ import annotations

from typing import Any

from semantic_layer.ask.changes import Direction, change, say
from semantic_layer.ask.charts import Chart, ChartType, drawn
from semantic_layer.ask.drawing.categories import bars, heat_map
from semantic_layer.ask.drawing.journeys import funnel, paths, retention
from semantic_layer.ask.drawing.scales import BETTER, INK, PALE, WORSE, Spec, document, joined, label_of
from semantic_layer.ask.drawing.series import lines, panels, stacked
from semantic_layer.ask.table import Role, Table


def specification(table: Table, chart: Chart, title: str, subtitle: str = "") -> Spec:
    table = drawn(table, chart)
    match chart.type:
        case ChartType.BIG_NUMBER:
            return _big_number(table, title, subtitle)
        case ChartType.LINE | ChartType.LINES:
            return lines(table, title, subtitle)
        case ChartType.PANELS:
            return panels(table, title, subtitle)
        case ChartType.BAR | ChartType.GROUPED:
            return bars(table, title, subtitle)
        case ChartType.STACKED:
            return stacked(table, title, subtitle)
        case ChartType.HEAT_MAP:
            if table.of(Role.TIME):
                return retention(table, title, subtitle)
            return heat_map(table, title, subtitle)
        case ChartType.FUNNEL:
            return funnel(table, title, subtitle)
        case ChartType.PATHS:
            return paths(table, title, subtitle)
    return _table(table, title, subtitle)


def _big_number(table: Table, title: str, subtitle: str) -> Spec:
    metrics = table.of(Role.METRIC)
    figures = []
    for place, metric in enumerate(metrics):
        value = table.values(metric)[0]
        previous = table.companion(metric, Role.PREVIOUS)
        since = change(table, metric, table.values(previous)[0], value) if previous and value is not None else None
        arrow = {Direction.UP: "▲", Direction.DOWN: "▼"}.get(since.direction, "") if since else ""
        figures.append(
            {
                "place": place,
                "label": metric.label,
                "value": "–" if value is None else say(table, metric, value),
                "change": f"{arrow} {since.much}".strip() if since else "",
                "judged": since.judged if since else "",
            }
        )
    colour = {
        "condition": [
            {"test": "datum.judged === 'better'", "value": BETTER},
            {"test": "datum.judged === 'worse'", "value": WORSE},
        ],
        "value": PALE,
    }

    def line(field: str, dy: int, size: int, **more: Any) -> Spec:
        mark = {"type": "text", "align": "left", "dy": dy, "fontSize": size, **more.pop("mark", {})}
        return {"mark": mark, "encoding": {"text": {"field": field}, **more}}

    places = {"domain": [0, len(figures)], "nice": False}
    each = {"field": "place", "type": "quantitative", "axis": None, "scale": places}
    labels = [line("label", -44, 14, mark={"color": PALE})] if len(metrics) > 1 else []
    return document(
        title,
        subtitle,
        data={"values": figures},
        width=280 * len(figures),
        height=110,
        encoding={"x": each},
        layer=[
            *labels,
            line("value", 0, 44, mark={"color": INK, "fontWeight": "bold", "baseline": "middle"}),
            line("change", 40, 16, color=colour),
        ],
    )


def _table(table: Table, title: str, subtitle: str) -> Spec:
    """Rows of text: what cannot be drawn better."""
    shown = table.rows[:40]
    cells = [
        {"row": place, "column": column.label, "text": label_of(table, column, value)}
        for place, row in enumerate(shown)
        for column, value in zip(table.columns, row, strict=True)
    ]
    more = f"The first {len(shown)} of {len(table.rows):,} rows." if len(table.rows) > len(shown) else ""
    return document(
        title,
        joined(subtitle, more),
        data={"values": cells},
        width={"step": 150},
        height={"step": 20},
        mark={"type": "text", "align": "left", "dx": -60, "fontSize": 12, "limit": 140},
        encoding={
            "x": {
                "field": "column",
                "type": "nominal",
                "sort": [column.label for column in table.columns],
                "axis": {
                    "orient": "top",
                    "labelAngle": 0,
                    "title": None,
                    "domain": False,
                    "ticks": False,
                    "labelFontWeight": "bold",
                },
            },
            "y": {"field": "row", "type": "ordinal", "axis": None},
            "text": {"field": "text"},
        },
    )
