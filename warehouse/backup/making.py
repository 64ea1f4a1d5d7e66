"""`create`: ClickHouse's own BACKUP, what lies beside it, the keys sealed, and the list of it all last."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.backup import manifest as listing
from warehouse.backup.manifest import BESIDE, SEALED, Manifest
from warehouse.backup.place import Place
from warehouse.backup.quiet import DATABASES, QUERY, VAULT, check_local, quiet
from warehouse.backup.sealing import password_of, sealed
from warehouse.connection import connect, first_line
from warehouse.errors import MillraceError
from warehouse.private_files import private_folder, replace_private
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# So long, a backup has only what changed since the last full one. Merges write anew what did not change: later it would
# be most of everything.
FULL_AFTER = timedelta(days=7)
SPARE_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Beside:
    """What lies in the data directory and cannot be made again."""

    databases: tuple[Path, ...]  # of SQLite
    folders: tuple[Path, ...]
    secrets: tuple[Path, ...]


def create(
    settings: Settings,
    place: Place,
    beside: Beside,
    *,
    full: bool = False,
    keep: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Make a backup, then remove older ones: `keep` are left, and the full ones that these need. 0: all of them."""
    check_local(settings)
    password = password_of(settings)
    place.prepare()
    with quiet(settings, place), closing(connect(settings, "admin")) as client:
        _sweep(client, place, tell)
        base = None if full else _base(place)
        _check_room(client, place, base)
        made = _make(settings, client, place, beside, base, password)
        _prune(place, keep, tell)
    return made


def _make(
    settings: Settings, client: Client, place: Place, beside: Beside, base: Manifest | None, password: str
) -> Manifest:
    begun, folder = _new_folder(place)
    try:
        if base:
            place.fetch_index(base)
        _back_up(settings, client, place, folder.name, base)
        _copy(settings, beside, folder)
        salts = client.query(f"SELECT project_id, salt, toString(created_at) FROM {VAULT}.salts").result_rows
        secrets = {_name(settings, path): path.read_text() for path in beside.secrets if path.is_file()}
        replace_private(folder / SEALED, sealed(password, {"salts": [list(row) for row in salts], "files": secrets}))
        version, schema, events = client.query(
            "SELECT version(), (SELECT max(version) FROM ops.schema_migrations), (SELECT count() FROM raw.events)"
        ).result_rows[0]
        os.sync()
        made = Manifest(
            id=folder.name,
            created_at=begun.isoformat(),
            base=base.id if base else "",
            schema_version=int(schema),
            server_version=str(version),
            data_dir=str(settings.data_dir),
            events=int(events),
            files=listing.list_files(folder),
        )
        listing.write(folder, made)
        place.publish(made)
        return made
    except BaseException:
        (folder / listing.NAME).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        if base:
            place.forget(base)


def _new_folder(place: Place) -> tuple[datetime, Path]:
    while True:
        begun = datetime.now(UTC).replace(microsecond=0)
        name = f"{begun:%Y%m%dT%H%M%SZ}"
        if name not in place.names():
            with contextlib.suppress(FileExistsError):
                (place.folder / name).mkdir(mode=0o700)
                return begun, place.folder / name
        time.sleep(0.1)  # of this second there is one


def _back_up(settings: Settings, client: Client, place: Place, name: str, base: Manifest | None) -> None:
    databases = ", ".join(f"DATABASE {database}" for database in DATABASES)
    changes = f" SETTINGS base_backup = {place.on_server(base.id)}" if base else ""
    with ended_with_us(settings, client, QUERY + name), server_failures("backup"):
        client.command(f"BACKUP {databases} TO {place.on_server(name)}{changes}", settings={"query_id": QUERY + name})


