"""What a load would do: the same pieces, judged by the same query; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import orjson

from ingestion.columns import PARQUET_LINE, PARQUET_STRUCTURE, is_csv, is_parquet
from ingestion.inputs import Input, UnusableFile
from ingestion.landing import judged_select
from ingestion.pieces import CANONICAL, KEPT_LINE_BYTES, LINES, PARQUET, ROWS, Piece
from ingestion.reader import LoadedFile, LoadResult, Reader
from ingestion.registry import Registry, load_registry
from ingestion.unzipping import numbered_lines
from ingestion.verdicts import SENT, query_sent
from ingestion.wire import AUTO, decode_line
from warehouse.connection import connect
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Per format of a piece: its own columns of raw.landing, and the structure of the body.
OWN_COLUMNS = {
    LINES: ("line, '' AS original, '' AS refused, '' AS refused_detail", "line String"),
    PARQUET: (f"{PARQUET_LINE} AS line, '' AS original, '' AS refused, '' AS refused_detail", PARQUET_STRUCTURE),
    ROWS: ("*", "line String, original String, refused String, refused_detail String"),
}
# The row's number in the piece takes the place of the piece's number, which comes through the query unchanged.
CONSTANTS = """
    {default_project:String} AS default_project, {accept_unknown:Bool} AS accept_unknown,
    {received_at:DateTime64(3, 'UTC')} AS default_received_at, {source:String} AS source, {file_id:String} AS file_id,
    toUInt32(rowNumberInAllBlocks()) AS piece
"""


@dataclass
class Rejection:
    lines: int
    row: int
    detail: str
    line: int = 0  # of the file; of Parquet and CSV the row


@dataclass
class FileVerdict:
    name: str
    dialect: str = ""
    loaded_before: bool = False
    received: int = 0
    error: UnusableFile | None = None  # where it is no file of events, or unreadable
    rejected: dict[str, Rejection] = field(default_factory=dict)  # by reason

    @property
    def accepted(self) -> int:
        return self.received - sum(rejection.lines for rejection in self.rejected.values())


def dry_run(
    settings: Settings,
    inputs: list[Input],
    dialect: str = AUTO,
    project: str = "",
    read: Callable[[int], None] = lambda _: None,
) -> list[FileVerdict]:
    """The verdict on every file, also on those loaded before; `read` hears of the bytes read."""
    client = connect(settings, "loader")
    try:
        reader, registry = Reader(settings, client, dialect, project, LoadResult()), load_registry()
        verdicts = []
        with TemporaryDirectory(prefix="millrace-") as spool:
            for source in inputs:
                verdict = FileVerdict(source.name)
                with source.at_hand(Path(spool)) as path:
                    try:
                        _judge_file(client, registry, reader, LoadedFile(source), path, verdict)
                    except UnusableFile as error:
                        verdict.error = error
                verdicts.append(verdict)
                read(source.bytes)
        return verdicts
    finally:
        client.close()


def _judge_file(
    client: Client, registry: Registry, reader: Reader, file: LoadedFile, path: Path, verdict: FileVerdict
) -> None:
    verdict.loaded_before = reader.known(file, path) is not None
    verdict.dialect = file.dialect
    for piece in reader.cut(file, path):
        _judge(client, registry, piece, verdict)
    _find_lines(path, verdict)


def _judge(client: Client, registry: Registry, piece: Piece, verdict: FileVerdict) -> None:
    header = piece.header
    columns, structure = OWN_COLUMNS[header.format]
    source = f"(SELECT {columns}, {CONSTANTS} FROM {SENT})"
    answer = query_sent(
        client,
        "SELECT reason, count() AS lines, min(piece) AS row, argMin(detail, piece) AS detail "
        f"FROM ({judged_select(registry, source)}) WHERE reason != '' GROUP BY reason",
        "JSONEachRow",
        piece.body,
        header.format,
        structure,
        header.parameters,
    )
    for found in map(orjson.loads, answer.splitlines()):
        before = verdict.rejected.get(found["reason"])
        if before:
            before.lines += int(found["lines"])
        else:
            verdict.rejected[found["reason"]] = Rejection(
                int(found["lines"]), verdict.received + int(found["row"]), found["detail"]
            )
    verdict.received += header.lines


def _find_lines(path: Path, verdict: FileVerdict) -> None:
    """Where in the file the examples are: lines may be blank, and lines of an SDK may hold many events."""
    rejections = sorted(verdict.rejected.values(), key=lambda rejection: rejection.row)
    if is_parquet(path) or is_csv(path):
        for rejection in rejections:
            rejection.line = rejection.row + 1
        return
    rows = 0
    for number, line in numbered_lines(path, KEPT_LINE_BYTES):
        if not rejections:
            return
        rows += 1 if verdict.dialect == CANONICAL else len(list(decode_line(line, dialect=verdict.dialect)))
        while rejections and rejections[0].row < rows:
            rejections.pop(0).line = number
