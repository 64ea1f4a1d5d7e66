"""Dagster's storage in PostgreSQL, which keeps its connections. Dagster's own opens two of them for each event that it
writes, and a run of the whole warehouse plans hundreds of events before its first step begins."""

from __future__ import annotations

from typing import Any

from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine

# As many as are needed at once, of which each storage of a process keeps one; one that the server has dropped is
# noticed before it is used, since a run must outlive a restart of the server.
KEPT: dict[str, Any] = {"pool_size": 1, "max_overflow": -1, "pool_pre_ping": True}


class StorageThatKeepsConnections(DagsterPostgresStorage):
    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Any:
        storage = super().from_config_value(inst_data, config_value)
        for part in (storage._run_storage, storage._event_log_storage, storage._schedule_storage):
            # No setting says so; what Dagster has for its web server (optimize_for_webserver) looks at no connection
            # before it is used.
            part._engine = create_pg_engine(storage.postgres_url, isolation_level="AUTOCOMMIT", **KEPT)
        return storage
