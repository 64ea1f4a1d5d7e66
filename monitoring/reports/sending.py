"""Reports made, written as files and sent by the channels of alerts: at least once, once for a project and its days.
Each making is written down, also that of one which failed or is too large."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from monitoring.alerts.deliveries import Delivered, deliver
from monitoring.alerts.news import id_of, is_kept, keep
from monitoring.alerts.states import REPORT
from monitoring.reports.asking import days_of
from monitoring.reports.boards import Boards
from monitoring.reports.contents import Report, TooLarge, key_of
from monitoring.reports.declared import Reports
from monitoring.reports.history import FAILED, MADE, SENT, TOO_LARGE, Run, write_run
from monitoring.reports.making import asked_on, make_report
from monitoring.reports.notices import keep_files, notice_of
from monitoring.reports.plans import Format, ReportPlan
from monitoring.reports.writing.files import File, save, write_files
from semantic_layer.metrics.catalogue import Catalogue, load_catalogue
from warehouse.errors import MillraceError, WrongUsage
from warehouse.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """Of one project."""

    run: Run
    is_new: bool = True  # else it was sent before, and is not made again
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Asked:
    """A report, as it is asked for."""

    settings: Settings
    catalogue: Catalogue
    name: str
    plan: ReportPlan
    day: date | None
    formats: tuple[Format, ...]
    boards: Boards | None

    def projects(self, project: str | None) -> list[str]:
        """Those with data that it is about, or the one that is named."""
        if project is not None:
            return [project]
        known = self.catalogue.projects.items()
        found = [name for name, facts in known if facts.last_day is not None and self.plan.is_about(name)]
        if not found:
            raise MillraceError(
                f"No project that report {self.name} is about has data.", hint="`millrace load`, then `millrace build`."
            )
        return found

    def run(self, project: str) -> Run:
        days = days_of(self.plan.days, asked_on(self.catalogue, project, self.day))
        return Run(self.name, project, days.first, days.last, self.plan.formats_with(self.formats))

    def made(self, run: Run) -> tuple[Report, list[File]]:
        report = make_report(self.settings, self.catalogue, self.name, self.plan, run.project_id, self.day, self.boards)
        run.sections, run.rows = len(self.plan.sections), report.rows
        files = write_files(report, self.plan, self.formats)
        run.bytes = sum(len(file.body) for file in files)
        return report, files


def write_report(
    settings: Settings,
    reports: Reports,
    name: str,
    folder: Path,
    project: str | None = None,
    day: date | None = None,
    formats: Sequence[Format] = (),
    boards: Boards | None = None,
) -> list[Outcome]:
    """The files of each project, in a folder."""
    asked = _asked(settings, reports, name, day, formats, boards)
    found = []
    for one in asked.projects(project):
        run = asked.run(one)
        with _written_down(settings, run):
            paths = save(folder, asked.made(run)[1])
            run.outcome = MADE
        found.append(Outcome(run, files=tuple(paths)))
    return found


def send_report(
    settings: Settings,
    reports: Reports,
    name: str,
    tell: Callable[[str], None],
    project: str | None = None,
    day: date | None = None,
    formats: Sequence[Format] = (),
    boards: Boards | None = None,
) -> tuple[list[Outcome], Delivered]:
    """To whom it declares. A project whose report fails keeps back no other: that is raised when these are sent."""
    asked = _asked(settings, reports, name, day, formats, boards)
    channels = reports.channels_of(name)
    if not channels:
        raise WrongUsage(f"Nobody is told of report {name}: its channels are for emergencies alone.")
    found: list[Outcome] = []
    failures: list[MillraceError] = []
    for one in asked.projects(project):
        try:
            found.append(_sent(asked, one, channels))
        except MillraceError as error:
            failures.append(error)
    delivered = deliver(settings, reports.alerts, tell)
    if failures:
        raise failures[0]
    return found, delivered


def _asked(
    settings: Settings,
    reports: Reports,
    name: str,
    day: date | None,
    formats: Sequence[Format],
    boards: Boards | None,
) -> _Asked:
    plan = reports.plan(name)
    return _Asked(settings, load_catalogue(settings), name, plan, day, tuple(formats or plan.formats), boards)


def _sent(asked: _Asked, project: str, channels: Sequence[str]) -> Outcome:
    run = asked.run(project)
    key = key_of(run.report, project, run.days)
    if is_kept(asked.settings, key):
        return Outcome(run, is_new=False)
    with _written_down(asked.settings, run):
        report, files = asked.made(run)
        keep_files(asked.settings, files, id_of(key))
        keep(
            asked.settings,
            key,
            kind=REPORT,
            name=run.report,
            project=project,
            subject=f"{run.first_day} to {run.last_day}",
            owner=asked.plan.owner,
            channels=channels,
            summary=report.heading,
            next_step=f"millrace report run {run.report} --project {project} --day {report.asked_on}",
            report=json.dumps(notice_of(report, files, id_of(key)).as_json(), ensure_ascii=False),
        )
        run.outcome, run.channels, run.alert_id = SENT, channels, id_of(key)
    return Outcome(run)


@contextmanager
def _written_down(settings: Settings, run: Run) -> Iterator[None]:
    begun = time.monotonic()
    try:
        yield
    except MillraceError as error:
        run.outcome = TOO_LARGE if isinstance(error, TooLarge) else FAILED
        run.message = f"{error.message} {error.hint}".strip()
        raise
    finally:
        run.seconds = time.monotonic() - begun
        write_run(settings, run)
