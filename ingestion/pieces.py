"""Files of events cut into pieces that ClickHouse takes whole or not at all.

A piece is at most one block of the server, so an insert of it is never half done; and it is cut at the same places each
time, so a piece that is sent again carries the same deduplication token. Its file has one line of JSON, the header, and
then the body, compressed with zstd.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ingestion.contract import BROKEN_OFF, BROKEN_OFF_EXPECTED, BROKEN_OFF_GOT, Reason
from ingestion.inputs import UnusableFile
from ingestion.unzipping import decompressed, failures_as_sentences
from ingestion.wire import Undecodable, decode_line, detect
from warehouse.errors import MillraceError

# One block of the server holds 1,048,449 rows: a piece must stay below that, whatever the length of its lines. To plan
# an insert is a third of a second of work for the server: pieces are large, and take up to a gigabyte of its memory.
PIECE_BYTES = 256 * 1024**2
PIECE_LINES = 500_000
DECODED_BYTES = 128 * 1024**2  # of pieces that are gathered row by row, and stay in memory until then
BLOCK_BYTES = 1024**2
# Of zstd: what goes to a server of this machine, or near it, is soon written and soon read.
COMPRESSION_LEVEL = -3
# A line longer than this is rejected anyway; of such a line no more is kept.
KEPT_LINE_BYTES = 1024**2
# Have the server take a piece as one block: then it is in whole or not at all, and recognised when it comes again.
PIECE_SETTINGS = {
    "insert_deduplicate": "1",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    "min_insert_block_size_rows": "1048449",
    "min_insert_block_size_bytes": "0",
    "max_insert_threads": "1",
    "max_partitions_per_insert_block": "1000",
    # Nothing is won by it in the views, and looking for it is a seventh of their planning, which each piece pays for.
    "optimize_and_compare_chain": "0",
}
DETECTION_LINES = 50
CANONICAL = "canonical"
LINES, ROWS, PARQUET = "LineAsString", "JSONEachRow", "Parquet"  # formats of pieces
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
EMPTY_LINE = re.compile(rb"\n\n")


@dataclass(frozen=True)
class Header:
    """What the server is told about every line of a piece."""

    file_id: str
    source: str
    default_project: str
    accept_unknown: bool
    received_at: str
    format: str = LINES  # the lines; rows of raw.landing, made by a decoder; columns
    piece: int = 0
    lines: int = 0

    @property
    def token(self) -> str:
        return f"{self.file_id}.{self.piece}"

    @property
    def parameters(self) -> dict[str, str]:
        """What every line of the piece has in raw.landing, as ClickHouse reads it."""
        return {
            "default_project": self.default_project,
            "accept_unknown": "true" if self.accept_unknown else "false",
            "received_at": self.received_at.removesuffix("Z").replace("T", " "),
            "source": self.source,
            "file_id": self.file_id,
        }


@dataclass(frozen=True)
class Piece:
    header: Header
    frames: list[Frame]  # its body, one after the other

    @property
    def name(self) -> str:
        return self.header.token

    @property
    def lines(self) -> int:
        return self.header.lines

    @property
    def body(self) -> bytes:
        return b"".join(
            _codec().decompress(frame.packed, decompressed_size=frame.length, asbytes=True) for frame in self.frames
        )

    def landing_columns(self) -> Iterator[tuple[bytes, bytes, str, str]]:
        """Per line what only it has: line, original, refused, refused_detail; not for Parquet."""
        lines = self.body.removesuffix(b"\n").split(b"\n")
        if self.header.format == LINES:
            for line in lines:
                yield line, b"", "", ""
        else:
            for text in lines:
                row = orjson.loads(text)
                yield row["line"].encode(), row["original"].encode(), row["refused"], row["refused_detail"]

    def write(self, path: Path) -> None:
        with path.open("wb") as file:
            file.write(orjson.dumps(asdict(self.header)) + b"\n")
            for frame in self.frames:
                file.write(frame.packed)


class Frame(NamedTuple):
    """A part of a body, compressed as soon as it is there: a large piece is never in memory as a whole."""

    length: int
    packed: bytes


def frame(part: bytes) -> Frame:
    return Frame(len(part), _codec().compress(part, asbytes=True))


@cache
def _codec() -> Any:
    import pyarrow

    return pyarrow.Codec("zstd", COMPRESSION_LEVEL)


def read_piece(path: Path) -> tuple[Header, bytes]:
    """The header and the body as it goes over the wire, compressed."""
    first, _, body = path.read_bytes().partition(b"\n")
    return Header(**orjson.loads(first)), body


def file_id(path: Path) -> str:
    """By content: a copy under another name is the same file."""
    with failures_as_sentences(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def dialect_of(path: Path) -> str:
    """The dialect of a file, by its first lines."""
    lines = list(itertools.islice(_lines(path), DETECTION_LINES))
    if not lines:
        return CANONICAL
    try:
        return detect(lines)
    except MillraceError as error:
        raise UnusableFile(
            f"{path}: {error.message}", hint=f"{error.hint} If it is none of events, take it out of the folder.".strip()
        ) from error


def line_pieces(path: Path, header: Header) -> Iterator[Piece]:
    """A file of canonical lines, as it is."""
    frames: list[Frame] = []
    size, lines, number = 0, 0, 0
    for block in _blocks(path):
        frames.append(frame(block))
        size += len(block)
        lines += block.count(b"\n")
        if size >= PIECE_BYTES or lines >= PIECE_LINES:
            yield Piece(replace(header, piece=number, lines=lines), frames)
            frames, size, lines, number = [], 0, 0, number + 1
    if lines:
        yield Piece(replace(header, piece=number, lines=lines), frames)


def decoded_pieces(path: Path, header: Header, dialect: str, project_of_key: Callable[[str], str]) -> Iterator[Piece]:
    """A file of an SDK's payloads: rows of raw.landing, each canonical line beside its original."""
    rows: list[bytes] = []
    size, number = 0, 0
    for line in _lines(path):
        for columns in decoded_columns(line, dialect, header.received_at, project_of_key):
            rows.append(decoded_row(*columns))
            size += len(rows[-1])
            if size >= DECODED_BYTES or len(rows) >= PIECE_LINES:
                yield Piece(replace(header, format=ROWS, piece=number, lines=len(rows)), [frame(b"\n".join(rows))])
                rows, size, number = [], 0, number + 1
    if rows:
        yield Piece(replace(header, format=ROWS, piece=number, lines=len(rows)), [frame(b"\n".join(rows))])


