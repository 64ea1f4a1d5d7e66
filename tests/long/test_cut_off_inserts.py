"""What a kill leaves between an insert's entry in a table's log and its part: a repeat must not be taken for done."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.integration.loading import event, loaded, stored, write_lines
from tests.support import Instance

LOG = "deduplication_logs/deduplication_log_1.txt"


def lose_last_parts(warehouse: Instance, *tables: str) -> int:
    """As if the engine had been killed when it had entered the last insert into each, and not made its parts."""
    folders = [
        Path(path)
        for (path,) in warehouse.rows(
            f"SELECT data_paths[1] FROM system.tables WHERE concat(database, '.', name) IN {tables}"
        )
    ]
    assert warehouse.run("down").returncode == 0
    lost = 0
    for folder in folders:
        entries = [line.split("\t") for line in (folder / LOG).read_text().splitlines()]
        insert = entries[-1][2].partition("_")[2]  # a token begins with the part's partition
        for _, part, token in entries:
            if token.partition("_")[2] == insert:
                shutil.rmtree(folder / part)
                lost += 1
    return lost


def test_an_insert_that_was_entered_and_has_no_parts_is_repeated(instance: Instance, tmp_path: Path) -> None:
    instance.up()
    kept = write_lines(tmp_path / "kept.jsonl", [event(number, "kept") for number in range(60)])
    assert loaded(instance, kept)["accepted"] == 60
    cut = write_lines(tmp_path / "cut.jsonl", [event(number, "cut") for number in range(60)])
    assert loaded(instance, cut)["accepted"] == 60
    # Of the second file: no months of its events, no counts, and no word that it was loaded.
    instance.client("admin").command("TRUNCATE TABLE raw.loaded_files")
    months = len(
        instance.rows("SELECT DISTINCT toYYYYMM(timestamp) FROM raw.events WHERE startsWith(event_id, 'cut-')")
    )
    assert lose_last_parts(instance, "raw.events", "raw.load_counts") == months + 1
    instance.up()
    assert stored(instance, "cut") == (0, 0)

    result = loaded(instance, cut, kept)
    assert (result["received"], result["accepted"]) == (120, 120)
    assert stored(instance, "cut") == (60, 60)
    assert stored(instance, "kept") == (60, 60)
    log = (instance.data_dir / "clickhouse.run/supervisor.log").read_text()
    assert log.count("was cut off by a kill") == months + 1
