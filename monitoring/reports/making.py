"""Makes a report: each section is asked as a question of its kind is, so its numbers are those of `millrace metrics
query`, `millrace funnel` and the others."""

from __future__ import annotations

from datetime import date, timedelta

from monitoring.digest.making import last_whole_day
from monitoring.reports.asking import days_of, structure_of
from monitoring.reports.boards import Boards, Drawn, drawn
from monitoring.reports.contents import Part, Report, TooLarge
from monitoring.reports.plans import ChartSection, DashboardSection, ReportPlan, Section
from semantic_layer.ask.answering import answer_journey, answer_metrics
from semantic_layer.ask.understood import Understood
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import MetricQuery
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings


def make_report(
    settings: Settings,
    catalogue: Catalogue,
    name: str,
    plan: ReportPlan,
    project: str,
    day: date | None = None,
    boards: Boards | None = None,
) -> Report:
    """As it is asked for on a day, or on the one after the last whole day with data."""
    on = asked_on(catalogue, project, day)
    parts: list[Part] = []
    shown: list[Drawn] = []
    for place, section in enumerate(plan.sections, start=1):
        try:
            if isinstance(section, DashboardSection | ChartSection):
                if boards is None:
                    raise MillraceError("Nothing is here that draws dashboards.")
                shown.append(drawn(boards, section, project, days_of(section.days or plan.days, on)))
            else:
                parts.append(_part(settings, catalogue, plan, section, project, on))
        except MillraceError as error:
            kind = WrongUsage if isinstance(error, WrongUsage) else MillraceError
            raise kind(f"Report {name} of {project}, section {place}: {error.message}", hint=error.hint) from error
    report = Report(
        name=name,
        title=plan.title,
        description=plan.description,
        owner=plan.owner,
        project=project,
        asked_on=on,
        days=days_of(plan.days, on),
        parts=tuple(parts),
        drawn=tuple(shown),
    )
    if report.rows > plan.limits.rows:
        raise TooLarge(
            f"Report {name} of {project} has {report.rows:,} rows, and may have {plan.limits.rows:,}.",
            hint="Give its sections a limit or coarser groups, or raise limits.rows.",
        )
    return report


def asked_on(catalogue: Catalogue, project: str, day: date | None) -> date:
    if project not in catalogue.projects:
        raise WrongUsage(f"There is no project {project!r}{nearest(project, catalogue.projects) or '.'}")
    facts = catalogue.projects[project]
    if facts.last_day is None:
        raise MillraceError(f"Project {project} has no data yet.", hint="`millrace load`, then `millrace build`.")
    return day or last_whole_day(facts.last_day, facts.timezone) + timedelta(days=1)


def _part(settings: Settings, catalogue: Catalogue, plan: ReportPlan, section: Section, project: str, on: date) -> Part:
    structure = structure_of(section, project, days_of(section.days or plan.days, on), catalogue)
    understood = Understood(structure, 1.0, "declared")
    if isinstance(structure, MetricQuery):
        answer = answer_metrics(settings, section.title or "", understood, catalogue, on, use_cache=True)
    else:
        answer = answer_journey(settings, section.title or "", understood, catalogue, on, use_cache=True)
    return Part(section.title or answer.title, answer)
