"""What all charts share: colours, how values and times are written on axes, titles."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from semantic_layer.ask.changes import say
from semantic_layer.ask.reading import NOBODY
from semantic_layer.ask.table import Column, Table
from semantic_layer.metrics.models import Grain

Spec = dict[str, Any]

# Okabe and Ito: told apart by people who do not see red, green or blue; the pale yellow comes last.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442")
INK, PALE, GRID = "#222222", "#6b6b6b", "#e3e3e3"
BETTER, WORSE = COLOURS[0], COLOURS[5]
WIDTH, HEIGHT = 640, 320
BAR_HEIGHT = 22
LONG_NUMBER = 10_000

TIMES = {
    Grain.HOUR: "%-d %b %H:%M",
    Grain.DAY: "%-d %b",
    Grain.WEEK: "%-d %b",
    Grain.MONTH: "%b %Y",
    Grain.QUARTER: "Q%q %Y",
    Grain.YEAR: "%Y",
}
CONFIG: Spec = {
    "font": "Helvetica, Arial, sans-serif",
    "background": "white",
    "padding": 16,
    "range": {"category": list(COLOURS)},
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": PALE,
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": GRID,
        "domainColor": PALE,
        "tickColor": PALE,
        "labelLimit": 240,
    },
    "legend": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleColor": PALE,
        "orient": "top",
    },
    "title": {
        "anchor": "start",
        "fontSize": 16,
        "color": INK,
        "subtitleColor": PALE,
        "subtitleFontSize": 12,
        "offset": 14,
    },
}


def value_format(column: Column, most: float) -> Spec:
    """For axes and legends, as d3 has it: 4,000 where all are as small, 4k beside 12k."""
    if column.format == "percent":
        return {"format": "~%"}
    if most < LONG_NUMBER:
        return {"format": ",~f"}
    return {"labelExpr": "datum.value === 0 ? '0' : format(datum.value, '~s')"}


def largest(table: Table, *columns: Column) -> float:
    return max((abs(v) for column in columns for v in table.values(column) if v is not None), default=0)


def axis_title(table: Table, column: Column) -> str:
    unit = {"currency": table.currency, "seconds": "s", "milliseconds": "ms"}.get(column.format, "")
    return f"{column.label} ({unit})" if unit else column.label


def moment(value: Any) -> Any:
    """In UTC by its figures: the clock of whoever draws must not move a day."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    return f"{value.isoformat()}T00:00:00Z" if isinstance(value, date) else value


def time_axis(time: Column, values: list[Any]) -> Spec:
    """Ticks at the values themselves, where they are few: else there would be some between two months."""
    axis: Spec = {
        "title": None,
        "format": TIMES.get(time.grain or Grain.DAY, "%-d %b %Y"),
        "labelOverlap": True,
        "grid": False,
    }
    moments = list(dict.fromkeys(moment(value) for value in values))
    if len(moments) <= 31:
        axis["values"] = moments
    return {"field": "time", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}


def joined(*sentences: str) -> str:
    """What stands below the title."""
    return " ".join(f"{text.rstrip('.')}." for text in sentences if text)


def document(title: str, subtitle: str, **rest: Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {"text": title, **({"subtitle": subtitle} if subtitle else {})},
        "config": CONFIG,
        **rest,
    }


def value_axis(metric: Column, title: str, most: float) -> Spec:
    axis = {"title": title, "tickCount": 6, **value_format(metric, most)}
    return {"field": "value", "type": "quantitative", "axis": axis}


def colour_of(series: list[str], label: str | None) -> Spec:
    return {
        "field": "series",
        "type": "nominal",
        "sort": series,
        "scale": {"domain": series, "range": list(COLOURS[: len(series)])},
        "legend": {"title": label},
    }


def unit_of(table: Table, metric: Column) -> str:
    return {"currency": table.currency, "seconds": "seconds", "milliseconds": "milliseconds"}.get(metric.format, "")


def label_of(table: Table, column: Column, value: Any) -> str:
    if value is None:
        return ""
    return say(table, column, value) if isinstance(value, int | float) else str(value)


def text_of(value: Any) -> str:
    return NOBODY if value in (None, "") else str(value)
