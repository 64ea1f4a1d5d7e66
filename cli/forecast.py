"""`millrace forecast run | list | show`."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Format, FormatOption, console, print_json, print_table, print_text, say
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from ml.forecast.reading import Subject

app = typer.Typer(no_args_is_help=True, help="What metrics are expected to be, and how large the warehouse.")
PLOT_WIDTH, PLOT_HEIGHT = 79, 16
SHOWN_PAST = 60  # days before the forecast
SHOWN_DAYS = 14  # in the table: each of the first ones, then one a week


class DaysFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


ProjectOption = Annotated[str | None, typer.Option(help="Of this project alone.")]


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="forecast")


@app.command()
def run(
    project: ProjectOption = None,
    metric: Annotated[list[str] | None, typer.Option(help="This metric; may be repeated.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As if nothing were known of later days.")
    ] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Forecast every metric that says so, and the warehouse's size: each by the method that backtests prefer."""
    from ml.forecast.running import run as run_all

    with console(stderr=True).status("reading …") as status:
        done = run_all(
            load_settings(), project, metric or (), until.date() if until else None, lambda one: status.update(one)
        )
    for sentence in done.left_out:
        say(f"Left out: {sentence}")
    if format is Format.JSON:
        made = [_summary(one.subject.project, one.subject.name, one.learned.method) for one in done.told]
        print_json({"forecasts": made, "left_out": done.left_out})
        return
    if not done.told:
        print_text("Nothing is forecast: no metric says so in its YAML (docs/forecasts.md).")
        return
    won = ", ".join(f"{name} {count}" for name, count in Counter(one.learned.method for one in done.told).most_common())
    print_text(f"{len(done.told):,} series forecast. Chosen: {won}.")
    print_text("Next: millrace forecast list")


@app.command("list")
def list_forecasts(project: ProjectOption = None, format: FormatOption = Format.TABLE) -> None:
    """The newest forecast of each series: what is expected in a week, a month and three; how good the method was."""
    from ml.forecast.declared import HORIZONS
    from ml.forecast.store import read_backtests, read_newest

    settings = load_settings()
    days, scores = read_newest(settings, project=project), read_backtests(settings, project=project)
    chosen = {(one["project_id"], one["series"]): one for one in scores if one["is_chosen"]}
    found: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for day in days:
        found.setdefault((day["project_id"], day["series"]), {})[day["days_ahead"]] = day
    if format is Format.JSON:
        print_json(
            [
                {**chosen[key], "expected": {h: ahead[h]["expected"] for h in HORIZONS if h in ahead}}
                for key, ahead in found.items()
            ]
        )
        return
    if not found:
        print_text("Nothing was ever forecast.")
        print_text("Next: millrace forecast run")
        return
    print_table(
        (
            "series",
            "project",
            "method",
            "MASE",
            "80 % held",
            *(f"+{h} d" for h in HORIZONS),
        ),
        [
            (
                *(_short(key[1]), key[0] or "–", chosen[key]["method"]),
                *(_figure(chosen[key]["mase"]), f"{chosen[key]['coverage_80']:.0%}"),
                *(_figure(ahead[h]["expected"]) if h in ahead else "" for h in HORIZONS),
            )
            for key, ahead in found.items()
        ],
    )
    known = sorted({str(one["made_on"]) for one in chosen.values()})
    until = known[0] if len(known) == 1 else f"{known[0]} to {known[-1]}"
    print_text(f"Known until {until}. MASE below 1: nearer to what came than the same day of the week before was.")
    first = next(iter(found))
    print_text(f"Next: millrace forecast show {_short(first[1])}{f' --project {first[0]}' if first[0] else ''}")


@app.command()
def show(
    metric: Annotated[str, typer.Argument(help="A metric, or rows:marts, bytes:warehouse and the like.")],
    project: ProjectOption = None,
    horizon: Annotated[int, typer.Option(min=1, max=90, help="How many days ahead.")] = 30,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The newest that knew no day after this one.")
    ] = None,
    format: Annotated[DaysFormat, typer.Option("--format", help="csv and json: every day.")] = DaysFormat.TABLE,
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the chart: .png, .svg, or .json (Vega-Lite).")
    ] = None,
) -> None:
    """The newest forecast of a metric: a picture, its days with their bands, and how the methods did."""
    from cli.ask import check_chart
    from ml.forecast.store import LAST_DAY, read_backtests

    check_chart(chart)
    settings = load_settings()
    last = until.date() if until else LAST_DAY
    days = [day for day in _newest(settings, metric, project, last) if day["days_ahead"] <= horizon]
    first = days[0]
    scores = read_backtests(settings, [first["series"]], first["project_id"], last)
    if chart is not None:
        _write_chart(settings, days, chart)
        say(f"The chart is in {chart}.")
    if format is DaysFormat.JSON:
        print_json({**_summary(first["project_id"], first["series"], first["method"]), "days": days, "methods": scores})
    elif format is DaysFormat.CSV:
        writer = csv.DictWriter(sys.stdout, list(first), lineterminator="\n")
        writer.writeheader()
        writer.writerows(days)
    else:
        _print(settings, days, scores)
    if format is not DaysFormat.JSON and len(days) < horizon:
        say(f"No further than {len(days)} days: the series goes back no further, or its YAML says so.")


