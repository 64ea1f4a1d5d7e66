"""Charts of answers at a terminal: lines by plotext, the others of blocks. Journeys have theirs in their tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cli.journey_tables import SHADES
from cli.output import console

if TYPE_CHECKING:
    from semantic_layer.ask.answering import Answer
    from semantic_layer.ask.table import Column, Table

HEIGHT, WIDEST = 15, 110
MOST_TIMES = 6  # named below a line
BAR = 30
FILLS = "█▓▒░▚▞"  # also told apart where there are no colours
SHOWN_PERIODS = 60


def draw(answer: Answer) -> None:
    from semantic_layer.ask.charts import ChartType, drawn

    table = drawn(answer.table, answer.chart)
    match answer.chart.type:
        case ChartType.BIG_NUMBER:
            _big_numbers(table)
        case ChartType.LINE | ChartType.LINES:
            _lines(table)
        case ChartType.PANELS:
            from semantic_layer.ask.table import Role

            for metric in table.of(Role.METRIC):
                _lines(table, metric)
        case ChartType.BAR | ChartType.GROUPED:
            _bars(table)
        case ChartType.STACKED:
            _stacked(table)
        case ChartType.HEAT_MAP:
            _heat_map(table)
        case _:
            pass


def _big_numbers(table: Table) -> None:
    from rich.text import Text

    from semantic_layer.ask.changes import Direction, change, say
    from semantic_layer.ask.drawing.scales import BETTER, WORSE
    from semantic_layer.ask.table import Role

    for metric in table.of(Role.METRIC):
        value = table.values(metric)[0]
        previous = table.companion(metric, Role.PREVIOUS)
        line = Text(f"{metric.label}  ").append("–" if value is None else say(table, metric, value), style="bold")
        if previous is not None and value is not None:
            since = change(table, metric, table.values(previous)[0], value)
            if since.moved:
                colour = {"better": BETTER, "worse": WORSE}.get(since.judged, "")
                arrow = "▲" if since.direction is Direction.UP else "▼"
                line.append(f"  {arrow} {since.much}", style=colour)
        console().print(line)


def _lines(table: Table, only: Column | None = None) -> None:
    import plotext
    from rich.text import Text

    from semantic_layer.ask.changes import say
    from semantic_layer.ask.drawing.scales import COLOURS
    from semantic_layer.ask.table import Role

    series = _series(table, only)
    times = sorted({moment for points in series.values() for moment, _ in points})
    metric = only or table.of(Role.METRIC)[0]
    values = [value for points in series.values() for _, value in points]
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.canvas("default")
    figure.plot_size(min(console().width, WIDEST), HEIGHT)
    legend = Text()
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        rgb = (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))
        places = [times.index(moment) for moment, _ in points]
        signal = figure.signal(places, [value for _, value in points], marker=plotext.marker("braille", pixel=rgb))
        if len(points) > 1:
            signal.lines()
        figure.draw(signal)
        legend.append("━━ ", style=colour).append(f"{name}   ")
    ticks = _ticks(min([0.0, *values]), max([0.0, *values]))
    figure.ruler("y").lim(ticks[0], ticks[-1])
    figure.ruler("y").ticks(ticks, [say(table, metric, tick) for tick in ticks])
    step = max(math.ceil(len(times) / MOST_TIMES), 1)
    named = list(range(0, len(times), step))
    figure.ruler("x").ticks(named, [short_time(table, times[place]) for place in named])
    drawn = str(figure.build()).rstrip("\n")
    if len(series) > 1 or only is not None:
        console().print(legend)
    console().print(Text.from_ansi(drawn), no_wrap=True, crop=True)


def _series(table: Table, only: Column | None) -> dict[str, list[tuple[str, float]]]:
    from semantic_layer.ask.periods import periods
    from semantic_layer.ask.reading import NOBODY
    from semantic_layer.ask.table import Role

    time, categories = table.of(Role.TIME)[0], table.of(Role.CATEGORY)
    found: dict[str, list[tuple[str, float]]] = {}
    for period, row in zip(periods(table, time), table.rows, strict=True):
        for metric in [only] if only else table.of(Role.METRIC):
            value = row[table.columns.index(metric)]
            named = [str(row[table.columns.index(category)] or NOBODY) for category in categories]
            if value is not None:
                found.setdefault(" / ".join(named) or metric.label, []).append((period.moment, float(value)))
    return {name: sorted(points) for name, points in found.items()}


def _ticks(low: float, high: float) -> list[float]:
    """Four or five round numbers around the values."""
    if high == low:
        high = low + 1
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step = next(step * factor for factor in (1, 2, 2.5, 5, 10) if (high - low) / (step * factor) <= 4)
    first = math.floor(low / step)
    return [round(step * place, 10) for place in range(first, math.ceil(high / step) + 1)]


def short_time(table: Table, moment: str) -> str:
    from datetime import datetime

    from semantic_layer.ask.table import Role
    from semantic_layer.metrics.models import Grain

    at = datetime.fromisoformat(moment)
    match table.of(Role.TIME)[0].grain:
        case Grain.HOUR:
            return f"{at.day} {at:%b %H:%M}"
        case Grain.MONTH:
            return f"{at:%b %Y}"
        case Grain.QUARTER:
            return f"Q{(at.month + 2) // 3} {at.year}"
        case Grain.YEAR:
            return str(at.year)
    return f"{at.day} {at:%b}"


def _bars(table: Table) -> None:
    from rich.text import Text

    from semantic_layer.ask.changes import say
    from semantic_layer.ask.drawing.scales import COLOURS
    from semantic_layer.ask.reading import NOBODY
    from semantic_layer.ask.table import Role

    category, metrics = table.of(Role.CATEGORY)[0], table.of(Role.METRIC)
    names = [NOBODY if value in (None, "") else str(value) for value in table.values(category)]
    most = max((abs(value) for metric in metrics for value in table.values(metric) if value is not None), default=0)
    width = min(max((len(name) for name in names), default=0), 30)
    if len(metrics) > 1:
        legend = Text()
        for number, metric in enumerate(metrics):
            legend.append(f"{FILLS[number]} ", style=COLOURS[number]).append(f"{metric.label}   ")
        console().print(legend)
    for place, name in enumerate(names):
        for number, metric in enumerate(metrics):
            value = table.values(metric)[place]
            # Without a value there is no bar: none is not nothing.
            length = _blocks(abs(value) / most if most else 0.0) if value is not None else ""
            line = Text(f"{(name if number == 0 else ''):>{width}.{width}}  ")
            line.append(length if number == 0 else FILLS[number] * len(length), style=COLOURS[number])
            line.append(f" {'–' if value is None else say(table, metric, value)}")
            console().print(line)


def _blocks(share: float) -> str:
    eighths = round(share * BAR * 8)
    full, part = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")


def _stacked(table: Table) -> None:
    from rich.text import Text

    from semantic_layer.ask.changes import say
    from semantic_layer.ask.drawing.scales import COLOURS
    from semantic_layer.ask.periods import periods
    from semantic_layer.ask.table import Role

    series = _series(table, None)
    metric = table.of(Role.METRIC)[0]
    sums: dict[str, dict[str, float]] = {}
    for name, points in series.items():
        for moment, value in points:
            sums.setdefault(moment, {})[name] = value
    most = max((sum(parts.values()) for parts in sums.values()), default=0)
    legend = Text()
    for number, name in enumerate(series):
        legend.append(f"{FILLS[number % len(FILLS)]} ", style=COLOURS[number % len(COLOURS)]).append(f"{name}   ")
    console().print(legend)
    whole = {period.moment: period.whole for period in periods(table, table.of(Role.TIME)[0])}
    for moment in sorted(sums)[-SHOWN_PERIODS:]:
        line = Text(f"{short_time(table, moment):>12}  ")
        so_far, drawn = 0.0, 0
        for number, name in enumerate(series):
            so_far += sums[moment].get(name, 0.0)
            # By the sum so far: rounded parts would not add up to a rounded whole.
            end = round(so_far / most * BAR * 1.5) if most else 0
            line.append(FILLS[number % len(FILLS)] * (end - drawn), style=COLOURS[number % len(COLOURS)])
            drawn = end
        line.append(f" {say(table, metric, so_far)}{'' if whole[moment] else ' (incomplete)'}")
        console().print(line)


def _heat_map(table: Table) -> None:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    from semantic_layer.ask.changes import say
    from semantic_layer.ask.reading import NOBODY
    from semantic_layer.ask.table import Role, distinct

    down, across = table.of(Role.CATEGORY)[:2]
    metric = table.of(Role.METRIC)[0]
    cells = dict(zip(zip(table.values(down), table.values(across), strict=True), table.values(metric), strict=True))
    known = [value for value in cells.values() if value is not None]
    low, high = min(known, default=0), max(known, default=0)
    grid = Grid(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    grid.add_column(Text(down.label))
    columns = distinct(table.values(across))
    for name in columns:
        grid.add_column(Text(_named(name, NOBODY)), justify="right")
    for name in distinct(table.values(down)):
        row: list[Any] = [Text(_named(name, NOBODY))]
        for column in columns:
            value = cells.get((name, column))
            shade = SHADES[_shade(value, low, high)] if value is not None else ""
            row.append(
                Text("" if value is None else say(table, metric, value), style=f"black on {shade}" if shade else "")
            )
        grid.add_row(*row)
    console().print(grid)


def _named(value: Any, nobody: str) -> str:
    return nobody if value in (None, "") else str(value)


def _shade(value: float, low: float, high: float) -> int:
    return min(int((value - low) / (high - low) * len(SHADES)), len(SHADES) - 1) if high > low else 0
