"""Funnels, retention and paths as Vega-Lite."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

from semantic_layer.ask.drawing.scales import BAR_HEIGHT, COLOURS, INK, PALE, WIDTH, Spec, document, joined
from semantic_layer.ask.reading import NOBODY
from semantic_layer.ask.table import Role, Table, distinct, records
from semantic_layer.ask.wording import percent, period_of
from semantic_layer.metrics.models import Grain

MOST_VALUES = 6  # of a funnel, side by side
MOST_PERIODS = 16  # of retention, across
MOST_COHORTS = 30
MOST_NODES = 8  # of a step of paths; the rest are together
REST = "(others)"
NODE, GAP, STEP_WIDTH = 16, 18, 220  # pixels
COLUMN_HEIGHT = 260
CURVE = 24  # points of a ribbon


def funnel(table: Table, title: str, subtitle: str) -> Spec:
    rows = records(table)
    parts = "value" in rows[0]
    values = distinct([row.get("value", "") for row in rows])[:MOST_VALUES]
    bars = [
        {
            "name": f"{row['step']}  {row['name']}",
            "series": row.get("value") or NOBODY,
            "share": row["from_start"],
            "label": f"{row['users']:,}  ·  {percent(row['from_start'])}",
        }
        for row in rows
        if row.get("value", "") in values
    ]
    names = distinct([bar["name"] for bar in bars])
    step = BAR_HEIGHT if parts else BAR_HEIGHT * 1.8
    encoding: Spec = {
        "y": {
            "field": "name",
            "type": "nominal",
            "sort": names,
            "title": None,
            "axis": {"ticks": False, "domain": False},
        },
        "x": {
            "field": "share",
            "type": "quantitative",
            "scale": {"domain": [0, 1]},
            "axis": {"format": "~%", "title": "Share of those who took the first step", "tickCount": 5},
        },
    }
    colour: Spec = {}
    if parts:
        series = distinct([bar["series"] for bar in bars])
        encoding["yOffset"] = {"field": "series", "sort": series}
        colour = {
            "color": {
                "field": "series",
                "type": "nominal",
                "sort": series,
                "scale": {"domain": series, "range": list(COLOURS[: len(series)])},
                "legend": {"title": table.columns[0].label},
            }
        }
    more = len(distinct([row.get("value", "") for row in rows])) - len(values)
    note = f"The {len(values)} largest of {len(values) + more}." if more > 0 else ""
    return document(
        title,
        joined(subtitle, note),
        data={"values": bars},
        width=WIDTH,
        height=len(names) * max(len(values), 1) * step + (len(names) * 12 if parts else 0),
        encoding=encoding,
        layer=[
            {"mark": {"type": "bar", "color": COLOURS[0], "cornerRadiusEnd": 2}, "encoding": colour},
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 11 if parts else 12, "color": INK},
                "encoding": {"text": {"field": "label"}},
            },
        ],
    )


def retention(table: Table, title: str, subtitle: str) -> Spec:
    """Cohorts of everybody; where there is a breakdown, those of its largest value."""
    rows = records(table)
    if "value" in rows[0]:
        first = rows[0]["value"]
        rows = [row for row in rows if row["value"] == first]
        subtitle = joined(subtitle, f"{table.columns[0].label}: {first or NOBODY}.")
    time = table.of(Role.TIME)[0]
    grain = time.grain or Grain.WEEK
    cells = []
    for row in rows:
        if row["after"] > MOST_PERIODS or row["share"] is None:
            continue
        over = table.last_day is None or _ends(grain, row["period"], row["after"]) <= table.last_day
        cells.append(
            {
                "cohort": f"{row['period']:%-d %b %Y}  ({row['size']:,})",
                "after": row["after"],
                "share": row["share"],
                "label": percent(round(row["share"], 2)) + ("" if over else " *"),
            }
        )
    cohorts = distinct([cell["cohort"] for cell in cells])[-MOST_COHORTS:]
    cells = [cell for cell in cells if cell["cohort"] in cohorts]
    most = max((cell["share"] for cell in cells), default=1) or 1
    if any(cell["label"].endswith("*") for cell in cells):
        subtitle = joined(subtitle, f"* The {grain} is not over.")
    return document(
        title,
        subtitle,
        data={"values": cells},
        width={"step": 46},
        height={"step": 24},
        encoding={
            "x": {
                "field": "after",
                "type": "ordinal",
                "title": f"{str(grain).capitalize()}s later",
                "axis": {"orient": "top", "labelAngle": 0, "ticks": False, "domain": False},
            },
            "y": {
                "field": "cohort",
                "type": "ordinal",
                "sort": cohorts,
                "title": "Cohort (people)",
                "axis": {"ticks": False, "domain": False},
            },
        },
        layer=[
            {
                "mark": "rect",
                "encoding": {
                    "color": {
                        "field": "share",
                        "type": "quantitative",
                        "scale": {"scheme": "blues", "domain": [0, most]},
                        "legend": None,
                    }
                },
            },
            {
                "mark": {"type": "text", "fontSize": 11},
                "encoding": {
                    "text": {"field": "label"},
                    "color": {"condition": {"test": f"datum.share > {most * 0.55}", "value": "white"}, "value": INK},
                },
            },
        ],
    )


def _ends(grain: Grain, start: date, far: int) -> date:
    span = period_of(grain, start)
    for _ in range(far):
        span = period_of(grain, span.last + timedelta(days=1))
    return span.last


def paths(table: Table, title: str, subtitle: str) -> Spec:
    """Columns of events with ribbons between them, as wide as sessions go that way."""
    edges = _merged(records(table))
    nodes: dict[tuple[int, str], float] = {}
    inflow: dict[tuple[int, str], float] = defaultdict(float)
    outflow: dict[tuple[int, str], float] = defaultdict(float)
    for step, begin, end, sessions in edges:
        outflow[(step - 1, begin)] += sessions
        inflow[(step, end)] += sessions
    for node in {**outflow, **inflow}:
        nodes[node] = max(inflow[node], outflow[node])
    total = max(
        sum(size for (step, _), size in nodes.items() if step == column) for column in {step for step, _ in nodes}
    )
    most = max(Counter(step for step, _ in nodes).values())
    height = COLUMN_HEIGHT + GAP * most
    places = _places(nodes, total, GAP / height, most)
    boxes, labels = [], []
    for (step, name), (top, bottom) in places.items():
        box = {"x": step * STEP_WIDTH, "x2": step * STEP_WIDTH + NODE, "y": top, "y2": bottom}
        boxes.append({**box, "name": name})
        labels.append({"x": box["x2"] + 5, "y": (top + bottom) / 2, "text": f"{name}  {nodes[(step, name)]:,.0f}"})
    depth = max(step for step, _ in nodes)
    hidden: Spec = {"axis": None, "type": "quantitative"}
    x = {
        **hidden,
        "field": "x",
        "scale": {"domain": [0, (depth + 1) * STEP_WIDTH], "nice": False, "reverse": table.backwards},
    }
    y = {**hidden, "field": "y", "scale": {"domain": [0, 1], "nice": False, "reverse": True}}
    names = distinct([box["name"] for box in boxes])
    colours = {name: COLOURS[place % 6] for place, name in enumerate(names)}
    return document(
        title,
        subtitle,
        width=(depth + 1) * STEP_WIDTH,
        height=height,
        layer=[
            {
                "data": {"values": _ribbons(edges, places, nodes)},
                "mark": {"type": "area", "opacity": 0.3},
                "encoding": {
                    "x": x,
                    "y": y,
                    "y2": {"field": "y2"},
                    "detail": {"field": "ribbon"},
                    "color": _named_colours("from", colours),
                },
            },
            {
                "data": {"values": boxes},
                "mark": {"type": "rect"},
                "encoding": {
                    "x": x,
                    "x2": {"field": "x2"},
                    "y": y,
                    "y2": {"field": "y2"},
                    "color": _named_colours("name", colours),
                },
            },
            {
                "data": {"values": labels},
                "mark": {"type": "text", "align": "right" if table.backwards else "left", "fontSize": 11, "color": INK},
                "encoding": {"x": x, "y": y, "text": {"field": "text"}},
            },
        ],
    )


Edge = tuple[int, str, str, float]


def _merged(rows: list[dict[str, Any]]) -> list[Edge]:
    """The edges, with all but the most frequent events of a step together."""
    reached: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        reached[row["step"]][row["to"] or "(end)"] += row["sessions"]
    kept = {
        (step, name)
        for step, names in reached.items()
        for name in sorted(names, key=lambda name: -names[name])[:MOST_NODES]
    }
    sums: dict[tuple[int, str, str], float] = defaultdict(float)
    for row in rows:
        step, end = row["step"], row["to"] or "(end)"
        begin = row["from"] if step == 1 or (step - 1, row["from"]) in kept else REST
        sums[(step, begin, end if (step, end) in kept else REST)] += row["sessions"]
    # Only the most frequent ones are in the rows; all sessions begin there.
    of_start = [row for row in rows if row["step"] == 1 and row["share"]]
    if of_start:
        every = round(of_start[0]["sessions"] / of_start[0]["share"])
        rest = every - sum(sessions for (step, _, _), sessions in sums.items() if step == 1)
        sums[(1, of_start[0]["from"], REST)] += rest
    sums = {edge: sessions for edge, sessions in sums.items() if sessions > 0}
    return [(*edge, sessions) for edge, sessions in sorted(sums.items(), key=lambda item: (item[0][0], -item[1]))]


def _places(
    nodes: dict[tuple[int, str], float], total: float, gap: float, most: int
) -> dict[tuple[int, str], tuple[float, float]]:
    """Top and bottom of each node, 0 to 1, the largest of a column on top; between them there is room for a name."""
    places = {}
    room = 1 - gap * most
    for column in {step for step, _ in nodes}:
        inside = sorted(
            (node for node in nodes if node[0] == column), key=lambda node: (node[1] in (REST, "(end)"), -nodes[node])
        )
        top = 0.0
        for node in inside:
            height = nodes[node] / total * room
            places[node] = (top, top + height)
            top += height + gap
    return places


def _ribbons(
    edges: list[Edge],
    places: dict[tuple[int, str], tuple[float, float]],
    nodes: dict[tuple[int, str], float],
) -> list[Spec]:
    used_out: dict[tuple[int, str], float] = defaultdict(float)
    used_in: dict[tuple[int, str], float] = defaultdict(float)
    points = []
    for number, (step, begin, end, sessions) in enumerate(edges):
        left, right = (step - 1, begin), (step, end)
        (top, bottom), (top2, bottom2) = places[left], places[right]
        y, y2 = (
            top + used_out[left] * (bottom - top) / nodes[left],
            top2 + used_in[right] * (bottom2 - top2) / nodes[right],
        )
        used_out[left] += sessions
        used_in[right] += sessions
        width, width2 = sessions * (bottom - top) / nodes[left], sessions * (bottom2 - top2) / nodes[right]
        for k in range(CURVE + 1):
            along = k / CURVE
            eased = along * along * (3 - 2 * along)
            here = y + (y2 - y) * eased
            points.append(
                {
                    "ribbon": number,
                    "from": begin,
                    "x": (step - 1) * STEP_WIDTH + NODE + along * (STEP_WIDTH - NODE),
                    "y": here,
                    "y2": here + width + (width2 - width) * eased,
                }
            )
    return points


def _named_colours(field: str, colours: dict[str, str]) -> Spec:
    return {
        "field": field,
        "type": "nominal",
        "legend": None,
        "scale": {"domain": [*colours, REST], "range": [*colours.values(), PALE]},
    }
