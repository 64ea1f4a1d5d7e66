"""The rules of the house: who may import whom, how long a file may get, what may not be committed."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.support import REPOSITORY

FLOORS = [
    {"warehouse"},
    {"semantic_layer", "ingestion"},
    {"bi", "ml", "monitoring", "expectations"},
    {"cli", "orchestration"},
]
ROOMS = set().union(*FLOORS)
LONGEST_FILE = 450


@cache
def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [REPOSITORY / name for name in listed if name.endswith(suffixes) and (REPOSITORY / name).is_file()]


def imported_rooms(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found & ROOMS


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_lower_floors(room: str) -> None:
    floor = next(number for number, rooms in enumerate(FLOORS) if room in rooms)
    allowed = {room}.union(*FLOORS[:floor])
    wrong = {
        str(path.relative_to(REPOSITORY)): sorted(imported_rooms(path) - allowed)
        for path in tracked(".py")
        if path.relative_to(REPOSITORY).parts[0] == room and imported_rooms(path) - allowed
    }
    assert wrong == {}


def test_no_source_file_is_too_long() -> None:
    lengths = {str(p.relative_to(REPOSITORY)): len(p.read_text().splitlines()) for p in tracked(".py", ".sql")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}
    assert len(lengths) > 20


def test_locks_are_hashed_without_hosts_and_main_is_part_of_dev() -> None:
    pins: dict[str, set[str]] = {}
    locks = {name: REPOSITORY / "requirements" / f"{name}.lock" for name in ("bootstrap", "main", "dev")}
    for name, path in {**locks, "bi": REPOSITORY / "bi" / "requirements.lock"}.items():
        text = path.read_text()
        assert not re.search(r"https?://|file:|^\s*--(index|extra|find|trusted)", text, re.MULTILINE)
        pins[name] = set(re.findall(r"^([a-z0-9][\w.\[\],-]*==\S+)", text, re.MULTILINE))
        requirements = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert requirements
        assert all("--hash=sha256:" in requirement for requirement in requirements)
    assert pins["main"] <= pins["dev"]
    assert pins["bootstrap"] <= pins["dev"]
    assert not (REPOSITORY / "uv.lock").exists()


def test_every_pin_that_holds_back_has_its_reason_beside_it() -> None:
    lines = (REPOSITORY / "pyproject.toml").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r'\s+"([\w-]+==|dbt-core>=.*<1\.12)', line):
            assert lines[number - 1].strip().startswith("#"), line


def test_no_path_of_a_machine_is_committed() -> None:
    pattern = re.compile(r"(^|[^A-Za-z0-9_])/(work|farm|root|home/[a-z]+)/")
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in tracked(".py", ".md", ".yaml", ".yml", ".toml", ".sql", ".lock", "Makefile", ".example", "run")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []
