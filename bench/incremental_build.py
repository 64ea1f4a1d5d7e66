"""A build after 1 % new events of the last week, and one without anything new, beside a full build (decision 020).

python -m bench.incremental_build [COPIES]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.harness import report
from tests.integration.arrivals import HALF_A_YEAR, arrive, build, grow, last_week, reading, world_aside
from tests.support import Instance

COPIES = 50  # of a world of 12,000 events


def measured(own: Instance, name: str, full_refresh: bool = False) -> tuple[Any, ...]:
    with reading(own) as read:
        begun = time.perf_counter()
        build(own, full_refresh=full_refresh)
        seconds = time.perf_counter() - begun
    return name, seconds, read["rows"], read["queries"]


def main(copies: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder,
        world_aside(Path(folder), since=HALF_A_YEAR) as own,
    ):
        grow(own, copies)
        late = last_week(own, 0.01)
        arrive(own, f"NOT ({late})")
        rows = [measured(own, "first build")]
        arrive(own, late)
        rows.append(measured(own, "1 % new events of the last 7 days"))
        rows.append(measured(own, "nothing new"))
        rows.append(measured(own, "full refresh"))
        ((events,),) = own.rows("SELECT count() FROM marts.fct_events")
    full = rows[-1][2]
    report(
        "incremental_build",
        f"{events:,} events, models and tests",
        ("build", "seconds", "rows read", "queries", "part of a full refresh's rows"),
        [(*row, round(row[2] / full, 3)) for row in rows],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COPIES)
