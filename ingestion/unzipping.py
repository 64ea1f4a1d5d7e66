"""The bytes and lines of a file that may be gzip, also of one that breaks off or is damaged."""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from isal import isal_zlib

from ingestion.contract import BROKEN_OFF
from ingestion.inputs import UnusableFile

READ_BYTES = 256 * 1024
GZIP_MAGIC, GZIP_WBITS = b"\x1f\x8b", 31
# Its stub takes the class for one of its errors.
IsalError: type[Exception] = isal_zlib.error  # type: ignore[assignment]


def decompressed(path: Path) -> Iterator[bytes]:
    """The file's bytes, unzipped where they are gzip, by what is in the file and not by its name.

    A gzip that breaks off or is damaged gives what can be read of it; what cannot is one line that will be rejected.
    (gzip.open would drop up to a buffer of readable lines before the break.)
    """
    with failures_as_sentences(path):
        with path.open("rb") as file:
            if file.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
                file.seek(0)
                while chunk := file.read(READ_BYTES):
                    yield chunk
                return
        given = 0
        try:
            for chunk in _unzipped(path):
                given += len(chunk)
                yield chunk
        except IsalError:
            # Once more by zlib, which can be asked for what it had by then; what was given already is left out.
            for chunk in _unzipped_up_to_the_damage(path):
                yield chunk[given:]
                given = max(given - len(chunk), 0)


@contextlib.contextmanager
def failures_as_sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {error.strerror or error}.") from error


def _unzipped(path: Path) -> Iterator[bytes]:
    """Of a gzip without fault. isal takes a quarter of the time that zlib does, and it checks the sums as well."""
    unzip = None
    for unzip, chunk in _members(path, isal_zlib.decompressobj):
        yield unzip.decompress(chunk)
    if unzip is None or not unzip.eof:
        raise IsalError("it breaks off")


def _unzipped_up_to_the_damage(path: Path) -> Iterator[bytes]:
    for unzip, chunk in _members(path, zlib.decompressobj):
        before = unzip.copy()
        try:
            yield unzip.decompress(chunk)
        except zlib.error:
            yield from _byte_by_byte(before, chunk)
            break
    else:
        if unzip.eof:
            return
    yield b"\n%b\n" % BROKEN_OFF.encode()


def _members(path: Path, decompressobj: Callable[..., Any]) -> Iterator[tuple[Any, bytes]]:
    """The members of a gzip, one behind the other: what unzips each, with the chunks that it must be given."""
    with path.open("rb") as file:
        unzip = decompressobj(wbits=GZIP_WBITS)
        chunk = file.read(READ_BYTES)
        while chunk:
            yield unzip, chunk
            chunk = unzip.unused_data if unzip.eof else b""
            chunk = chunk or file.read(READ_BYTES)
            if unzip.eof and chunk:
                unzip = decompressobj(wbits=GZIP_WBITS)


def _byte_by_byte(unzip: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    """Of a chunk whose decompression failed: zlib keeps what it had by then to itself, so byte by byte."""
    with contextlib.suppress(zlib.error):
        for byte in chunk:
            yield unzip.decompress(bytes([byte]))


class Stream(io.RawIOBase):
    """A file's decompressed bytes, for readers that want a file."""

    def __init__(self, path: Path) -> None:
        self._chunks = decompressed(path)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def numbered_lines(path: Path, most: int) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank; of a very long one no more than its beginning."""
    stream = io.BufferedReader(Stream(path))
    number, is_whole = 0, True
    while part := stream.readline(most + 1):
        begins, is_whole = is_whole, part.endswith(b"\n")
        if begins:
            number += 1
            if part.strip(b"\r\n"):
                yield number, part
