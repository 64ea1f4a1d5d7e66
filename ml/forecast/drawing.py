"""A forecast as Vega-Lite: what was, what is expected, and its bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ml.forecast.bands import SHARES
from semantic_layer.ask.drawing.scales import COLOURS, HEIGHT, WIDTH, Spec, document, moment

OPACITIES = {0.95: 0.12, 0.8: 0.18, 0.5: 0.25}


def drawing(title: str, subtitle: str, past: Sequence[tuple[date, float]], days: Sequence[Mapping[str, Any]]) -> Spec:
    time: Spec = {
        "field": "time",
        "type": "temporal",
        "scale": {"type": "utc"},
        "axis": {"title": None, "format": "%-d %b", "labelOverlap": True, "grid": False},
    }
    ends = [f"{side}_{share * 100:.0f}" for share in SHARES for side in ("lower", "upper")]
    records = [{"time": moment(day["day"]), **{name: day[name] for name in ("expected", *ends)}} for day in days]
    bands: list[Spec] = [
        {
            "mark": {"type": "area", "color": COLOURS[0], "opacity": OPACITIES[share]},
            "encoding": {
                "x": time,
                "y": {"field": f"lower_{share * 100:.0f}", "type": "quantitative", "axis": {"title": None}},
                "y2": {"field": f"upper_{share * 100:.0f}"},
            },
        }
        for share in reversed(SHARES)
    ]
    line = {"type": "line", "strokeWidth": 2.5, "strokeJoin": "round", "color": COLOURS[0]}
    ahead: Spec = {
        "mark": {**line, "strokeDash": [6, 4]},
        "encoding": {"x": time, "y": {"field": "expected", "type": "quantitative"}},
    }
    known: Spec = {
        "data": {"values": [{"time": moment(day), "value": value} for day, value in past]},
        "mark": line,
        "encoding": {"x": time, "y": {"field": "value", "type": "quantitative"}},
    }
    return document(title, subtitle, data={"values": records}, width=WIDTH, height=HEIGHT, layer=[*bands, ahead, known])
