"""Superset of a built world, as `millrace bi up` starts it."""

from __future__ import annotations

from typing import Any

from bi.client import Client
from bi.model import Bundle
from bi.service import Service
from bi.syncing import bundle_of
from tests.support import Instance


class RunningSuperset:
    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        done = instance.run("bi", "up")
        assert done.returncode == 0, done.stderr
        self.said = done.stdout
        self.service = Service(instance.settings)
        found = self.service.running()
        assert found is not None
        self.url = found.url
        self.password = self.service.home.secrets()["admin_password"]
        self.client: Client = self.service.client()

    @property
    def bundle(self) -> Bundle:
        with self.instance.active() as settings:
            return bundle_of(settings)

    def id_of(self, kind: str, uuid: str) -> int:
        return next(int(row["id"]) for row in self.client.listed(kind, ["id", "uuid"]) if row["uuid"] == uuid)

    def data(self, dataset: int, **query: Any) -> list[dict[str, Any]]:
        """The rows of one query of a dataset, past the cache."""
        asked = {
            "datasource": {"id": dataset, "type": "table"},
            "force": True,
            "queries": [{"row_limit": 5000, **query}],
            "result_format": "json",
            "result_type": "full",
        }
        rows: list[dict[str, Any]] = self.client.ask("POST", "chart/data", asked)["result"][0]["data"]
        return rows
