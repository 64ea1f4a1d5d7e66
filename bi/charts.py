"""Charts as Superset draws them: what their page reads (params), and what is asked for without a page (queries)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bi.model import Chart, Dataset

GRAINS = {"day": "P1D", "week": "P1W", "month": "P1M", "quarter": "P3M", "year": "P1Y"}
NO_FILTER = "No filter"
MOST_ROWS = 10_000
COLOURS = "supersetColors"
DAYS_AS, MONTHS_AS = "%Y-%m-%d", "%Y-%m"


@dataclass(frozen=True)
class Asked:
    """What a declaration says of one chart, whatever kind it is of."""

    key: str
    title: str
    dataset: Dataset
    measures: tuple[str, ...]
    by: tuple[str, ...] = ()
    grain: str = "week"
    where: Mapping[str, Any] = field(default_factory=dict)
    compared_days: int = 0  # set off against as many days before
    period: str = NO_FILTER  # the time that it shows where no dashboard says another
    good: str = "up"
    limit: int = MOST_ROWS
    stacked: bool = False
    timed: bool = True  # whether a dashboard's period is about it
    description: str = ""
    place: str = ""
    dashboard: str = ""


def kpi(asked: Asked) -> Chart:
    """A number, and its change against the period of the same length before."""
    return _chart(
        asked,
        "pop_kpi",
        {
            "metric": asked.measures[0],
            "adhoc_filters": _filters(asked),
            "time_compare": "inherit",
            "comparison_type": "values",
            "y_axis_format": "SMART_NUMBER",
            "percentDifferenceFormat": "+.1%",
            "header_font_size": 0.4,
            "subheader_font_size": 0.125,
            "comparison_color_enabled": asked.good != "neutral",
            "comparison_color_scheme": "Red" if asked.good == "down" else "Green",
            "row_limit": MOST_ROWS,
        },
        [_query(asked, [], time_offsets=["inherit"] if asked.period != NO_FILTER else [])],
    )


def number(asked: Asked) -> Chart:
    return _chart(
        asked,
        "big_number_total",
        {
            "metric": asked.measures[0],
            "adhoc_filters": _filters(asked),
            "header_font_size": 0.4,
            "subtitle_font_size": 0.15,
            "y_axis_format": "SMART_NUMBER",
        },
        [_query(asked, [])],
    )


def course(asked: Asked, kind: str = "line") -> Chart:
    """Over time: lines, bars or areas, one for each metric and group."""
    viz = {"line": "echarts_timeseries_line", "bar": "echarts_timeseries_bar", "area": "echarts_area"}[kind]
    offsets = [f"{asked.compared_days} days ago"] if asked.compared_days else []
    return _chart(
        asked,
        viz,
        {
            **_over_time(asked),
            "groupby": list(asked.by),
            "metrics": list(asked.measures),
            "adhoc_filters": _filters(asked),
            "comparison_type": "values",
            "time_compare": offsets,
            "stack": "Stack" if asked.stacked or kind == "area" else None,
            "markerEnabled": False,
            "only_total": True,
            "sort_series_type": "sum",
        },
        [
            _query(
                asked,
                [_axis(asked.dataset.time, GRAINS[asked.grain]), *asked.by],
                series_columns=list(asked.by),
                orderby=[[asked.measures[0], False]],
                time_offsets=offsets,
            )
        ],
    )


def ranking(asked: Asked) -> Chart:
    """Bars of a metric by the values of one column, the largest first."""
    (column,) = asked.by
    return _chart(
        asked,
        "echarts_timeseries_bar",
        {
            "x_axis": column,
            "metrics": list(asked.measures),
            "groupby": [],
            "adhoc_filters": _filters(asked),
            "row_limit": asked.limit,
            "orientation": "horizontal",
            "x_axis_sort": asked.measures[0],
            "x_axis_sort_asc": True,
            "show_value": True,
            "show_legend": len(asked.measures) > 1,
            "legendOrientation": "top",
            "y_axis_format": "SMART_NUMBER",
            "rich_tooltip": True,
            "color_scheme": COLOURS,
            "truncate_metric": True,
            "order_desc": True,
        },
        [_query(asked, [_axis(column)], orderby=[[asked.measures[0], False]])],
    )


def pie(asked: Asked) -> Chart:
    return _chart(
        asked,
        "pie",
        {
            "groupby": list(asked.by),
            "metric": asked.measures[0],
            "adhoc_filters": _filters(asked),
            "row_limit": 12,
            "sort_by_metric": True,
            "donut": True,
            "innerRadius": 45,
            "outerRadius": 75,
            "show_labels": True,
            "labels_outside": True,
            "label_type": "key_percent",
            "show_legend": False,
            "number_format": "SMART_NUMBER",
            "color_scheme": COLOURS,
        },
        [_query(asked, list(asked.by), orderby=[[asked.measures[0], False]], row_limit=12)],
    )


def table(asked: Asked) -> Chart:
    """Metrics by groups, the largest first."""
    return _chart(
        asked,
        "table",
        {
            "query_mode": "aggregate",
            "groupby": list(asked.by),
            "metrics": list(asked.measures),
            "all_columns": [],
            "adhoc_filters": _filters(asked),
            "row_limit": asked.limit,
            "order_desc": True,
            "timeseries_limit_metric": asked.measures[0],
            "table_timestamp_format": DAYS_AS,
            "show_cell_bars": True,
            "allow_rearrange_columns": False,
        },
        [_query(asked, list(asked.by), orderby=[[asked.measures[0], False]])],
    )


def rows(asked: Asked) -> Chart:
    """Rows as they are, the newest first."""
    order = asked.dataset.time or asked.by[0]
    return _chart(
        asked,
        "table",
        {
            "query_mode": "raw",
            "groupby": [],
            "metrics": [],
            "all_columns": list(asked.by),
            "adhoc_filters": _filters(asked),
            "row_limit": asked.limit,
            "order_by_cols": [f'["{order}", false]'],
            "table_timestamp_format": "%Y-%m-%d %H:%M",
            "show_cell_bars": False,
        },
        [_query(asked, list(asked.by), metrics=None, orderby=[[order, False]])],
    )


def funnel(asked: Asked) -> Chart:
    return _chart(
        asked,
        "funnel",
        {
            "groupby": list(asked.by),
            "metric": asked.measures[0],
            "adhoc_filters": _filters(asked),
            "row_limit": 50,
            "sort_by_metric": True,
            "percent_calculation_type": "first_step",
            "show_legend": False,
            "label_type": 5,  # name, value and percent; Superset takes the number alone
            "tooltip_label_type": 5,
            "show_labels": True,
            "show_tooltip_labels": True,
            "number_format": ",d",
            "color_scheme": COLOURS,
        },
        [_query(asked, list(asked.by), orderby=[[asked.measures[0], False]], row_limit=50)],
    )


def heat_map(asked: Asked, across: str, down: str, told: bool) -> Chart:
    """`told`: with the values in it, which many rows have no room for."""
    return _chart(
        asked,
        "heatmap_v2",
        {
            "x_axis": across,
            "groupby": down,
            "metric": asked.measures[0],
            "adhoc_filters": _filters(asked),
            "row_limit": asked.limit,
            "sort_x_axis": "alpha_asc",
            "sort_y_axis": "alpha_desc",
            "normalize_across": "heatmap",
            "linear_color_scheme": "superset_seq_1",
            "legend_type": "continuous",
            "show_legend": False,
            "show_values": told,
            "show_percentage": False,
            "y_axis_format": ".0%",
            "x_axis_time_format": DAYS_AS,
            "xscale_interval": 1,
            "yscale_interval": 1,
            "left_margin": "auto",
            "bottom_margin": "auto",
            "value_bounds": [None, None],
            "border_color": {"r": 255, "g": 255, "b": 255, "a": 1},
            "border_width": 1,
        },
        [_query(asked, [_axis(across), down], orderby=[[across, True], [down, False]])],
    )


def marked_line(asked: Asked) -> Chart:
    """The first metric as a line, the second as points on it."""
    line, points = asked.measures
    return _chart(
        asked,
        "mixed_timeseries",
        {
            **_over_time(asked),
            "metrics": [line],
            "groupby": [],
            "adhoc_filters": _filters(asked),
            "seriesType": "line",
            "markerEnabled": False,
            "yAxisIndex": 0,
            "metrics_b": [points],
            "groupby_b": [],
            "adhoc_filters_b": _filters(asked),
            "row_limit_b": MOST_ROWS,
            "seriesTypeB": "scatter",
            "markerEnabledB": True,
            "markerSizeB": 10,
            "yAxisIndexB": 0,
            "y_axis_format_secondary": "SMART_NUMBER",
        },
        [
            _query(
                asked,
                [_axis(asked.dataset.time, GRAINS[asked.grain])],
                metrics=[one],
                orderby=[[one, False]],
            )
            for one in (line, points)
        ],
    )


def _over_time(asked: Asked) -> dict[str, Any]:
    return {
        "x_axis": asked.dataset.time,
        "time_grain_sqla": GRAINS[asked.grain],
        "x_axis_time_format": DAYS_AS if asked.grain in ("day", "week") else MONTHS_AS,
        "y_axis_format": _axis_format(asked),
        "row_limit": MOST_ROWS,
        "truncate_metric": True,
        "show_legend": True,
        "legendOrientation": "top",
        "legendType": "scroll",
        "rich_tooltip": True,
        "tooltipTimeFormat": DAYS_AS,
        "color_scheme": COLOURS,
        "order_desc": True,
        "opacity": 0.2,
    }


def _axis_format(asked: Asked) -> str:
    formats = {asked.dataset.measure(name).format for name in asked.measures}
    return ".0%" if all(one.endswith("%") for one in formats) else "SMART_NUMBER"


def _chart(asked: Asked, viz: str, params: Mapping[str, Any], queries: Sequence[Mapping[str, Any]]) -> Chart:
    time = [asked.dataset.time] if asked.dataset.time and (asked.timed or "x_axis" in params) else []
    named = [str(params[key]) for key in ("x_axis", "groupby") if isinstance(params.get(key), str)]
    return Chart(
        key=asked.key,
        title=asked.title,
        dataset=asked.dataset,
        viz=viz,
        params={"viz_type": viz, **params},
        queries=queries,
        description=asked.description,
        columns=tuple(dict.fromkeys([*time, *named, *asked.by, *asked.where])),
        measures=asked.measures,
        place=asked.place,
        dashboard=asked.dashboard,
    )


def _axis(column: str, grain: str | None = None) -> dict[str, Any]:
    """To the letter as a chart's page asks for it: else Superset takes it for a question that a guest made up."""
    return {
        **({"timeGrain": grain} if grain else {}),
        "columnType": "BASE_AXIS",
        "sqlExpression": column,
        "label": column,
        "expressionType": "SQL",
        "isColumnReference": True,
    }


