"""Shared by all benchmarks: a server of their own, medians of several runs, a table, a JSON file with the machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich import box
from rich.console import Console
from rich.table import Table

from tests.support import REPOSITORY, Instance

RESULTS = REPOSITORY / "bench" / "results"


@contextmanager
def server() -> Iterator[Instance]:
    """A fresh local server with the schema of raw, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, Instance(Path(folder) / "millrace") as own:
        own.up()
        yield own


def median_seconds(action: Callable[[], object], runs: int = 5) -> float:
    """The median of several runs, after one that is not counted."""
    action()
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def read_rows(instance: Instance, sql: str) -> int:
    """Rows that the server read for a query, by its own account."""
    return int(instance.client().query(sql).summary["read_rows"])


def report(name: str, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print the table, and write it as JSON beside what it was measured on."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for row in rows:
        table.add_row(*(_shown(value) for value in row))
    console, measured_on = Console(width=150), machine()
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in measured_on.items()), highlight=False)
    RESULTS.mkdir(exist_ok=True)
    content = {
        "name": name,
        "title": title,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": measured_on,
        "columns": list(columns),
        "rows": [list(row) for row in rows],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def machine() -> dict[str, Any]:
    return {
        "system": platform.system(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 1024**3, 1),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
