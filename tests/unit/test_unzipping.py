"""What can be read of a gzip is read, and a line says that something is missing; zlib, byte by byte, is the measure."""

from __future__ import annotations

import gzip
import random
import zlib
from pathlib import Path

import pytest

from ingestion import contract, unzipping
from ingestion.unzipping import decompressed

BROKEN_OFF = f"\n{contract.BROKEN_OFF}\n".encode()
LINES = [
    f"{number} {number**7} some words that compress, and {random.Random(number).random()}\n" for number in range(900)
]
WHOLE = gzip.compress("".join(LINES[:700]).encode(), 6) + gzip.compress("".join(LINES[700:]).encode(), 1)


def readable(content: bytes) -> bytes:
    found, unzip = b"", zlib.decompressobj(wbits=31)
    for byte in content:
        if unzip.eof:
            unzip = zlib.decompressobj(wbits=31)
        try:
            found += unzip.decompress(bytes([byte]))
        except zlib.error:
            return found + BROKEN_OFF
    return found if unzip.eof else found + BROKEN_OFF


@pytest.fixture(autouse=True, params=[100, 4096, 1024**2])
def _read_in_parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unzipping, "READ_BYTES", request.param)


def unzipped(tmp_path: Path, content: bytes) -> bytes:
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(content)
    return b"".join(decompressed(file))


def test_whole_files(tmp_path: Path) -> None:
    assert unzipped(tmp_path, WHOLE) == "".join(LINES).encode()
    assert unzipped(tmp_path, gzip.compress(b"")) == b""
    assert unzipped(tmp_path, b"no gzip\n") == b"no gzip\n"
    assert unzipped(tmp_path, b"") == b""


@pytest.mark.parametrize("length", [2, 9, 10, 11, 50, 5000, 9000, 15000, -9, -8, -1])
def test_a_file_that_breaks_off(tmp_path: Path, length: int) -> None:
    content = WHOLE[:length]
    found = unzipped(tmp_path, content)
    assert found == readable(content)
    assert found.endswith(BROKEN_OFF)
    assert "".join(LINES).encode().startswith(found.removesuffix(BROKEN_OFF))


@pytest.mark.parametrize("place", [3, 11, 40, 300, 4000, 9000, -5, -2])
def test_a_damaged_byte(tmp_path: Path, place: int) -> None:
    content = bytearray(WHOLE)
    content[place] ^= 0x55
    found = unzipped(tmp_path, bytes(content))
    assert found == readable(bytes(content))


def test_something_else_behind_it(tmp_path: Path) -> None:
    assert unzipped(tmp_path, WHOLE + b"more") == "".join(LINES).encode() + BROKEN_OFF
