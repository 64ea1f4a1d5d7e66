"""The unit tests of the dbt project (unit_tests: in its YAML), on a real server with the models built."""

from __future__ import annotations

from tests.truths.conftest import LoadedWorld
from warehouse.dbt import run


def test_every_unit_test_passes(built: LoadedWorld) -> None:
    declared = set(built.manifest["unit_tests"])
    assert {name.split(".")[2] for name in declared} >= {
        "funnel_purchase",
        "retention_weekly",
        "int_events_sessionised",
    }
    with built.instance.active() as settings:
        done = run(settings, ["test", "--select", "test_type:unit"])
    assert {node.id for node in done.nodes} == declared
    assert not done.failed, done.failed
