"""How long the command and the local server take to be there.

python -m bench.startup
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.harness import median_seconds, report
from tests.support import Instance


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, Instance(Path(folder) / "millrace") as own:
        own.up()  # the first start also applies the schema

        def restart() -> None:
            own.run("down")
            own.up()

        rows = [
            ("python -c pass", median_seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))),
            ("millrace --help", median_seconds(lambda: own.run("--help"))),
            ("millrace up --help", median_seconds(lambda: own.run("up", "--help"))),
            ("millrace up, already running", median_seconds(lambda: own.run("up"))),
            ("millrace down, then up", median_seconds(restart)),
        ]
        report(
            "startup",
            "Start of the command and of the local server",
            ("what", "seconds", "times a bare python"),
            [(name, seconds, round(seconds / rows[0][1], 1)) for name, seconds in rows],
        )


if __name__ == "__main__":
    main()
