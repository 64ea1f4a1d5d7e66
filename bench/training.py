"""The whole weekly training, on a warehouse that is built: `python -m bench.training`.

All models are trained, judged and written down as new versions, as Dagster does it each week; in a process of its own,
whose memory is told. Promotion is as ever: versions that are no better stay challengers.
"""

from __future__ import annotations

import json
import resource
import subprocess
import time

from bench.harness import report
from tests.support import MILLRACE
from warehouse.connection import connect
from warehouse.settings import load_settings


def main() -> None:
    settings = load_settings()
    with connect(settings, "modeler") as client:
        ((events,),) = client.query("SELECT count() FROM marts.fct_events").result_rows
    begun = time.perf_counter()
    done = subprocess.run([str(MILLRACE), "train", "--format", "json"], stdout=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows: list[tuple[object, ...]] = [(one["model"], round(one["seconds"], 1), "") for one in json.loads(done.stdout)]
    rows.append(("all of it, with its start", round(seconds, 1), round(used.ru_maxrss / 1024)))
    report("training", f"Weekly training on {events:,} events", ("model", "seconds", "most MiB"), rows)


if __name__ == "__main__":
    main()
