"""`verify` and `restore`: what is there is moved aside first, and comes back where a restore does not succeed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.aside import forget
from warehouse.backup.making import ended_with_us, server_failures
from warehouse.backup.manifest import BESIDE, SEALED, Manifest, broken
from warehouse.backup.place import Place
from warehouse.backup.quiet import DATABASES, QUERY, VAULT, check_local, quiet
from warehouse.backup.sealing import opened, password_of
from warehouse.connection import connect, insert_rows
from warehouse.errors import MillraceError
from warehouse.migrate import load_steps
from warehouse.private_files import private_folder, replace_private
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

ASIDE = "_before_restore"
# There while what was moved aside is removed: then the restored one counts, and before that the earlier one.
DONE = "millrace_restored"
# `millrace migrate` fills these: with nothing else in it a warehouse is empty.
FROM_FILES = ("raw.projects", "raw.event_types", "ops.schema_migrations")


def verify(settings: Settings, place: Place, name: str) -> list[str]:
    """A sentence for each file of the backup, and of the one that it builds on, that is not what was written."""
    with _at_hand(place, name) as chain:
        return [sentence for one in chain for sentence in broken(place.folder / one.id, one)]


def restore(
    settings: Settings,
    place: Place,
    name: str,
    *,
    replace: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Put the warehouse back as it was, whole or not at all."""
    check_local(settings)
    password = password_of(settings)
    with _at_hand(place, name) as chain:
        backup = chain[-1]
        newest = load_steps()[-1].version
        if backup.schema_version > newest:
            raise MillraceError(
                f"Backup {name} is of schema version {backup.schema_version}; this Millrace knows only {newest}.",
                hint="Restore it with the Millrace that made it, or a newer one.",
            )
        tell("Checking that all of it is there ...")
        if damage := [sentence for one in chain for sentence in broken(place.folder / one.id, one)]:
            more = f" (and {len(damage) - 3:,} more files: `millrace backup verify {name}`)" if len(damage) > 3 else ""
            raise MillraceError(
                f"Backup {name} is damaged: {'; '.join(damage[:3])}{more}. Nothing was changed.",
                hint="Restore another one: `millrace backup list`.",
            )
        folder = place.folder / backup.id
        keys = opened(password, (folder / SEALED).read_bytes())
        with quiet(settings, place), closing(connect(settings, "admin")) as client:
            recover(client)
            if not replace:
                _check_empty(client, settings, folder)
            tell("Restoring ...")
            with _others_aside(client):
                forget(client)
                databases = ", ".join(f"DATABASE {database}" for database in DATABASES)
                # The folder of the other one may have moved since it was written down.
                base = f" SETTINGS base_backup = {place.on_server(backup.base)}" if backup.base else ""
                query_id = f"{QUERY}restore-{backup.id}"
                with ended_with_us(settings, client, query_id), server_failures("restore"):
                    client.command(
                        f"RESTORE {databases} FROM {place.on_server(backup.id)}{base}", settings={"query_id": query_id}
                    )
                client.command(f"TRUNCATE TABLE {VAULT}.salts")
                insert_rows(client, f"{VAULT}.salts", keys["salts"], ("project_id", "salt", "created_at"))
                _put_beside(settings, folder / BESIDE, keys["files"])
    return backup


def recover(client: Client) -> bool:
    """Where a restore was killed: finish it if all was in, else put back what was there before. Safe whenever no
    restore runs."""
    there = {str(row[0]) for row in client.query("SELECT name FROM system.databases").result_rows}
    if DONE in there:
        for database in _moved(there):
            client.command(f"DROP DATABASE {database}{ASIDE} SYNC")
        client.command(f"DROP DATABASE {DONE} SYNC")
        return True
    for database in _moved(there):
        client.command(f"DROP DATABASE IF EXISTS {database} SYNC")
        client.command(f"RENAME DATABASE {database}{ASIDE} TO {database}")
    return bool(_moved(there))


def _moved(there: set[str]) -> list[str]:
    return [database for database in (*DATABASES, VAULT) if f"{database}{ASIDE}" in there]


@contextmanager
def _others_aside(client: Client) -> Iterator[None]:
    try:
        for database in DATABASES:
            client.command(f"RENAME DATABASE {database} TO {database}{ASIDE}")
        # The keys are not in ClickHouse's own backup: their table is made anew, as it was.
        made = str(client.command(f"SHOW CREATE TABLE {VAULT}.salts")).replace("\\n", "\n").replace("\\'", "'")
        client.command(f"RENAME DATABASE {VAULT} TO {VAULT}{ASIDE}")
        client.command(f"CREATE DATABASE {VAULT} ENGINE = Atomic")
        client.command(made)
        yield
        client.command(f"CREATE DATABASE {DONE} ENGINE = Atomic")
    finally:
        recover(client)


@contextmanager
def _at_hand(place: Place, name: str) -> Iterator[list[Manifest]]:
    """The backup, after the one that it builds on, in the folder where the server reads them."""
    place.prepare()
    found = place.find(name)
    chain = [place.find(found.base), found] if found.base else [found]
    try:
        for one in chain:
            place.fetch(one)
        yield chain
    finally:
        for one in chain:
            place.forget(one)


def _check_empty(client: Client, settings: Settings, folder: Path) -> None:
    filled = client.query(
        "SELECT concat(database, '.', name) AS filled, total_rows FROM system.tables "
        "WHERE database IN {databases:Array(String)} AND total_rows > 0 AND filled NOT IN {known:Array(String)} "
        "ORDER BY total_rows DESC",
        parameters={"databases": list(DATABASES), "known": list(FROM_FILES)},
    ).result_rows
    there = [f"{table} ({rows:,} rows)" for table, rows in filled]
    there += [str(target) for _, target in _files_of(settings, folder / BESIDE) if target.exists()]
    if there:
        more = f" and {len(there) - 3:,} more" if len(there) > 3 else ""
        raise MillraceError(
            f"This warehouse is not empty: {', '.join(there[:3])}{more}. Nothing was changed.",
            hint="With --replace what is here is removed, once the backup is in.",
        )


def _files_of(settings: Settings, beside: Path) -> list[tuple[Path, Path]]:
    """Each file in the backup, and where it belongs."""
    return [
        (path, settings.data_dir / path.relative_to(beside)) for path in sorted(beside.rglob("*")) if path.is_file()
    ]


def _put_beside(settings: Settings, beside: Path, secrets: dict[str, str]) -> None:
    for source, target in _files_of(settings, beside):
        private_folder(target.parent)
        unfinished = target.with_name(f".{target.name}.restoring")
        shutil.copy(source, unfinished)
        unfinished.replace(target)
    for name, text in secrets.items():
        private_folder((settings.data_dir / name).parent)
        replace_private(settings.data_dir / name, text)
