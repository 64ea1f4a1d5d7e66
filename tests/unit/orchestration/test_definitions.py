"""The definitions load, and are what they are known to be: assets.txt has every asset and check.

After a change that is meant: python -m tests.unit.orchestration.test_definitions
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support import REPOSITORY

SNAPSHOT = Path(__file__).with_name("assets.txt")
DESCRIBE = """
import dagster as dg
from orchestration.definitions import defs

dg.Definitions.validate_loadable(defs)
graph = defs.resolve_asset_graph()
for key in sorted(graph.get_all_asset_keys(), key=str):
    node = graph.get(key)
    parents = sorted(parent.to_user_string() for parent in node.parent_keys)
    print(key.to_user_string(), node.group_name, *node.owners, "<-", *parents)
    for check in sorted(node.check_keys, key=str):
        print("  ", check.name, "blocks" if graph.get(check).blocking else "warns")
for made in sorted((made for made in graph.assets_defs if made.is_executable), key=lambda made: made.node_def.name):
    print("step", made.node_def.name, "of the pool", made.node_def.pool)
"""


def described(folder: Path) -> list[str]:
    """In a process of its own, as Dagster loads them."""
    environment = {**os.environ, "MILLRACE_DATA_DIR": str(folder), "MILLRACE_ENV_FILE": "", "DAGSTER_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", DESCRIBE], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    yield described(tmp_path_factory.mktemp("definitions"))


def test_every_asset_and_check_is_what_it_is_known_to_be(assets: list[str]) -> None:
    assert assets == SNAPSHOT.read_text().splitlines(), "meant? python -m tests.unit.orchestration.test_definitions"


def test_the_graph_leads_from_the_files_to_what_can_be_asked(assets: list[str]) -> None:
    parents = {line.split()[0]: set(line.partition(" <- ")[2].split()) for line in assets if not line.startswith(" ")}

    def before(name: str) -> set[str]:
        return parents[name].union(*(before(parent) for parent in parents[name]))

    assert {"landing/files", "raw/events", "staging/stg_millrace__events", "marts/fct_events"} <= before(
        "semantic/catalogue"
    )
    tests = [line for line in assets if line.startswith(" ")]
    assert len(tests) > 200
    assert sum(line.endswith("warns") for line in tests) >= 1


def test_both_instances_of_dagster_differ_in_their_storage_alone() -> None:
    one, other = (yaml.safe_load((REPOSITORY / name).read_text()) for name in ("dagster.yaml", "dagster.postgres.yaml"))
    assert other.pop("storage")["custom"]["config"] == {"postgres_url": {"env": "MILLRACE_DAGSTER_POSTGRES"}}
    assert one == other


def test_one_run_at_a_time_works_on_the_warehouse(assets: list[str]) -> None:
    steps = [line for line in assets if line.startswith("step ")]
    assert len(steps) > 4
    assert {line.split()[-1] for line in steps} == {"warehouse"}
    pools = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())["concurrency"]["pools"]
    assert pools == {"default_limit": 1, "granularity": "run"}


def test_definitions_assemble_and_hold_nothing_else() -> None:
    lines = (REPOSITORY / "orchestration" / "definitions.py").read_text().splitlines()
    assert len(lines) < 60


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        SNAPSHOT.write_text("\n".join(described(Path(temporary))) + "\n")
