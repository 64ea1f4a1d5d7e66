"""A file for raw.landing is inserted once, whoever asks: when it is cut, and by dlt's job, under another name."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ingestion import destination
from ingestion.destination import WORKERS, Insertions
from ingestion.pieces import Header, Piece, frame
from warehouse.connection import Endpoint
from warehouse.errors import MillraceError

TARGET = Endpoint("127.0.0.1", 1, 1, False, "nobody", "", True)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tokens that were sent; the first time a piece of the file `broken` is refused."""
    tokens: list[str] = []

    def insert_body(*_: object, settings: dict[str, str], **__: object) -> None:
        token = settings["insert_deduplication_token"]
        tokens.append(token)
        if token.startswith("broken") and tokens.count(token) == 1:
            raise MillraceError("refused")

    monkeypatch.setattr(destination, "insert_body", insert_body)
    return tokens


def piece(folder: Path, file_id: str, number: int = 0) -> Path:
    header = Header(file_id, "s", "demo", False, "2026-01-01T00:00:00Z", piece=number, lines=2)
    Piece(header, [frame(b"{}\n{}\n")]).write(folder / f"{file_id}.{number}.piece")
    return folder / f"{file_id}.{number}.piece"


def insertions(inserted: list[str]) -> Insertions:
    client: Any = None
    return Insertions([(client, TARGET)], lambda header: inserted.append(header.token))


def test_a_piece_is_inserted_once_under_whatever_name(tmp_path: Path, sent: list[str]) -> None:
    path = piece(tmp_path, "f")
    (tmp_path / "copy").hardlink_to(path)
    inserted: list[str] = []
    with insertions(inserted) as begun:
        begun.begin(path)
        begun.begin(tmp_path / "copy").result()
        begun.begin(piece(tmp_path, "f", 1)).result()
    assert sorted(sent) == sorted(inserted) == ["f.0", "f.1"]


def test_what_was_refused_is_told_and_tried_again_when_it_is_asked_for_again(tmp_path: Path, sent: list[str]) -> None:
    path = piece(tmp_path, "broken")
    inserted: list[str] = []
    with insertions(inserted) as begun:
        with pytest.raises(MillraceError, match="refused"):
            begun.begin(path).result()
        begun.begin(path).result()
        begun.begin(path).result()
    assert (sent, inserted) == (["broken.0", "broken.0"], ["broken.0"])


def test_who_leaves_early_begins_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, may_end = threading.Semaphore(0), threading.Event()
    started: list[Path] = []

    def insert_piece(_: Endpoint, path: Path) -> Header:
        started.append(path)
        under_way.release()
        may_end.wait(10)
        return Header("f", "s", "demo", False, "2026-01-01T00:00:00Z")

    monkeypatch.setattr(destination, "insert_piece", insert_piece)

    def end_soon() -> None:
        time.sleep(0.05)
        may_end.set()

    with pytest.raises(RuntimeError, match="enough"), insertions([]) as begun:
        for number in range(6):
            begun.begin(piece(tmp_path, "f", number))
        for _ in range(WORKERS):
            assert under_way.acquire(timeout=10)
        threading.Thread(target=end_soon).start()
        raise RuntimeError("enough")
    assert len(started) == WORKERS
