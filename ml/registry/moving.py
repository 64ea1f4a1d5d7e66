"""MLflow's books name the folder of each model; in a data directory of another name they must name that one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ml.registry.store import Store
from warehouse.settings import Settings

NAMED_IN = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def moved(settings: Settings, earlier_data_dir: str) -> None:
    """Of a store that was restored out of the backup of another data directory."""
    store = Store(settings)
    before, after = str(Path(earlier_data_dir) / store.folder.name / "artifacts"), str(store.folder / "artifacts")
    if before == after or not store.database.is_file():
        return
    with closing(sqlite3.connect(store.database)) as books, books:
        for table, column in NAMED_IN:
            books.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE instr({column}, ?) > 0",
                (before, after, before),
            )