def decoded_columns(
    line: bytes, dialect: str, received_at: str, project_of_key: Callable[[str], str]
) -> Iterator[tuple[bytes, bytes, str, str]]:
    """The events of a payload, as line, original, refused and refused_detail of raw.landing."""
    if line == BROKEN_OFF.encode():
        yield b"", line, Reason.INVALID_JSON, f"expected {BROKEN_OFF_EXPECTED}, got {BROKEN_OFF_GOT}"
        return
    for outcome in decode_line(line, dialect=dialect, received_at=received_at):
        original = outcome.original[:KEPT_LINE_BYTES]
        if isinstance(outcome, Undecodable):
            yield b"", original, outcome.reason, outcome.detail
            continue
        project = project_of_key(outcome.write_key) if outcome.write_key else ""
        event = {"project_id": project, **outcome.event} if project else dict(outcome.event)
        if event.get("received_at") == received_at:
            # Not told by the request: it is when the file was loaded, against which no clock can be set right.
            del event["received_at"]
        yield orjson.dumps(event), original, "", ""


def decoded_row(line: bytes, original: bytes, refused: str, detail: str) -> bytes:
    """A row of a piece in the format ROWS."""
    text = original.decode(errors="backslashreplace")
    return orjson.dumps({"line": line.decode(), "original": text, "refused": refused, "refused_detail": detail})


def _lines(path: Path) -> Iterator[bytes]:
    for block in _blocks(path):
        yield from block.splitlines()


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in blocks of whole lines, each ended by a newline, without empty lines and byte order mark.

    A line of more than a block is cut to what is kept of it; that much is enough to have it rejected as too large.
    """
    rest, overlong = b"", False
    for number, chunk in enumerate(_even(decompressed(path))):
        chunk = chunk.removeprefix(BYTE_ORDER_MARK) if number == 0 else chunk
        if end := chunk.rfind(b"\n") + 1:
            head, rest = b"".join((rest, memoryview(chunk)[:end])), chunk[end:]
            if overlong:  # the end of a line whose beginning was given already
                head = head[head.index(b"\n") + 1 :]
                overlong = False
            if block := _without_empty_lines(head):
                yield block
            continue
        rest += chunk
        if len(rest) > KEPT_LINE_BYTES:
            if not overlong:
                yield rest[: KEPT_LINE_BYTES + 1] + b"\n"
            rest, overlong = b"", True
    if not overlong and (block := _without_empty_lines(rest)):
        yield block


def _without_empty_lines(lines: bytes) -> bytes:
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n").removesuffix(b"\r")
    while EMPTY_LINE.search(lines):  # three times as fast as `in`
        lines = lines.replace(b"\n\n", b"\n")
    lines = lines.removeprefix(b"\n")
    return lines if lines.endswith(b"\n") or not lines else lines + b"\n"


def _even(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks of one size: pieces must be cut at the same places, however the reader was fed."""
    held = b""
    for chunk in chunks:
        held += chunk
        whole = len(held) - len(held) % BLOCK_BYTES
        for start in range(0, whole, BLOCK_BYTES):
            yield held[start : start + BLOCK_BYTES]
        held = held[whole:]
    if held:
        yield held
