"""Every mistake in reports/*.yaml, also in names that only the semantic layer knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from monitoring.declarations import Mistake, in_order
from monitoring.reports.asking import days_of, structure_of
from monitoring.reports.boards import Boards, title_of
from monitoring.reports.declared import SECTION, Reports, load_reports
from monitoring.reports.plans import ChartSection, DashboardSection, ReportPlan
from semantic_layer.ask.checking import check
from semantic_layer.metrics.catalogue import Catalogue, load_catalogue, semantic_manifest
from warehouse.errors import MillraceError
from warehouse.settings import Settings

ANY_DAY = date(2026, 1, 1)  # whether words mean days does not depend on it


def mistakes_of(settings: Settings, boards: Boards) -> tuple[Reports, list[Mistake]]:
    reports = load_reports(settings)
    mistakes = list(reports.mistakes)
    # Else nothing was built, and no name is known.
    catalogue = load_catalogue(settings) if semantic_manifest(settings).exists() else None
    for name, plan in reports.reports.items():
        for path, sentence in _wrong(plan, catalogue, boards):
            whole = [SECTION, name, *path]
            where = ".".join(map(str, whole))
            mistakes.append(reports.places[SECTION, name].mistake(whole, f"{where}: {sentence}"))
    return reports, in_order(mistakes)


def _wrong(plan: ReportPlan, catalogue: Catalogue | None, boards: Boards) -> Iterator[tuple[list[str | int], str]]:
    """Where, and why."""
    try:
        days = days_of(plan.days, ANY_DAY)
    except MillraceError as error:
        yield ["days"], error.message
        return
    facts = catalogue.projects.items() if catalogue else ()
    projects = [name for name, of in facts if plan.is_about(name) and of.last_day is not None]
    for place, section in enumerate(plan.sections):
        try:
            own = days_of(section.days, ANY_DAY) if section.days else days
        except MillraceError as error:
            yield ["sections", place, "days"], error.message
            continue
        if catalogue is None:
            continue
        if isinstance(section, DashboardSection | ChartSection):
            try:
                title_of(boards, section)
            except MillraceError as error:
                yield ["sections", place], f"{error.message} {error.hint}".strip()
            continue
        for project in projects:
            try:
                check(structure_of(section, project, own, catalogue), catalogue)
            except MillraceError as error:
                yield ["sections", place], f"of {project}: {error.message}"
                break
