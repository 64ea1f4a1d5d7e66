"""Events that are old lie on a slower disk, where one is named: the volume `cold` of the storage policy `tiered`.

The local server has that policy from the first start with MILLRACE_COLD_FOLDER on, for good: a table that was given a
policy cannot be without its disks any more. A server of one's own declares it itself (docs/operations.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from warehouse.errors import MillraceError
from warehouse.private_files import FILE, private_folder, replace_private
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TABLE, CLOCK = "raw.events", "timestamp"
MARK = ".millrace"  # in the folder: an empty one where a disk is not mounted has none
POLICY, VOLUME = "tiered", "cold"
# The first volume is called as that of ClickHouse's own policy: else no table could change to this one. Nothing moves
# because the first disk fills up: what is old moves, and nothing else.
STORAGE = f"""<storage_configuration>
        <disks><cold><path>{{path}}/</path></cold></disks>
        <policies><{POLICY}>
            <volumes><default><disk>default</disk></default><{VOLUME}><disk>cold</disk></{VOLUME}></volumes>
            <move_factor>0</move_factor>
        </{POLICY}></policies>
    </storage_configuration>
    <background_move_pool_size>2</background_move_pool_size>"""


def storage_xml(settings: Settings) -> str:
    """What the local server's configuration says of it."""
    folder = settings.cold_folder or _remembered(settings)
    return STORAGE.format(path=escape(str(folder))) if folder else ""


def prepare_folder(settings: Settings) -> None:
    """Before the local server starts."""
    known = _remembered(settings)
    if known and settings.cold_folder not in (None, known):
        raise MillraceError(
            f"Old events lie in {known}, and MILLRACE_COLD_FOLDER says {settings.cold_folder}.",
            hint=f"Set it to {known}. To move them: `millrace down`, move that folder, and write the new one into "
            f"{_note(settings)}.",
        )
    if known:
        if not (known / MARK).is_file():
            raise MillraceError(
                f"Old events lie in {known}, and that is not the folder which was there before.",
                hint="Is its disk mounted? Without it the server would start without these events, and say nothing.",
            )
    elif folder := settings.cold_folder:
        try:
            (private_folder(folder) / MARK).touch(mode=FILE)
        except OSError as error:
            raise MillraceError(
                f"MILLRACE_COLD_FOLDER, {folder}, cannot be written: {error.strerror or error}.",
                hint="Give this user the right to write there, or set it to another folder.",
            ) from error
        replace_private(_note(settings), f"{folder}\n")


def moves(settings: Settings) -> str:
    """The part of the table's TTL."""
    days = settings.cold_after_days
    return f", toDateTime({CLOCK}) + toIntervalDay({days}) TO VOLUME '{VOLUME}'" if days else ""


def use_policy(client: Client, settings: Settings) -> None:
    """Before the TTL names its volume."""
    if not settings.cold_after_days or _policy_of_table(client) == POLICY:
        return
    volumes = "SELECT volume_name FROM system.storage_policies WHERE policy_name = {policy:String}"
    found = {str(row[0]) for row in client.query(volumes, parameters={"policy": POLICY}).result_rows}
    if VOLUME not in found:
        raise MillraceError(
            f"MILLRACE_COLD_AFTER is set, and the server has no storage policy `{POLICY}` with a volume `{VOLUME}`.",
            hint="`millrace down` and `millrace up` give it to the local server; for one of your own see "
            "docs/operations.md.",
        )
    client.command(f"ALTER TABLE {TABLE} MODIFY SETTING storage_policy = '{POLICY}'")


def move_what_is_old(client: Client, settings: Settings) -> int:
    """Months that lie on the other volume than they should; how many. A TTL knows of parts that are written after it
    was declared: those that were there before are moved here, and back what is not to be cold any more."""
    if _policy_of_table(client) != POLICY:
        return 0
    days = settings.cold_after_days
    is_old = f"max_time < now() - toIntervalDay({days})" if days else "false"
    moved = 0
    for volume, is_elsewhere in (
        (VOLUME, f"countIf(disk_name != 'cold') > 0 AND countIf(NOT ({is_old})) = 0"),
        ("default", f"countIf(disk_name = 'cold' AND NOT ({is_old})) > 0"),
    ):
        months = client.query(
            f"SELECT partition_id FROM system.parts WHERE active AND database || '.' || table = '{TABLE}' "
            f"GROUP BY partition_id HAVING {is_elsewhere} ORDER BY ALL"
        ).result_rows
        for (month,) in months:
            client.command(f"ALTER TABLE {TABLE} MOVE PARTITION ID '{month}' TO VOLUME '{volume}'")
        moved += len(months)
    return moved


def _policy_of_table(client: Client) -> str:
    of_table = f"SELECT storage_policy FROM system.tables WHERE database || '.' || name = '{TABLE}'"
    return str(client.query(of_table).result_rows[0][0])


def _note(settings: Settings) -> Path:
    return settings.data_dir / "cold_folder"


def _remembered(settings: Settings) -> Path | None:
    try:
        return Path(_note(settings).read_text(encoding="utf-8").strip())
    except OSError:
        return None
