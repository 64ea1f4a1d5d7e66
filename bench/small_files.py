"""How fast many small files come into raw, together and one by one (as large files are loaded).

python -m bench.small_files [FILES]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from bench.harness import report, server
from tests.support import Instance

FILES = 300
EVENTS_PER_FILE = 10


def written(folder: Path, files: int) -> Path:
    folder.mkdir()
    for file in range(files):
        lines = [
            {
                "project_id": "demo",
                "event_id": f"{folder.name}-{file}-{number}",
                "event": "page_viewed",
                "user_id": f"u{file}",
                "timestamp": f"2026-06-01T{file % 24:02}:{number:02}:00.000Z",
                "context": {"page": {"path": f"/{number}"}},
            }
            for number in range(EVENTS_PER_FILE)
        ]
        (folder / f"{file}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def seconds(instance: Instance, folder: Path, small_file_bytes: int) -> float:
    from ingestion import batches
    from ingestion.inputs import find_inputs
    from ingestion.loader import load

    batches.SMALL_FILE_BYTES = small_file_bytes
    with instance.active() as settings:
        begun = time.perf_counter()
        result = load(settings, find_inputs([folder]))
        taken = time.perf_counter() - begun
    assert (result.accepted, result.rejected) == (len(result.files) * EVENTS_PER_FILE, {})
    return taken


def main(files: int) -> None:
    from ingestion import batches
    from ingestion.loader import prepare

    together = batches.SMALL_FILE_BYTES
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, server() as instance:
        with instance.active() as settings:
            prepare(settings)
        seconds(instance, written(Path(folder) / "first", 10), together)  # imports, and the server's caches
        rows = []
        alone = 0.0
        for name, limit in (("one by one", 0), ("together", together)):
            taken = seconds(instance, written(Path(folder) / name, files), limit)
            alone = alone or taken
            rows.append((name, files, taken, round(files / taken, 1), round(alone / taken, 1)))
    report(
        "small_files",
        f"Loading files of {EVENTS_PER_FILE} events",
        ("small files", "files", "seconds", "files/s", "times one by one"),
        rows,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FILES)
