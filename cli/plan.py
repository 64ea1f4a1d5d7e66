"""`millrace plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Format, FormatOption, human_bytes, print_json, print_table, print_text
from warehouse.errors import WrongUsage
from warehouse.settings import load_settings


def register(app: typer.Typer) -> None:
    app.command()(plan)


def plan(
    events_per_day: Annotated[str, typer.Option(metavar="NUMBER", help="As 500k, 100M or 2G.")],
    retention: Annotated[str, typer.Option(metavar="TIME", help="How long events are kept: 90d, 2y.")] = "365d",
    cores: Annotated[int, typer.Option(min=1, max=1024, help="Of one server.")] = 16,
    disk: Annotated[str, typer.Option(metavar="SIZE", help="Of one server, as 4TiB.")] = "4TiB",
    format: FormatOption = Format.TABLE,
) -> None:
    """Disk, memory, shards and time that so many events need, reckoned from what this warehouse measured of itself."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    from warehouse import planning

    try:
        disk_bytes = int(TypeAdapter(ByteSize).validate_python(disk))
    except ValidationError as error:
        raise WrongUsage(f"{disk!r} is no size: write it as 500GiB or 4TiB.") from error
    if not disk_bytes:
        raise WrongUsage("A server without a disk holds nothing.")
    wish = planning.Wish(planning.number_of(events_per_day), planning.days_of(retention), cores, disk_bytes)
    measured = planning.measure(load_settings())
    made = planning.plan(measured, wish)
    assumed = planning.assumptions(measured, wish)
    if format is Format.JSON:
        print_json(
            {
                "wish": vars(wish),
                "measured": vars(measured),
                "plan": {**vars(made), "shards": made.shards},
                "assumptions": assumed,
            }
        )
        return
    rows = [(f"{layer}, bytes per event", f"{size:,.1f}") for layer, size in measured.bytes_per_event.items()]
    rows += [
        ("load, events per second", f"{measured.load_events_per_second or 0:,.0f}"),
        ("build, core seconds per million events", f"{(measured.build_cpu_seconds_per_event or 0) * 1e6:,.1f}"),
    ]
    print_table(("measured here", ""), rows)
    print_table(
        (f"for {wish.events_per_day:,} events a day, kept {wish.retention_days:,} days", ""),
        [
            ("disk in all", human_bytes(made.disk_bytes)),
            ("memory of a server", human_bytes(made.memory_bytes)),
            ("load, hours a day on one server", f"{made.load_hours_per_day:,.2f}"),
            ("build, hours a day on one server", f"{made.build_hours_per_day:,.2f}"),
            ("shards", f"{made.shards:,} (disk asks for {made.shards_for_disk:,}, time for {made.shards_for_time:,})"),
        ],
    )
    for sentence in assumed:
        print_text(f"- {sentence}")
