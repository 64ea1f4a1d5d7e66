"""Until when the numbers of a watch are whole. What is still to come is not missing, and nobody is told of it: that
nothing comes at all is what rules about freshness are for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitoring.watch.causes import ROLE
from monitoring.watch.declared import Watch
from semantic_layer.reader import Reader
from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import MillraceError
from warehouse.lineage.graph import Graph, built_graph
from warehouse.settings import Settings

EVENTS = "raw.events"
# A period is whole when something came so short before its end, or after it: at night nobody comes each second.
ALMOST = {"hour": timedelta(minutes=5), "day": timedelta(hours=1), "week": timedelta(hours=1)}
LAST_EVENTS = "SELECT project_id, toUnixTimestamp64Milli(max(timestamp)) FROM marts.fct_events GROUP BY project_id"
KEPT_BACK = "SELECT DISTINCT arrayJoin(kept_back) FROM ops.incidents FINAL WHERE status = 'open'"


@dataclass(frozen=True)
class Known:
    graph: Graph
    last_events: Mapping[str, datetime]  # by project
    kept_back: frozenset[str]  # tables that are as they were before a check failed

    @classmethod
    def now(cls, settings: Settings, reader: Reader) -> Known:
        with closing(connect(settings, ROLE)) as client, failures_as_sentences("asking what is kept back"):
            kept = client.query(KEPT_BACK).result_rows
        moments = {project: datetime.fromtimestamp(int(at) / 1000, UTC) for project, at in reader.rows(LAST_EVENTS)}
        return cls(built_graph(settings), moments, frozenset(table for (table,) in kept))

    def until(self, watch: Watch, project: str) -> datetime | None:
        """None: as far as it has rows, since it is not made of events and nothing else tells when it is loaded."""
        made_of = self._made_of(watch)
        if behind := sorted(made_of & self.kept_back):
            raise MillraceError(f"{' and '.join(behind)} waits for a check that fails; `millrace incidents` lists it.")
        if EVENTS not in made_of or project not in self.last_events:
            return None
        return self.last_events[project] + ALMOST[watch.grain]

    def _made_of(self, watch: Watch) -> set[str]:
        """Tables, as marts.fct_orders, down to those that are loaded."""
        if watch.kind == "metric":
            metrics = self.graph.manifest.get("metrics", {})
            node = next((id for id, metric in metrics.items() if metric["name"] == watch.name), "")
        else:
            node = self.graph.nodes.get(f"marts.{watch.name}", "")
        return {self.graph.assets[one] for one in {node, *self.graph.above(node)} if one in self.graph.assets}
