"""What the libraries below say when something breaks, as a person is told it."""

from __future__ import annotations

import errno
import sys

import pytest
from clickhouse_connect import get_client
from clickhouse_connect.driver.exceptions import DatabaseError
from dlt.common.destination.exceptions import SchemaUpdateError

from cli import main as command_line
from ingestion.dlt_clickhouse import dlt_failures_as_sentences
from warehouse.connection import failures_as_sentences, first_line
from warehouse.errors import MillraceError


def test_a_connection_that_breaks_is_told_without_the_request() -> None:
    with pytest.raises(MillraceError) as told, failures_as_sentences("to judge lines"):
        get_client(host="127.0.0.1", port=1, settings={"max_threads": 1})
    assert told.value.message == "The connection to ClickHouse broke off."
    assert "repeat the command" in told.value.hint


def test_a_refusal_is_told_without_the_views_an_insert_went_through() -> None:
    text = (
        "Code: 243. DB::Exception: Cannot reserve 17.52 MiB, not enough space: while pushing to view raw.a_to_b: "
        "while pushing to view raw.c_to_d. (NOT_ENOUGH_SPACE) (version 26.9.2.1)"
    )
    assert first_line(DatabaseError(text)) == "Cannot reserve 17.52 MiB, not enough space. (NOT_ENOUGH_SPACE)"


def test_what_kept_dlt_from_its_tables_is_told_without_its_advice() -> None:
    cause = Exception("Code: 210. Connection refused (127.0.0.1:1)")
    with pytest.raises(MillraceError) as told, dlt_failures_as_sentences():
        raise SchemaUpdateError("events", [], cause)
    assert told.value.message == "The load broke off: Code: 210. Connection refused (127.0.0.1:1)"


def test_a_full_disk_is_told_as_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(command_line, "app", full)
    monkeypatch.setattr(sys, "argv", ["millrace", "load", "x"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "Error: The disk is full.\n  Make room, then repeat the command.\n"


def test_a_server_that_goes_while_dlts_driver_reads_is_a_connection_that_broke_off() -> None:
    with pytest.raises(MillraceError) as told, dlt_failures_as_sentences():
        raise EOFError("Unexpected EOF while reading bytes")
    assert told.value.message == "The connection to ClickHouse broke off."
    with pytest.raises(MillraceError) as told, dlt_failures_as_sentences():
        raise SchemaUpdateError("events", [], EOFError("Unexpected EOF while reading bytes"))
    assert told.value.message == "The connection to ClickHouse broke off."