def _newest(settings: Settings, metric: str, project: str | None, until: date) -> list[dict[str, Any]]:
    from ml.forecast.store import LAST_DAY, read_newest

    series = metric if ":" in metric else f"metric:{metric}"
    days = read_newest(settings, [series], project, until)
    projects = sorted({day["project_id"] for day in days})
    if not days and until != LAST_DAY and (later := read_newest(settings, [series], project)):
        raise MillraceError(
            f"No forecast of {metric} knew no day after {until}; the newest one knew {later[0]['made_on']}.",
            hint=f"Make it: millrace forecast run --metric {metric} --until {until}",
        )
    if not days:
        known = sorted({_short(day["series"]) for day in read_newest(settings)})
        raise MillraceError(
            f"There is no forecast of {metric}{f' of {project}' if project else ''}{nearest(metric, known) or '.'}",
            hint=f"There are: {', '.join(known)}." if known else "Make them: millrace forecast run",
        )
    if len(projects) > 1:
        raise WrongUsage(f"{metric} is forecast of {', '.join(projects)}.", hint=f"Add --project {projects[0]}.")
    return days


def _print(settings: Settings, days: Sequence[dict[str, Any]], scores: Sequence[dict[str, Any]]) -> None:
    first = days[0]
    past = _past(settings, first)
    if past:
        _draw(past, days)
    whose = f" of {first['project_id']}" if first["project_id"] else ""
    print_text(f"{_short(first['series'])}{whose}, known until {first['made_on']}; method {first['method']}.")
    print_table(
        ("day", "expected", "50 %", "80 %", "95 %"),
        [
            (
                *(str(day["day"]), _figure(day["expected"])),
                *(f"{_figure(day[f'lower_{share}'])} – {_figure(day[f'upper_{share}'])}" for share in (50, 80, 95)),
            )
            for day in days
            if day["days_ahead"] <= SHOWN_DAYS or day["days_ahead"] % 7 == 0
        ],
    )
    print_table(
        ("method", "MASE", "sMAPE", "MAPE", "50 % held", "80 % held", "95 % held"),
        [
            (
                f"{one['method']}{' (chosen)' if one['is_chosen'] else ''}",
                *(_figure(one["mase"]), f"{one['smape']:.1%}", "" if one["mape"] is None else f"{one['mape']:.1%}"),
                *(f"{one[f'coverage_{share}']:.0%}" for share in (50, 80, 95)),
            )
            for one in scores
        ],
    )


def _past(settings: Settings, first: dict[str, Any]) -> list[tuple[date, float]]:
    """What is known of the days before; nothing, where the metric is declared no more."""
    import math

    subject = _subject(settings, first)
    if subject is None or subject.series.start is None:
        return []
    start = subject.series.start
    values = subject.series.values.tolist()
    known = [(start + timedelta(days=place), value) for place, value in enumerate(values) if math.isfinite(value)]
    return known[-SHOWN_PAST:]


def _subject(settings: Settings, first: dict[str, Any]) -> Subject | None:
    from ml.forecast.reading import read_storage
    from ml.forecast.running import subjects

    kind, _, name = first["series"].partition(":")
    if kind == "metric":
        return next(iter(subjects(settings, first["project_id"], [name], first["made_on"])), None)
    stored = read_storage(settings, first["made_on"])
    return next((one for one in stored if one.name == first["series"]), None)


def _draw(past: Sequence[tuple[date, float]], days: Sequence[dict[str, Any]]) -> None:
    import plotext
    from rich.text import Text

    from semantic_layer.ask.drawing.scales import COLOURS

    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.canvas("default")
    figure.plot_size(min(console().width, PLOT_WIDTH), PLOT_HEIGHT)
    moments = [*(day for day, _ in past), *(day["day"] for day in days)]
    begun = moments[0]

    def line(points: Sequence[tuple[date, float]], colour: str) -> None:
        rgb = (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))
        places = [(day - begun).days for day, _ in points]
        signal = figure.signal(places, [value for _, value in points], marker=plotext.marker("braille", pixel=rgb))
        signal.lines()
        figure.draw(signal)

    for side in ("lower_80", "upper_80"):
        line([(day["day"], day[side]) for day in days], COLOURS[4])
    line(past, COLOURS[0])
    line([(day["day"], day["expected"]) for day in days], COLOURS[1])
    last = (moments[-1] - begun).days
    ticks = [round(last * share / 3) for share in range(4)]
    figure.ruler("x").ticks(ticks, [str(begun + timedelta(days=tick)) for tick in ticks])
    console().print(Text.from_ansi(str(figure.build()).rstrip("\n")), no_wrap=True, crop=True)
    legend = Text()
    for colour, what in ((COLOURS[0], "known"), (COLOURS[1], "expected"), (COLOURS[4], "80 % band")):
        legend.append("━━ ", style=colour).append(f"{what}   ")
    console().print(legend)


def _write_chart(settings: Settings, days: Sequence[dict[str, Any]], path: Path) -> None:
    from ml.forecast.drawing import drawing
    from semantic_layer.ask.drawing.files import write_drawing

    first = days[0]
    whose = f" of {first['project_id']}" if first["project_id"] else ""
    title = f"{_short(first['series'])}{whose}, {len(days)} days ahead"
    subtitle = f"Known until {first['made_on']}; by {first['method']}; bands of 50, 80 and 95 %."
    write_drawing(drawing(title, subtitle, _past(settings, first), days), path)


def _summary(project: str, series: str, method: str) -> dict[str, str]:
    return {"project_id": project, "series": series, "method": method}


def _short(series: str) -> str:
    return series.removeprefix("metric:")


def _figure(number: float | None) -> str:
    return "" if number is None else f"{number:,.3g}" if abs(number) < 1000 else f"{number:,.0f}"
