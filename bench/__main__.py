"""The short form of what is measured, one after the other, and docs/benchmarks.md made of what it printed:
python -m bench [NAME …]; all of them take some ten minutes, so keep the machine quiet.

Names measure again what is named; the page has the last results of all.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from bench.harness import RESULTS
from tests.support import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmarks.md"
# Of each its arguments, and what it writes.
SHORT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "startup": ((), ("startup",)),
    "ingest": (("300000",), ("ingest",)),
    "rivals": (("1000000", "10000000"), ("rivals",)),
    "incremental_build": (("10",), ("incremental_build",)),
    "clients": (("10",), ("clients",)),
    "questions": (("50000",), ("questions", "questions-in-words")),
}
HEAD = """# Benchmarks

`make bench` measures this and writes this page; `bench/README.md` says what each command measures, and what there is
beside it. Figures of one table were measured in one run and may be compared with each other; those of another machine
or day only by their ratios.
"""


def measure(name: str) -> bool:
    arguments = SHORT[name][0]
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", f"bench.{name}", *arguments], cwd=REPOSITORY, check=False)
    sys.stderr.write(f"{name} took {time.monotonic() - begun:.0f} s\n")
    return done.returncode == 0


def page() -> str:
    parts = [HEAD]
    for name, (arguments, results) in SHORT.items():
        for result in results:
            path = RESULTS / f"{result}.json"
            if path.exists():
                parts.append(_section(f"python -m bench.{' '.join((name, *arguments))}", json.loads(path.read_text())))
    return "\n".join(parts)


def _section(command: str, content: dict[str, Any]) -> str:
    machine = content["machine"]
    lines = [
        f"## {content['title']}",
        "",
        f"`{command}`, {content['measured_at'][:10]}, {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB",
        "",
        _line(content["columns"]),
        _line(["---", *["---:"] * (len(content["columns"]) - 1)]),
        *(_line([_shown(value) for value in row]) for row in content["rows"]),
        "",
    ]
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _shown(value: Any) -> str:
    match value:
        case float():
            return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
        case int():
            return f"{value:,}"
        case None:
            return ""
    return str(value)


def main(names: list[str]) -> None:
    if unknown := [name for name in names if name not in SHORT]:
        sys.exit(f"{', '.join(unknown)}: not of the short form, which has {', '.join(SHORT)}.")
    failed = [name for name in names or SHORT if not measure(name)]
    PAGE.write_text(page())
    sys.stderr.write(f"Written: {PAGE.relative_to(REPOSITORY)}\n")
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
