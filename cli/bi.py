"""`millrace bi`: Superset, and its dashboards as code."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bi_people
from cli.output import Format, FormatOption, print_json, print_table, print_text, say
from warehouse.errors import MillraceError
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from bi.syncing import Synced

commands = typer.Typer(help="Superset: dashboards of the marts, kept in dashboards/*.yaml.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    bi_people.register(commands)
    app.add_typer(commands, name="bi")


@commands.command()
def up() -> None:
    """Start Superset and bring its dashboards up to date; at first it is installed, which takes a minute or two."""
    from bi.home import ADMIN
    from bi.service import Service
    from warehouse.lineage.graph import built_graph

    settings = load_settings()
    service = Service(settings)
    found = service.up(say)
    if built_graph(settings).nodes:
        from bi.syncing import sync as brought

        _say_synced(brought(settings, service))
    else:
        say("No dashboards yet: `millrace build`, then `millrace bi sync`.")
    print_text(f"Superset at {found.url}")
    print_text(f"User {ADMIN}; its password is admin_password in {service.home.secrets_file}")


@commands.command()
def down() -> None:
    """Stop Superset; what people made in it stays."""
    from bi.service import Service

    print_text("Stopped." if Service(load_settings()).down() else "Nothing was running.")


@commands.command()
def status(format: FormatOption = Format.TABLE) -> None:
    """Whether Superset runs, and where. Exit code 1 where it does not."""
    from bi.service import Service

    service = Service(load_settings())
    found = service.running()
    log = str(service.home.log)
    if format is Format.JSON:
        told = {"url": found.url, "pid": found.pid} if found else {"url": None, "pid": None}
        print_json({"status": "running" if found else "stopped", **told, "log": log})
    elif found:
        print_text(f"Superset runs at {found.url}, process {found.pid}. Its log: {log}")
    else:
        print_text("Superset is not running. Start it with `millrace bi up`.")
    if not found:
        raise typer.Exit(1)


@commands.command()
def sync(format: FormatOption = Format.TABLE) -> None:
    """Bring datasets, charts and dashboards into the Superset that runs, and remove those that are declared no more."""
    from bi.service import Service
    from bi.syncing import sync as brought

    settings = load_settings()
    done = brought(settings, Service(settings))
    if format is Format.JSON:
        changed = [asdict(one) for one in done.changed]
        print_json({"changed": changed, "removed": list(done.removed), "unchanged": done.unchanged})
        return
    if done.changed:
        print_table(("kind", "name", "what was another"), [(one.kind, one.name, one.what) for one in done.changed])
    for one in done.removed:
        print_text(f"Removed: {one}.")
    _say_synced(done)


@commands.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="A ZIP, as Superset imports it.")] = Path("bi.zip"),
) -> None:
    """Write what is declared as a ZIP for another Superset; none needs to run."""
    from bi.bundle import files, zipped
    from bi.syncing import bundle_of

    bundle = bundle_of(load_settings())
    try:
        output.write_bytes(zipped(files(bundle)))
    except OSError as error:
        raise MillraceError(f"{output} cannot be written: {error.strerror or error}.") from error
    print_text(
        f"{len(bundle.datasets)} datasets, {len(bundle.charts)} charts, {len(bundle.dashboards)} dashboards: {output}"
    )


@commands.command()
def validate(format: FormatOption = Format.TABLE) -> None:
    """Import what is declared into a Superset that is thrown away, and ask every chart; then look for what was edited
    by hand in the one that runs. Exit code 1 where a chart fails or something was edited."""
    from bi.service import Service
    from bi.validating import validate as validated

    settings = load_settings()
    found = validated(settings, Service(settings), say)
    if format is Format.JSON:
        print_json(asdict(found))
    else:
        for problem in found.problems:
            print_text(f"{problem.place}: {problem.chart}: {problem.sentence}")
        for one in found.drift:
            print_text(f"Edited by hand: {one.kind} {one.name} ({one.what}). `millrace bi sync` puts it back.")
        print_text(
            f"{found.charts} charts, {len(found.problems)} of them fail; {len(found.drift)} things edited by hand."
        )
    if found.problems or found.drift:
        raise typer.Exit(1)


@commands.command()
def metrics(format: FormatOption = Format.TABLE) -> None:
    """Metrics that no dataset of Superset has, and why: `millrace metrics query` answers these."""
    from bi.syncing import metrics_of

    known = list(metrics_of(load_settings()))
    absent = [(name, why) for name, found, why in known if not found]
    if format is Format.JSON:
        print_json([{"metric": name, "datasets": list(found), "absent": why} for name, found, why in known])
        return
    print_table(("metric", "not in Superset, as it is"), absent)
    print_text(f"{len(known) - len(absent)} of {len(known)} metrics are in Superset.")


def _say_synced(done: Synced) -> None:
    say(
        f"Dashboards are up to date: {len(done.changed)} of {len(done.changed) + done.unchanged} things were changed, "
        f"{len(done.removed)} removed."
    )
