"""Small files travel together and are exact one by one, whatever is killed and whoever else loads them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.loading import event, loaded, stored, write_lines
from tests.support import MILLRACE, Instance

FILES, LINES = 40, 5


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("small") / "millrace") as own:
        # Of broken lines nobody knows the project: with a strict one declared, their bytes would not be kept.
        projects = own.project_dir / "projects.yaml"
        projects.write_text(projects.read_text().replace("privacy: strict", "privacy: standard"))
        own.up()
        yield own


def small_files(folder: Path, prefix: str, files: range = range(FILES)) -> Path:
    """Each with an event that is rejected, and events of several months."""
    folder.mkdir(exist_ok=True)
    for file in files:
        events = [event(number, prefix) for number in range(file * LINES, file * LINES + LINES)]
        write_lines(folder / f"{file:03}.jsonl", [*events, event(0, prefix, project_id="nobody", user_id=f"{file}")])
    return folder


def rejected_of(warehouse: Instance, prefix: str) -> int:
    return int(
        warehouse.rows(
            "SELECT count() FROM raw.events_rejected WHERE "
            f"startsWith(JSONExtractString(line, 'event_id'), '{prefix}-')"
        )[0][0]
    )


def assert_exact(warehouse: Instance, prefix: str, folder: Path, files: int = FILES) -> None:
    """Every file's lines once in each table: events, rejects, counts, and the ledger."""
    ledger = warehouse.rows(
        f"SELECT count(), uniqExact(file_id), sum(received), sum(accepted), sum(rejected) FROM raw.loaded_files "
        f"WHERE startsWith(path, '{folder}/')"
    )
    counted = warehouse.rows(
        "SELECT sumIf(lines, reason = ''), sumIf(lines, reason != '') FROM raw.load_counts WHERE file_id IN "
        f"(SELECT file_id FROM raw.loaded_files WHERE startsWith(path, '{folder}/'))"
    )
    accepted = files * LINES
    assert stored(warehouse, prefix) == (accepted, accepted)
    assert rejected_of(warehouse, prefix) == files
    assert counted == [(accepted, files)]
    assert ledger == [(files, files, accepted + files, accepted, files)]


def test_each_of_many_small_files_is_counted_by_itself(warehouse: Instance, tmp_path: Path) -> None:
    folder = small_files(tmp_path / "in", "each")
    result = loaded(warehouse, folder)
    assert len(result["files"]) == FILES
    assert {(f["received"], f["accepted"], str(f["rejected"])) for f in result["files"]} == {
        (LINES + 1, LINES, "{'unknown_project': 1}")
    }
    assert_exact(warehouse, "each", folder)
    pieces = warehouse.rows(
        "SELECT count() FROM raw.load_counts WHERE reason = '' AND file_id IN "
        f"(SELECT file_id FROM raw.loaded_files WHERE startsWith(path, '{folder}/'))"
    )
    assert pieces == [(FILES,)]


def test_small_files_of_every_kind_keep_every_byte(warehouse: Instance, tmp_path: Path) -> None:
    """Signs that separate rows and cells on the way, bytes that are no UTF-8, an SDK's payload."""
    odd = 'tab\t back\\slash \\N "quote" \r newline\n end'
    write_lines(tmp_path / "odd.jsonl", [event(1, "bytes", properties={"free": odd})])
    (tmp_path / "broken.jsonl").write_bytes(b'\\N\tx\\ty\r not "json" \xff\xfe\n{"a":\t1}')
    write_lines(
        tmp_path / "segment.jsonl",
        [
            {
                **{"type": "track", "event": "Odd One", "userId": "u", "messageId": "bytes-2", "projectId": "demo"},
                **{"timestamp": "2026-03-01T10:00:00.000Z", "properties": {"free": odd}},
            }
        ],
    )
    result = loaded(warehouse, tmp_path / "odd.jsonl", tmp_path / "segment.jsonl", project="demo")
    assert (result["accepted"], result["rejected"]) == (2, {})
    found = warehouse.rows("SELECT toString(properties.free) FROM raw.events WHERE startsWith(event_id, 'bytes-')")
    assert found == [(odd,), (odd,)]
    loaded(warehouse, tmp_path / "broken.jsonl", dialect="canonical")
    assert warehouse.rows(
        "SELECT hex(line) FROM raw.events_rejected WHERE source = 'canonical:broken.jsonl' ORDER BY line"
    ) == [(b'\\N\tx\\ty\r not "json" \xff\xfe'.hex().upper(),), (b'{"a":\t1}'.hex().upper(),)]


