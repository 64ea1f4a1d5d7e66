"""Entries in a table's log of inserts stand for parts that are there; the others are struck out before a start."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.server.insert_tokens import LAST_ENTRIES, strike_out_lost


@pytest.fixture
def table(tmp_path: Path) -> Path:
    folder = tmp_path / "store/abc/abcdef"
    (folder / "deduplication_logs").mkdir(parents=True)
    return folder


def log(table: Path, text: str, number: int = 1) -> Path:
    path = table / f"deduplication_logs/deduplication_log_{number}.txt"
    path.write_text(text)
    return path


def test_an_entry_without_its_part_is_struck_out_once(table: Path, tmp_path: Path) -> None:
    for part in ("202601_1_1_0", "202601_3_3_0_17", "tmp_insert_202602_2_2_0", "detached"):
        (table / part).mkdir()
    path = log(table, "1\t202601_1_1_0\ta\n1\t202602_2_2_0\tb\n1\t202601_3_3_0\tc\n")
    before = path.read_text()
    assert strike_out_lost(tmp_path) == ["202602_2_2_0"]
    assert path.read_text() == before + "2\t202602_2_2_0\tb\n"
    assert strike_out_lost(tmp_path) == []


def test_what_was_merged_is_there_and_what_was_dropped_is_forgotten(table: Path, tmp_path: Path) -> None:
    (table / "all_1_4_1").mkdir()
    path = log(table, "1\tall_2_2_0\ta\n1\tall_7_7_0\tb\n2\tall_7_7_0\tb\n")
    before = path.read_text()
    assert strike_out_lost(tmp_path) == []
    assert path.read_text() == before


def test_a_token_that_came_again_counts_by_its_last_entry(table: Path, tmp_path: Path) -> None:
    log(table, "1\tall_7_7_0\tb\n2\tall_7_7_0\tb\n1\tall_9_9_0\tb\n")
    assert strike_out_lost(tmp_path) == ["all_9_9_0"]


def test_only_the_last_entries_are_in_doubt_also_over_two_logs(table: Path, tmp_path: Path) -> None:
    log(table, "".join(f"1\tall_{n}_{n}_0\tt{n}\n" for n in range(10, 10 + LAST_ENTRIES)), 9)
    last = log(table, "1\tall_5000_5000_0\tlast\n", 10)
    lost = strike_out_lost(tmp_path)
    assert len(lost) == LAST_ENTRIES
    assert lost[0] == "all_11_11_0"
    assert last.read_text().splitlines()[-1] == "2\tall_5000_5000_0\tlast"


def test_an_entry_that_a_full_disk_cut_off_does_not_hide_the_next(table: Path, tmp_path: Path) -> None:
    (table / "all_1_1_0").mkdir()
    path = log(table, "1\tall_1_1_0\ta\n1\tall_2_")
    assert strike_out_lost(tmp_path) == []
    assert path.read_text() == "1\tall_1_1_0\ta\n"


def test_names_of_parts_that_nobody_here_knows_are_left_alone(table: Path, tmp_path: Path) -> None:
    path = log(table, "1\tall_1_1_0_patch_x\ta\n1\tsomething\tb\n?\n")
    assert strike_out_lost(tmp_path) == []
    assert path.read_text().count("\n") == 3
