"""Files of events cut into pieces that ClickHouse takes whole or not at all.

A piece is at most one block of the server, so an insert of it is never half done; and it is cut at the same places each
time, so a piece that is sent again carries the same deduplication token. Its file has one line of JSON, the header, and
then the body, compressed with zstd.
"""

from __future__ import annotations

import hashlib
import itertools
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

from ingestion.wire import Undecodable, decode_line, detect
from warehouse.errors import MillraceError
from warehouse.projects import hash_write_key

# One block of the server holds 1,048,449 rows: a piece must stay below that, whatever the length of its lines.
PIECE_BYTES = 64 * 1024**2
PIECE_LINES = 500_000
BLOCK_BYTES = 1024**2
# A line longer than this is rejected anyway; of such a line no more is kept.
KEPT_LINE_BYTES = 1024**2
READ_BYTES = 256 * 1024
DETECTION_LINES = 50
CANONICAL = "canonical"
GZIP_MAGIC, GZIP_WBITS = b"\x1f\x8b", 31
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BROKEN_OFF = b"\n(the gzip file breaks off here)\n"


@dataclass(frozen=True)
class Header:
    """What the server is told about every line of a piece."""

    file_id: str
    piece: int
    lines: int
    format: str  # LineAsString: the lines; JSONEachRow: rows of raw.landing, made by a decoder; Parquet: columns
    source: str
    default_project: str
    accept_unknown: bool
    received_at: str

    @property
    def token(self) -> str:
        return f"{self.file_id}.{self.piece}"


@dataclass(frozen=True)
class Piece:
    header: Header
    body: bytes

    def write(self, path: Path) -> None:
        import pyarrow

        with path.open("wb") as file:
            file.write(orjson.dumps(asdict(self.header)) + b"\n")
            file.write(pyarrow.Codec("zstd", 1).compress(self.body, asbytes=True))


def read_piece(path: Path) -> tuple[Header, bytes]:
    """The header and the body as it goes over the wire, compressed."""
    first, _, body = path.read_bytes().partition(b"\n")
    return Header(**orjson.loads(first)), body


def file_id(path: Path) -> str:
    """By content: a copy under another name is the same file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def dialect_of(path: Path) -> str:
    """The dialect of a file, by its first lines."""
    lines = list(itertools.islice(_lines(path), DETECTION_LINES))
    if not lines:
        return CANONICAL
    try:
        return detect(lines)
    except MillraceError as error:
        raise MillraceError(
            f"{path}: {error.message}", hint=f"{error.hint} Name it: --dialect NAME.".strip()
        ) from error


def line_pieces(path: Path, header: Header) -> Iterator[Piece]:
    """A file of canonical lines, as it is."""
    body, lines, number = bytearray(), 0, 0
    for block in _blocks(path):
        body += block
        lines += block.count(b"\n")
        if len(body) >= PIECE_BYTES or lines >= PIECE_LINES:
            yield Piece(replace(header, piece=number, lines=lines), bytes(body))
            body, lines, number = bytearray(), 0, number + 1
    if lines:
        yield Piece(replace(header, piece=number, lines=lines), bytes(body))


def decoded_pieces(path: Path, header: Header, dialect: str, project_of_key: Mapping[str, str]) -> Iterator[Piece]:
    """A file of an SDK's payloads: rows of raw.landing, each canonical line beside its original."""
    rows: list[bytes] = []
    size, number = 0, 0
    for row in _decoded_rows(path, header, dialect, project_of_key):
        rows.append(row)
        size += len(row)
        if size >= PIECE_BYTES or len(rows) >= PIECE_LINES:
            yield Piece(replace(header, piece=number, lines=len(rows)), b"\n".join(rows))
            rows, size, number = [], 0, number + 1
    if rows:
        yield Piece(replace(header, piece=number, lines=len(rows)), b"\n".join(rows))


def _decoded_rows(path: Path, header: Header, dialect: str, project_of_key: Mapping[str, str]) -> Iterator[bytes]:
    project_of: dict[str | None, str] = {None: ""}
    for line in _lines(path):
        for outcome in decode_line(line, dialect=dialect, received_at=header.received_at):
            if isinstance(outcome, Undecodable):
                yield _row("", outcome.original, outcome.reason, outcome.detail)
                continue
            key = outcome.write_key
            if key not in project_of:
                project_of[key] = project_of_key.get(hash_write_key(key or ""), "")
            event = {"project_id": project_of[key], **outcome.event} if project_of[key] else outcome.event
            yield _row(orjson.dumps(event).decode(), outcome.original)


def _row(line: str, original: bytes, refused: str = "", detail: str = "") -> bytes:
    text = original[:KEPT_LINE_BYTES].decode(errors="backslashreplace")
    return orjson.dumps({"line": line, "original": text, "refused": refused, "refused_detail": detail})


def _lines(path: Path) -> Iterator[bytes]:
    for block in _blocks(path):
        yield from block.splitlines()


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in blocks of whole lines, each ended by a newline, without empty lines and byte order mark.

    A line of more than a block is cut to what is kept of it; that much is enough to have it rejected as too large.
    """
    rest, overlong = b"", False
    for number, chunk in enumerate(_even(decompressed(path))):
        head, newline, tail = (rest + (chunk.removeprefix(BYTE_ORDER_MARK) if number == 0 else chunk)).rpartition(b"\n")
        if newline:
            if overlong:  # the end of a line whose beginning was given already
                head = head.partition(b"\n")[2]
                overlong = False
            rest = tail
            if block := _without_empty_lines(head):
                yield block
        elif len(tail) > KEPT_LINE_BYTES:
            if not overlong:
                yield tail[: KEPT_LINE_BYTES + 1] + b"\n"
            rest, overlong = b"", True
        else:
            rest = tail
    if not overlong and (block := _without_empty_lines(rest)):
        yield block


def _without_empty_lines(lines: bytes) -> bytes:
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n").removesuffix(b"\r")
    while b"\n\n" in lines:
        lines = lines.replace(b"\n\n", b"\n")
    lines = lines.strip(b"\n")
    return lines + b"\n" if lines else b""


def _even(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks of one size: pieces must be cut at the same places, however the reader was fed."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= BLOCK_BYTES:
            yield bytes(held[:BLOCK_BYTES])
            del held[:BLOCK_BYTES]
    if held:
        yield bytes(held)


def decompressed(path: Path) -> Iterator[bytes]:
    """The file's bytes, unzipped where they are gzip, by what is in the file and not by its name.

    A gzip that breaks off or is damaged gives what can be read of it; what cannot is one line that will be rejected.
    (gzip.open would drop up to a buffer of readable lines before the break.)
    """
    with path.open("rb") as file:
        chunk = file.read(READ_BYTES)
        if not chunk.startswith(GZIP_MAGIC):
            while chunk:
                yield chunk
                chunk = file.read(READ_BYTES)
            return
        unzip = zlib.decompressobj(wbits=GZIP_WBITS)
        try:
            while chunk:
                yield unzip.decompress(chunk)
                chunk = unzip.unused_data if unzip.eof else b""
                chunk = chunk or file.read(READ_BYTES)
                if unzip.eof and chunk:  # another member follows
                    unzip = zlib.decompressobj(wbits=GZIP_WBITS)
        except zlib.error:
            yield BROKEN_OFF
            return
        if not unzip.eof:
            yield BROKEN_OFF
