"""Values of dimensions as Vega-Lite: bars and heat maps."""

from __future__ import annotations

from semantic_layer.ask.drawing.scales import (
    BAR_HEIGHT,
    COLOURS,
    HEIGHT,
    INK,
    WIDTH,
    Spec,
    axis_title,
    colour_of,
    document,
    label_of,
    largest,
    text_of,
    unit_of,
    value_axis,
    value_format,
)
from semantic_layer.ask.table import Role, Table


def bars(table: Table, title: str, subtitle: str) -> Spec:
    category, metrics = table.of(Role.CATEGORY)[0], table.of(Role.METRIC)
    bars = [
        {
            "name": text_of(row[table.columns.index(category)]),
            "series": metric.label,
            "value": row[table.columns.index(metric)],
            "label": label_of(table, metric, row[table.columns.index(metric)]),
        }
        for row in table.rows
        for metric in metrics
    ]
    names = list(dict.fromkeys(bar["name"] for bar in bars))
    one = len(metrics) == 1
    # Numbers have an order of their own, from left to right; names need room to be read.
    upright = all(isinstance(value, int) for value in table.values(category))
    along = {"field": "name", "type": "nominal", "sort": names, "title": category.label}
    x_title = axis_title(table, metrics[0]) if one else unit_of(table, metrics[0])
    values = value_axis(metrics[0], x_title, largest(table, *metrics))
    encoding: Spec = {"x": {**along, "axis": {"labelAngle": 0}}, "y": values} if upright else {"y": along, "x": values}
    if not one:
        series = [metric.label for metric in metrics]
        encoding |= {"yOffset": {"field": "series", "sort": series}, "color": colour_of(series, None)}
    length = len(bars) * BAR_HEIGHT
    beside: Spec = {"align": "center", "baseline": "bottom", "dy": -3} if upright else {"align": "left", "dx": 4}
    return document(
        title,
        subtitle,
        data={"values": bars},
        width=max(length, WIDTH // 2) if upright else WIDTH,
        height=HEIGHT if upright else length,
        encoding=encoding,
        layer=[
            {"mark": {"type": "bar", **({"color": COLOURS[0]} if one else {})}},
            {
                "mark": {"type": "text", "fontSize": 11, "color": INK, **beside},
                "encoding": {"text": {"field": "label"}, "color": {"value": INK}},
            },
        ],
    )


def heat_map(table: Table, title: str, subtitle: str) -> Spec:
    across, down = table.of(Role.CATEGORY)[1], table.of(Role.CATEGORY)[0]
    metric = table.of(Role.METRIC)[0]
    cells = [
        {
            "across": text_of(row[table.columns.index(across)]),
            "down": text_of(row[table.columns.index(down)]),
            "value": row[table.columns.index(metric)],
            "label": label_of(table, metric, row[table.columns.index(metric)]),
        }
        for row in table.rows
    ]
    numbers = [cell["value"] for cell in cells if cell["value"] is not None]
    middle = (min(numbers) + max(numbers)) / 2 if numbers else 0
    return document(
        title,
        subtitle,
        data={"values": cells},
        width={"step": 80},
        height={"step": 30},
        encoding={
            "x": {
                "field": "across",
                "type": "nominal",
                "title": across.label,
                "sort": None,
                "axis": {"orient": "top", "labelAngle": 0},
            },
            "y": {"field": "down", "type": "nominal", "title": down.label, "sort": None},
        },
        layer=[
            {
                "mark": "rect",
                "encoding": {
                    "color": {
                        "field": "value",
                        "type": "quantitative",
                        "scale": {"scheme": "blues"},
                        "legend": {"title": axis_title(table, metric), **value_format(metric, largest(table, metric))},
                    }
                },
            },
            {
                "mark": {"type": "text", "fontSize": 11},
                "encoding": {
                    "text": {"field": "label"},
                    "color": {"condition": {"test": f"datum.value > {middle}", "value": "white"}, "value": INK},
                },
            },
        ],
    )
