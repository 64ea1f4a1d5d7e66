"""`millrace backup create | list | verify | restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Format, FormatOption, human_bytes, print_json, print_table, print_text, say
from warehouse.errors import MillraceError
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from warehouse.backup.making import Beside
    from warehouse.backup.place import Place

app = typer.Typer(help="Backups of the warehouse, into a folder or an object store, and back.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="The backup's id; `millrace backup list` has them.")]


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="backup")


@app.command()
def create(
    full: Annotated[
        bool, typer.Option("--full", help="All of it, also where a full one of the last 7 days is there.")
    ] = False,
    keep: Annotated[
        int, typer.Option("--keep", min=0, help="Afterwards keep only so many, and what they build on. 0: all.")
    ] = 0,
    format: FormatOption = Format.TABLE,
) -> None:
    """Back up the warehouse: all of it, or what changed since the last full backup. Loads and builds wait meanwhile."""
    from warehouse.backup.making import create as make
    from warehouse.backup.making import described

    settings = load_settings()
    made = make(settings, _place(settings), _beside(settings), full=full, keep=keep, tell=say)
    if format is Format.JSON:
        print_json(described(made))
        return
    print_text(f"Backup {made.id} ({made.kind}): {human_bytes(made.bytes)}, {made.events:,} events.")


@app.command("list")
def list_backups(format: FormatOption = Format.TABLE) -> None:
    """Backups, oldest first."""
    from warehouse.backup.making import described

    place = _place(load_settings())
    rows: list[dict[str, Any]] = []
    for name in place.names():
        try:
            found = place.manifest(name)
            rows.append(described(found) if found else {"id": name, "complete": False})
        except MillraceError as error:
            say(f"Warning: {error.message}")
            rows.append({"id": name, "complete": False})
    if format is Format.JSON:
        print_json(rows)
        return
    print_table(
        ("backup", "what", "size", "events"),
        [
            (
                row["id"],
                f"changes since {row['base']}" if row["base"] else "full",
                human_bytes(row["bytes"]),
                row["events"],
            )
            if row["complete"]
            else (row["id"], "not complete", "", "")
            for row in rows
        ],
    )


@app.command()
def verify(name: NameArgument) -> None:
    """Is every file of a backup, and of the one that it builds on, what was written?"""
    from warehouse.backup import restoring

    settings = load_settings()
    damage = restoring.verify(settings, _place(settings), name)
    for sentence in damage:
        print_text(sentence)
    if damage:
        raise MillraceError(f"Backup {name} is damaged: {len(damage):,} files.")
    print_text(f"Backup {name} is whole.")


@app.command()
def restore(
    name: NameArgument,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where this warehouse is not empty: what is in it is removed.")
    ] = False,
) -> None:
    """Put the warehouse back as it was at a backup: whole, or not at all."""
    from bi.service import Service
    from cli.schema import bring_up_to_date
    from ml.registry.moving import moved
    from warehouse.backup import restoring

    settings = load_settings()
    if Service(settings).running():
        raise MillraceError("Superset is running on what would be replaced.", hint="`millrace bi down` first.")
    backup = restoring.restore(settings, _place(settings), name, replace=replace, tell=say)
    moved(settings, backup.data_dir)
    bring_up_to_date(settings)
    print_text(f"Restored: the warehouse of {backup.created_at}, {backup.events:,} events.")
    say("What was erased since that backup is back: erase it again (docs/privacy.md).")


def _place(settings: Settings) -> Place:
    from warehouse.backup.place import Place

    if "://" not in settings.backups:
        return Place(settings)
    from ingestion.inputs import store_of

    return Place(settings, store_of(settings.backups))


def _beside(settings: Settings) -> Beside:
    from bi.home import Home
    from ml.registry.store import Store
    from warehouse.backup.making import Beside

    store, superset = Store(settings), Home(settings.data_dir / "bi")
    return Beside(
        databases=(store.database, superset.database),
        folders=(store.folder / "artifacts",),
        secrets=(superset.secrets_file, superset.passwords_file),
    )
