"""The schema of raw for a cluster with a Keeper: the same steps, of replicated tables, sent by ON CLUSTER."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from warehouse.migrate import Step

# Whatever a server has no macro for, it refuses: {shard} and {replica} stand in its configuration.
PLACE = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
_NAMED = re.compile(
    r"^((?:CREATE (?:DATABASE|TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS|ALTER TABLE|DROP TABLE IF EXISTS) [\w.]+)"
)
_ENGINE = re.compile(r"\bENGINE = (\w*MergeTree)(?:\(([^)]*)\))?")


def replicated_statements(steps: Sequence[Step], cluster: str) -> Iterator[str]:
    for step in steps:
        yield from (replicated(statement, cluster) for statement in step.statements)


def replicated(statement: str, cluster: str) -> str:
    """What copies rows is left as it is: run it on one replica of each shard."""
    statement = _NAMED.sub(rf"\1 ON CLUSTER '{cluster}'", statement)
    statement = _ENGINE.sub(
        lambda found: f"ENGINE = Replicated{found[1]}({', '.join(part for part in (PLACE, found[2]) if part)})",
        statement,
    )
    return statement.replace("non_replicated_deduplication_window", "replicated_deduplication_window")
