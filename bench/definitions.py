"""How long Dagster's definitions take to load, in a process of their own, as `dagster dev` has it.

python -m bench.definitions
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from bench.harness import median_seconds, report
from tests.support import REPOSITORY


def load(folder: str) -> None:
    environment = {**os.environ, "MILLRACE_DATA_DIR": folder, "MILLRACE_ENV_FILE": "", "DAGSTER_HOME": folder}
    command = [sys.executable, "-c", "import orchestration.definitions"]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        begun = time.perf_counter()
        load(folder)
        first = time.perf_counter() - begun
        rows = [
            ("the first time: dbt reads the whole project", first),
            ("again, the project as it was", median_seconds(lambda: load(folder))),
        ]
    report("definitions", "Dagster's definitions", ("what", "seconds"), rows)


if __name__ == "__main__":
    main()
