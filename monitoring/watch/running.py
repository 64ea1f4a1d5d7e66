"""One look at everything that is watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from monitoring.watch.declared import read_watches
from monitoring.watch.judging import Finding, judge
from monitoring.watch.reading import read_table
from monitoring.watch.store import write_baseline, write_findings
from semantic_layer.metrics.catalogue import load_catalogue
from semantic_layer.reader import Reader
from warehouse.errors import WrongUsage, nearest
from warehouse.settings import Settings


@dataclass(frozen=True)
class Looked:
    series: int  # looked at, segments among them
    findings: list[Finding]
    new: int
    ended: int


def look(settings: Settings, project: str | None = None, now: datetime | None = None) -> Looked:
    now = now or datetime.now(UTC)
    catalogue, reader = load_catalogue(settings), Reader(settings)
    if project and project not in catalogue.projects:
        raise WrongUsage(f"There is no project {project!r}{nearest(project, catalogue.projects) or '.'}")
    findings: list[Finding] = []
    series = 0
    for watch in read_watches(settings, catalogue):
        metric = catalogue.metrics[watch.metric]
        for name in [project] if project else catalogue.projects:
            table = read_table(settings, catalogue, watch, name, reader, now)
            if table is None:
                continue
            judged = judge(watch, name, table, metric.good, metric.adds_up)
            series += 1 + len(table.segments)
            findings += judged.findings
            write_baseline(settings, watch, name, table, judged.whole, now)
    new, ended = write_findings(settings, findings, now)
    return Looked(series, findings, new, ended)