@contextmanager
def ended_with_us(settings: Settings, client: Client, query_id: str) -> Iterator[None]:
    """Whatever ends the wait for this query also ends the query."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception), closing(connect(settings, "admin")) as other:
            _kill(other, query_id)
        raise


def _kill(client: Client, query_id: str) -> None:
    client.command("KILL QUERY WHERE startsWith(query_id, {id:String}) SYNC", parameters={"id": query_id})


@contextmanager
def server_failures(what: str) -> Iterator[None]:
    from clickhouse_connect.driver.exceptions import Error

    try:
        yield
    except Error as error:
        text = first_line(error)
        if "is not allowed for backups" in text:
            raise MillraceError(
                "The server was started with another MILLRACE_BACKUPS, and may not write there.",
                hint="`millrace down`, then `millrace up`, and repeat it.",
            ) from error
        if "No space left" in text or "Not enough space" in text:
            raise MillraceError(f"The disk was full before the {what} was complete: it is undone.") from error
        if "UNKNOWN_POLICY" in text:
            raise MillraceError(
                "Of this backup old events lay on a disk of their own, which this server has not; nothing was changed.",
                hint="Set MILLRACE_COLD_FOLDER (on a server of your own: the storage policy), then `millrace down` and "
                "`millrace up`. They come to the others where MILLRACE_COLD_AFTER is empty.",
            ) from error
        raise MillraceError(f"The {what} failed and is undone: {text}") from error


def _copy(settings: Settings, beside: Beside, folder: Path) -> None:
    for path in beside.databases:
        if path.is_file():
            target = folder / BESIDE / _name(settings, path)
            private_folder(target.parent)
            # A copy of the file could be of the middle of a change.
            with closing(sqlite3.connect(path)) as database, closing(sqlite3.connect(target)) as copy:
                database.backup(copy)
            target.chmod(0o600)
    for path in beside.folders:
        if path.is_dir():
            shutil.copytree(path, folder / BESIDE / _name(settings, path))


def _name(settings: Settings, path: Path) -> str:
    return str(path.relative_to(settings.data_dir))


def _base(place: Place) -> Manifest | None:
    oldest = datetime.now(UTC) - FULL_AFTER
    full = [one for one in place.complete() if not one.base and datetime.fromisoformat(one.created_at) > oldest]
    return full[-1] if full else None


def _check_room(client: Client, place: Place, base: Manifest | None) -> None:
    since = datetime.fromisoformat(base.created_at) if base else datetime.fromtimestamp(0, UTC)
    needed = int(
        client.query(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database IN {databases:Array(String)} "
            "AND modification_time >= {since:DateTime('UTC')}",
            parameters={"databases": list(DATABASES), "since": since},
        ).result_rows[0][0]
    )
    free = shutil.disk_usage(place.folder).free
    if free < needed + SPARE_BYTES:
        raise MillraceError(
            f"The disk of {place.folder} has {free // 1024**2:,} MiB free; this backup may need "
            f"{(needed + SPARE_BYTES) // 1024**2:,} MiB.",
            hint="Make room (`--keep` removes older backups once a new one is complete), or set MILLRACE_BACKUPS to "
            "another disk.",
        )


def _sweep(client: Client, place: Place, tell: Callable[[str], None]) -> None:
    """Remove what was interrupted. In a folder nobody else makes one now: the lock is ours."""
    _kill(client, QUERY)
    for name in place.names():
        if place.manifest(name) is None and not _may_be_under_way(place, name):
            place.remove(name)
            tell(f"Removed {name}, which was interrupted.")
    if place.is_remote:  # what was on its way there
        for path in place.folder.iterdir():
            if listing.IDENTITY.fullmatch(path.name):
                shutil.rmtree(path)


def _may_be_under_way(place: Place, name: str) -> bool:
    begun = datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return place.is_remote and begun > datetime.now(UTC) - timedelta(days=1)


def _prune(place: Place, keep: int, tell: Callable[[str], None]) -> None:
    if not keep:
        return
    complete = place.complete()
    kept = complete[-keep:]
    needed = {one.id for one in kept} | {one.base for one in kept}
    # Those with changes first: none is left without its base.
    for old in sorted(complete, key=lambda one: not one.base):
        if old.id not in needed:
            place.remove(old.id)
            tell(f"Removed {old.id}.")


def described(manifest: Manifest) -> dict[str, Any]:
    return {
        "id": manifest.id,
        "created_at": manifest.created_at,
        "base": manifest.base,
        "events": manifest.events,
        "bytes": manifest.bytes,
        "schema_version": manifest.schema_version,
        "server_version": manifest.server_version,
        "complete": True,
    }
