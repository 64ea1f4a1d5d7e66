"""Tokens of inserts that a kill cut off between their entry in a table's log and the part they name.

The engine writes down which insert a part belongs to before the part takes its place. Killed in between, it would take
the insert, when it is repeated, for one that is in: its rows would be lost, and nobody told. So before the engine
starts, the last entries are held against the parts on disk, and those without a part are struck out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

ADDED, DROPPED = "1", "2"
# Entries that can be without their part are the last ones: of inserts that were under way. Of what came before, a part
# may have gone for another reason.
LAST_ENTRIES = 200
PART = re.compile(r"(?P<partition>[^_]+)_(?P<first>\d+)_(?P<last>\d+)_\d+(?:_\d+)?")

Blocks = tuple[str, int, int]  # partition, first and last number


def strike_out_lost(server_dir: Path) -> list[str]:
    """Do so for all tables; returns the parts that never were."""
    return [part for folder in server_dir.glob("store/*/*/deduplication_logs") for part in _strike_out(folder)]


def _strike_out(folder: Path) -> list[str]:
    logs = sorted(folder.glob("deduplication_log_*.txt"), key=lambda path: int(path.stem.rpartition("_")[2]))
    part_of: dict[str, str] = {}  # by token, in the order of the entries
    for log in logs[-2:]:  # a new one may just have been begun
        for operation, part, token in _entries(log):
            part_of.pop(token, None)
            if operation == ADDED:
                part_of[token] = part
    there = list(_parts(folder.parent))
    lost = [
        (part, token) for token, part in list(part_of.items())[-LAST_ENTRIES:] if not _is_among(_blocks(part), there)
    ]
    if lost:
        with logs[-1].open("a") as file:
            file.writelines(f"{DROPPED}\t{part}\t{token}\n" for part, token in lost)
    return [part for part, _ in lost]


def _entries(log: Path) -> Iterator[list[str]]:
    text, end, _ = log.read_bytes().rpartition(b"\n")
    # An entry that a full disk cut off would keep the engine from reading what is written behind it.
    os.truncate(log, len(text + end))
    for line in text.decode(errors="replace").split("\n"):
        if len(cells := line.split("\t")) == 3:
            yield cells


def _parts(table: Path) -> Iterator[Blocks]:
    return (blocks for path in table.iterdir() if (blocks := _blocks(path.name)))


def _blocks(name: str) -> Blocks | None:
    match = PART.fullmatch(name)
    return (match["partition"], int(match["first"]), int(match["last"])) if match else None


def _is_among(part: Blocks | None, there: list[Blocks]) -> bool:
    """Also as a part of what it was merged into."""
    if part is None:
        return True  # a name of a later version of the engine: nothing is known of it
    partition, first, last = part
    return any(other[0] == partition and other[1] <= first and last <= other[2] for other in there)
