"""One look at everything that is watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from monitoring.watch.baselines import read_baselines, version_of, write_baseline
from monitoring.watch.causes import read_causes
from monitoring.watch.declared import read_watches
from monitoring.watch.judging import Finding, judge
from monitoring.watch.known import Known
from monitoring.watch.reading import read_table
from monitoring.watch.rows import rows_of
from monitoring.watch.store import write_findings
from semantic_layer.metrics.catalogue import load_catalogue
from semantic_layer.reader import Reader
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings


@dataclass(frozen=True)
class Looked:
    series: int  # looked at, segments among them
    findings: list[Finding]
    new: int
    ended: int
    failures: tuple[str, ...] = ()  # what could not be looked at, and why; its anomalies stay as they are


def look(settings: Settings, project: str | None = None, now: datetime | None = None) -> Looked:
    now = now or datetime.now(UTC)
    catalogue, reader = load_catalogue(settings), Reader(settings)
    if project and project not in catalogue.projects:
        raise WrongUsage(f"There is no project {project!r}{nearest(project, catalogue.projects) or '.'}")
    findings: list[Finding] = []
    series, looked_at, known = 0, set(), Known.now(settings, reader)
    failures: list[str] = []
    baselines, judged_before, judged = read_baselines(settings), {}, []
    for watch in read_watches(settings, catalogue):
        for name in [project] if project else catalogue.projects:
            facts = catalogue.projects[name]
            rows = rows_of(settings, catalogue, watch, name, reader)
            try:
                until = known.until(watch, name)
                table = read_table(
                    *(watch, rows, facts.timezone, facts.last_day, min(until or now, now)),
                    ends_with_rows=until is None,
                    holidays=facts.holidays,
                )
            except MillraceError as error:  # one of them keeps nobody from the others
                failures.append(f"{watch.series} of {name}: {error.message}")
                continue
            if table is None:
                continue
            found = judge(watch, name, table)
            series += 1 + len(table.segments)
            looked_at.add((watch.series, name))
            findings += found.findings
            judged.append((watch, name, table, found.whole))
            before = baselines.get((watch.series, name))
            if before and before["version"] != version_of(watch, table):
                judged_before[watch.series, name] = before["learned_until"]
    if failures and not looked_at:
        raise MillraceError(f"Nothing could be looked at: {failures[0]}")
    causes = {name: read_causes(settings, catalogue, name, reader) for name in {one.project_id for one in findings}}
    new, ended = write_findings(settings, findings, now, causes, looked_at, judged_before)
    for one in judged:  # last: a look that broke off before has judged nothing
        write_baseline(settings, *one, now)
    return Looked(series, findings, new, ended, tuple(failures))
