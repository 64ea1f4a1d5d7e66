"""Charts as files: Vega-Lite as JSON, or drawn as PNG or SVG, without a browser and without the internet."""

from __future__ import annotations

import json
import os
from pathlib import Path

from semantic_layer.ask.answering import Answer
from semantic_layer.ask.drawing.scales import Spec
from semantic_layer.ask.drawing.vega import specification
from warehouse.errors import MillraceError

FORMATS = (".png", ".svg", ".json")
SCALE = 2  # pixels of a PNG per unit: sharp on today's screens


def write_chart(answer: Answer, path: Path) -> None:
    write_drawing(specification(answer.table, answer.chart, answer.title, answer.subtitle), path)


def write_drawing(drawing: Spec, path: Path) -> None:
    """There when it is complete."""
    body = drawing_bytes(drawing, path.suffix.lower())
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(body)
        unfinished.replace(path)
    except OSError as error:
        raise MillraceError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def drawing_bytes(drawing: Spec, suffix: str) -> bytes:
    spec = json.dumps(drawing, default=float)
    if suffix == ".json":
        return spec.encode()
    import vl_convert

    # No data by URL, whatever a specification may ever hold.
    if suffix == ".svg":
        return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])).encode()
    return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE, allowed_base_urls=[]))