def _filters(asked: Asked) -> list[dict[str, Any]]:
    """As a chart's page has them; the time's is there for dashboards to put their period in."""
    found = []
    if asked.timed and asked.dataset.time:
        found.append(_simple(asked.dataset.time, "TEMPORAL_RANGE", asked.period))
    for column, value in asked.where.items():
        found.append(_simple(column, "IN" if isinstance(value, list) else "==", value))
    return found


def _simple(subject: str, operator: str, comparator: Any) -> dict[str, Any]:
    return {
        "clause": "WHERE",
        "expressionType": "SIMPLE",
        "subject": subject,
        "operator": operator,
        "comparator": comparator,
        "isExtra": False,
        "isNew": False,
        "sqlExpression": None,
    }


def _query(asked: Asked, columns: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {
        "columns": list(columns),
        "metrics": list(asked.measures),
        "filters": [
            {"col": one["subject"], "op": one["operator"], "val": one["comparator"]} for one in _filters(asked)
        ],
        "extras": {"having": "", "where": ""},
        "applied_time_extras": {},
        "annotation_layers": [],
        "row_limit": asked.limit,
        "series_limit": 0,
        "order_desc": True,
        "url_params": {},
        "custom_params": {},
        "custom_form_data": {},
        "post_processing": [],
        **more,
    }
