"""What only its owner may read, whatever the umask says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.private_files import open_private, private_folder, replace_private


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_folders_above_it_that_were_missing_are_private_too(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    assert private_folder(shared / "data" / "dbt" / "target").is_dir()
    assert [mode(shared / name) for name in ("data", "data/dbt", "data/dbt/target")] == [0o700] * 3
    assert mode(shared) == 0o755


def test_a_folder_of_ours_that_others_could_read_is_closed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    assert mode(private_folder(tmp_path / "data")) == 0o700


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(FileExistsError) as error:
        private_folder(tmp_path / "data")
    assert error.value.filename == str(tmp_path / "data")


def test_a_file_that_is_written_is_private_and_keeps_what_it_had(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    path.chmod(0o644)
    with open_private(path, "a") as file:
        file.write("after\n")
    assert (path.read_text(), mode(path)) == ("before\nafter\n", 0o600)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    replace_private(path, "first")
    with pytest.raises(UnicodeEncodeError):
        replace_private(path, "half \ud800")
    assert (path.read_text(), mode(path), list(tmp_path.iterdir())) == ("first", 0o600, [path])
