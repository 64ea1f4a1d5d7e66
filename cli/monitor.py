"""`millrace monitor run | list | show | ack | resolve`."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from cli.listing import plain
from cli.output import Format, FormatOption, print_json, print_table, print_text, say
from warehouse.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="Watched metrics, and what they did that was not to be expected.")
AnomalyArgument = Annotated[str, typer.Argument(metavar="ANOMALY", help="Its id, or the beginning of it.")]
NoteOption = Annotated[str, typer.Option(help="What there is to say of it.")]


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="monitor")


@app.command()
def run(
    project: Annotated[str | None, typer.Option(help="Of this project alone.")] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Look at every watched series, and write down what is unusual."""
    from monitoring.watch.running import look

    looked = look(load_settings(), project)
    if format is Format.JSON:
        counts = {"series": looked.series, "anomalies": len(looked.findings), "new": looked.new, "ended": looked.ended}
        print_json({**counts, "failures": looked.failures})
    else:
        found = f"{looked.series:,} series, {len(looked.findings):,} anomalies"
        print_text(f"{found}: {looked.new:,} new, {looked.ended:,} ended.")
        print_text("Next: millrace monitor list --all")
    for failure in looked.failures:
        say(f"Not looked at: {failure}")
    if looked.failures:
        raise typer.Exit(1)


@app.command("list")
def list_anomalies(
    all: Annotated[bool, typer.Option("--all", help="Also those that are resolved.")] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """The anomalies that are not resolved, the newest first."""
    from monitoring.watch.store import read_anomalies

    settings = load_settings()
    found = read_anomalies(settings, all)
    if format is Format.JSON:
        print_json(found)
        return
    if not found:
        print_text("No anomaly was ever found." if all else "No anomaly is open; --all shows those of before.")
        return
    clock_of = _clocks(settings)
    print_table(
        ("anomaly", "since", "what", "value", "expected", "mostly"),
        [
            (
                *(
                    one["anomaly_id"][:8],
                    _since(one, clock_of(one["project_id"])),
                    f"{_what(one)}: {one['kind']}, {one['severity']}",
                ),
                *(_figure(one["value"]), _figure(one["expected"]), _mostly(one)),
            )
            for one in found
        ],
    )
    print_text(f"Next: millrace monitor show {found[0]['anomaly_id'][:8]}")


@app.command()
def show(anomaly: AnomalyArgument, format: FormatOption = Format.TABLE) -> None:
    """What happened, what explains it, and what else happened then."""
    from monitoring.watch.baselines import read_baselines
    from monitoring.watch.links import to_open
    from monitoring.watch.store import read_anomaly

    settings = load_settings()
    one = read_anomaly(settings, anomaly)
    clock = _clocks(settings)(one["project_id"])
    commands = to_open(one, clock.key)
    judged_by = read_baselines(settings).get((one["series"], one["project_id"]))
    if format is Format.JSON:
        known = {**judged_by, "learned_until": plain(judged_by["learned_until"])} if judged_by else None
        print_json({**one, "open": commands, "judged_by": known})
        return
    print_text(f"Anomaly {one['anomaly_id'][:8]} is {one['status']}: {one['kind']} of {_what(one)}, {one['severity']}.")
    begun, ended = (f"{_there(one[name], clock):%Y-%m-%d %H:%M}" for name in ("started_at", "ended_at"))
    print_text(f"When:       {begun} to {ended} {clock.key}, {one['points']} points ({one['grain']})")
    change = "" if one["deviation"] is None else f", {one['deviation']:+.0%}"
    band = f"{_figure(one['lower'])} to {_figure(one['upper'])}"
    print_text(f"Value:      {_figure(one['value'])} instead of {_figure(one['expected'])} ({band}){change}")
    print_text(f"Confidence: {one['confidence']:.2f}")
    if judged_by:
        learned = f"{judged_by['points']:,} points, the last of {judged_by['learned_until']:%Y-%m-%d %H:%M} UTC"
        print_text(f"Judged by:  detectors {judged_by['version']}; they know {learned}")
    print_text(f"Ask:        {one['owner'] or 'nobody is named'}")
    for cause in one["causes"]:
        print_text(f"Also then:  {_there(cause['at'], clock):%Y-%m-%d %H:%M} {cause['kind']} {cause['name']}")
    for said in one["notes"]:
        print_text(f"Note:       {_there(said['at'], clock):%Y-%m-%d %H:%M} {said['author']}: {said['text']}")
    if one["explanation"]:
        print_table(
            ("segment", "value", "expected", "share of the change"),
            [
                (
                    _segment(part["dimensions"]),
                    _figure(part["value"]),
                    _figure(part["expected"]),
                    f"{part['share']:.0%}",
                )
                for part in one["explanation"]
            ],
        )
    for command in commands:
        print_text(f"Open:       {command}")


def _clocks(settings: Settings) -> Callable[[str], ZoneInfo]:
    """Days are those of the project: 1 July in Berlin begins on 30 June in UTC."""
    from warehouse.projects import load_projects

    projects = load_projects(settings)
    return lambda project: ZoneInfo(projects[project].timezone if project in projects else "UTC")


def _there(moment: str, clock: ZoneInfo) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).astimezone(clock)


def _since(one: dict[str, Any], clock: ZoneInfo) -> str:
    begun = _there(one["started_at"], clock)
    return f"{begun:%Y-%m-%d %H:%M}" if one["grain"] == "hour" else f"{begun:%Y-%m-%d}"


@app.command()
def ack(anomaly: AnomalyArgument, note: NoteOption = "") -> None:
    """Say that somebody looks at it."""
    _noted(anomaly, "acknowledged", note)


@app.command()
def resolve(anomaly: AnomalyArgument, note: NoteOption = "") -> None:
    """Say that it is over."""
    _noted(anomaly, "resolved", note)


def _noted(anomaly: str, status: str, text: str) -> None:
    from monitoring.watch.store import note

    one = note(load_settings(), anomaly, status, getpass.getuser(), text)
    print_text(f"Anomaly {one['anomaly_id'][:8]} is {status}.")


def _what(one: dict[str, Any]) -> str:
    segment = f" ({_segment(one['dimensions'])})" if one["dimensions"] else ""
    return f"{one['series'].partition(':')[2]} of {one['project_id']}{segment}"


def _segment(dimensions: dict[str, str]) -> str:
    return ", ".join(f"{name.rpartition('__')[2]} {value}" for name, value in dimensions.items())


def _mostly(one: dict[str, Any]) -> str:
    return (
        f"{_segment(one['explanation'][0]['dimensions'])} ({one['explanation'][0]['share']:.0%})"
        if one["explanation"]
        else ""
    )


def _figure(number: float | None) -> str:
    return "" if number is None else f"{number:,.4g}" if abs(number) < 1000 else f"{number:,.0f}"