@pytest.mark.parametrize("inserted", [0, 1, 10, 25, 39])
def test_a_load_killed_among_small_files_and_run_with_one_file_more_is_exact(
    warehouse: Instance, tmp_path: Path, inserted: int
) -> None:
    """Killed after so many files; the next run finds another set of files, and no trace of the first in its folder."""
    prefix = f"killed{inserted}"
    folder = small_files(tmp_path / "in", prefix)
    before = warehouse.rows("SELECT uniqExact(file_id) FROM raw.load_counts")[0][0]
    loader = subprocess.Popen([MILLRACE, "load", folder], env=warehouse.environment, stderr=subprocess.DEVNULL)
    while (
        warehouse.rows("SELECT uniqExact(file_id) FROM raw.load_counts")[0][0] - before < inserted
        and loader.poll() is None
    ):
        time.sleep(0.001)
    loader.send_signal(signal.SIGKILL)
    loader.wait()
    if inserted % 2:
        shutil.rmtree(warehouse.data_dir / "loads")
    small_files(folder, prefix, range(FILES, FILES + 1))
    loaded(warehouse, folder)
    assert_exact(warehouse, prefix, folder, FILES + 1)


def test_what_dlt_left_half_moved_does_not_stop_the_next_load(warehouse: Instance, tmp_path: Path) -> None:
    """As a kill leaves it: a package that dlt was moving from one of its folders to another is in both."""
    folder = small_files(tmp_path / "in", "moved", range(2))
    loaded(warehouse, folder)
    place = warehouse.data_dir / "loads" / "0"
    (place / "under_way").touch()
    package = max((place / "dlt/events/load/loaded").iterdir())  # named by time; other tests of this module loaded too
    shutil.copytree(package, place / "dlt/events/load/normalized" / package.name)
    small_files(folder, "moved", range(2, 3))
    loaded(warehouse, folder)
    assert_exact(warehouse, "moved", folder, 3)


@pytest.mark.parametrize("inserted", [3, 20])
def test_a_server_killed_among_small_files_loses_and_doubles_nothing(
    warehouse: Instance, tmp_path: Path, inserted: int
) -> None:
    prefix = f"crash{inserted}"
    folder = small_files(tmp_path / "in", prefix)
    before = warehouse.rows("SELECT uniqExact(file_id) FROM raw.load_counts")[0][0]
    loader = subprocess.Popen([MILLRACE, "load", folder], env=warehouse.environment, stderr=subprocess.DEVNULL)
    while (
        warehouse.rows("SELECT uniqExact(file_id) FROM raw.load_counts")[0][0] - before < inserted
        and loader.poll() is None
    ):
        time.sleep(0.001)
    os.kill(warehouse.state.server_pid, signal.SIGKILL)
    loader.wait()
    deadline = time.monotonic() + 60
    while warehouse.run("status").returncode != 0:
        assert time.monotonic() < deadline
    loaded(warehouse, folder)
    assert_exact(warehouse, prefix, folder)


def test_loaders_of_overlapping_folders_at_once_are_exact(warehouse: Instance, tmp_path: Path) -> None:
    """Three sets of files that share some, on the way at the same time."""
    everything = small_files(tmp_path / "all", "overlap")
    parts = []
    for number, files in enumerate((range(30), range(10, FILES), range(FILES))):
        part = tmp_path / f"part{number}"
        part.mkdir()
        for file in files:
            shutil.copy(everything / f"{file:03}.jsonl", part)
        parts.append(subprocess.Popen([MILLRACE, "load", part], env=warehouse.environment))
    assert [loader.wait() for loader in parts] == [0, 0, 0]
    assert stored(warehouse, "overlap") == (FILES * LINES, FILES * LINES)
    assert rejected_of(warehouse, "overlap") == FILES
