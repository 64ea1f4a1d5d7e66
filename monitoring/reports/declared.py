"""Reads reports/*.yaml; owners and channels are those of alerts/*.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter

from monitoring.alerts.declared import Declaration, load_declaration, unknown_people
from monitoring.declarations import Declared, Mistake, Sections, in_order, read_file
from monitoring.reports.plans import KINDS, ReportPlan
from warehouse.errors import WrongUsage, nearest
from warehouse.projects import load_projects
from warehouse.settings import Settings

SECTION = "reports"
SECTIONS: Sections = {SECTION: (TypeAdapter(ReportPlan), KINDS)}


@dataclass
class Reports(Declared):
    reports: dict[str, ReportPlan] = field(default_factory=dict)
    alerts: Declaration = field(default_factory=Declaration)

    def plan(self, name: str) -> ReportPlan:
        if name in self.reports:
            return self.reports[name]
        mistaken = next((one for one in self.mistakes if f"{SECTION}.{name}" in one.sentence), None)
        if mistaken:
            raise WrongUsage(str(mistaken), hint="`millrace report validate` tells all mistakes.")
        known = (
            f"Reports are {', '.join(self.reports)}." if self.reports else "docs/reports.md says how to declare one."
        )
        raise WrongUsage(f"There is no report {name!r}{nearest(name, self.reports) or '.'}", hint=known)

    def channels_of(self, name: str) -> tuple[str, ...]:
        return self.alerts.quiet_channels_of(self.reports[name])


def load_reports(settings: Settings) -> Reports:
    found = Reports(alerts=load_declaration(settings))
    mistakes: list[Mistake] = []
    for path in sorted((settings.project_dir / SECTION).glob("*.y*ml")):
        mistakes += read_file(path, SECTIONS, found)
    projects = list(load_projects(settings))
    for name, plan in found.reports.items():
        mistakes += unknown_people(found, found.alerts, [SECTION, name], plan, projects)
    found.reports = {name: plan for name, plan in found.reports.items() if found.alerts.knows_whom_to_tell(plan)}
    found.mistakes = in_order(mistakes)
    return found
