"""`millrace detect`."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import console, print_json, print_table, print_text, say

if TYPE_CHECKING:
    from monitoring.detectors.detection import Detection
    from monitoring.detectors.reading import Table

COLUMNS = ("timestamp", "value", "anomaly_score", "is_anomaly", "expected", "lower", "upper")
SHOWN = 20
PLOT_WIDTH, PLOT_HEIGHT = 79, 16


class PointsFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    app.command()(detect)


def detect(
    file: Annotated[Path, typer.Argument(help="A CSV file with a header.")],
    timestamp: Annotated[str, typer.Option(help="The column of times.")] = "timestamp",
    value: Annotated[str, typer.Option(help="The column of numbers.")] = "value",
    sensitivity: Annotated[
        float, typer.Option(min=0.1, max=1.0, help="0.1: only what is extreme; 1.0: whatever is odd.")
    ] = 0.5,
    timezone: Annotated[str, typer.Option(help="Where days begin, and of times that name no timezone.")] = "UTC",
    holidays: Annotated[
        str, typer.Option(help="A country or region, as DE or DE-BY, whose holidays are judged as Sundays.")
    ] = "",
    format: Annotated[PointsFormat, typer.Option("--format", help="csv and json: every point.")] = PointsFormat.TABLE,
) -> None:
    """Find what is unusual in a series; each point is judged by itself and the points before it."""
    from monitoring.detectors.detection import detect as judge
    from monitoring.detectors.reading import read_points

    table = read_points(file, timestamp, value, timezone, holidays)
    for remark in table.remarks:
        say(remark)
    detection = judge(table.series, sensitivity)
    if format is PointsFormat.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(["" if cell is None else cell for cell in row] for row in _points(table, detection))
    elif format is PointsFormat.JSON:
        print_json([dict(zip(COLUMNS, row, strict=True)) for row in _points(table, detection)])
    else:
        _print(table, detection, file)


def _points(table: Table, detection: Detection) -> Iterator[tuple[Any, ...]]:
    for stamp, value, score, is_anomaly, *band in zip(
        table.stamps,
        table.series.values.tolist(),
        detection.scores.tolist(),
        detection.is_anomaly.tolist(),
        detection.expected.tolist(),
        detection.lower.tolist(),
        detection.upper.tolist(),
        strict=True,
    ):
        yield stamp, _told(value), round(score, 4), is_anomaly, *map(_told, band)


def _told(number: float) -> float | None:
    return float(f"{number:.12g}") if math.isfinite(number) else None


def _print(table: Table, detection: Detection, file: Path) -> None:
    from monitoring.detectors.anomalies import anomalies
    from monitoring.detectors.detection import LEAST_HISTORY

    found = anomalies(table.series, detection)
    _draw(table, detection)
    if found:
        worst = sorted(found, key=lambda one: -one.score)[:SHOWN]
        print_table(
            ("from", "points", "type", "value", "expected", "score"),
            [
                (
                    *(table.stamps[one.first], one.last - one.first + 1, one.type),
                    *(f"{one.value:,.6g}", f"{one.expected:,.6g}", f"{one.score:.2f}"),
                )
                for one in sorted(worst, key=lambda one: one.first)
            ],
        )
    what, of = "anomaly" if len(found) == 1 else "anomalies", "point" if len(table.series) == 1 else "points"
    told = f"{len(found):,} {what} in {len(table.series):,} {of}"
    print_text(told + (f", the {SHOWN} most surprising are shown." if len(found) > SHOWN else "."))
    if len(table.series) < LEAST_HISTORY:
        say(f"So few are no past to judge by: it takes {LEAST_HISTORY} points and two days.")
    say(f"Every point with its score: millrace detect {file} --format csv")


def _draw(table: Table, detection: Detection) -> None:
    import numpy as np
    import plotext
    from rich.text import Text

    known = np.isfinite(table.series.values)
    if known.sum() < 2:
        return
    points = np.arange(len(table.series))
    odd = detection.is_anomaly & known
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.canvas("default")
    figure.plot_size(PLOT_WIDTH, PLOT_HEIGHT)
    line = figure.signal(points[known].tolist(), table.series.values[known].tolist(), marker=plotext.marker("braille"))
    line.lines()
    figure.draw(line)
    if odd.any():
        marked = figure.signal(points[odd].tolist(), table.series.values[odd].tolist(), marker=plotext.marker("●"))
        figure.draw(marked)
    ticks = np.linspace(0, len(points) - 1, 4).astype(int).tolist()
    figure.ruler("x").ticks(ticks, [table.stamps[tick][:10] for tick in ticks])
    console().print(Text.from_ansi(str(figure.build()).rstrip("\n")), no_wrap=True, crop=True)
