"""What of Superset a report shows: pictures of dashboards, and charts as files. Who draws them is handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from monitoring.reports.plans import ChartSection, DashboardSection
from semantic_layer.ask.wording import Span, period_name

MOST_LINES = 20  # of a chart as text, in a message


class Boards(Protocol):
    """As bi/showing.py has them; all is of one project and of days."""

    def title(self, dashboard: str, tab: str = "", chart: str = "") -> str: ...

    def pictures(
        self, dashboard: str, tab: str, project: str, first: date, last: date, formats: Sequence[str]
    ) -> dict[str, bytes]: ...

    def rows(
        self, dashboard: str, chart: str, project: str, first: date, last: date, formats: Sequence[str]
    ) -> tuple[list[Mapping[str, Any]], dict[str, bytes]]: ...


@dataclass(frozen=True)
class Drawn:
    """What a section shows of Superset."""

    title: str
    lines: tuple[str, ...]  # what a message tells
    files: Mapping[str, bytes]  # by format
    rows: int = 0


def title_of(boards: Boards, section: DashboardSection | ChartSection) -> str:
    if isinstance(section, ChartSection):
        return boards.title(section.dashboard, chart=section.chart)
    return boards.title(section.dashboard, section.tab or "")


def drawn(boards: Boards, section: DashboardSection | ChartSection, project: str, days: Span) -> Drawn:
    title = section.title or title_of(boards, section)
    about = f"{project}, {period_name(days)}"
    if isinstance(section, DashboardSection):
        files = boards.pictures(section.dashboard, section.tab or "", project, days.first, days.last, section.formats)
        return Drawn(title, (f"{title}: the dashboard, of {about}",), files)
    formats = [one for one in section.formats if one != "text"]
    rows, files = boards.rows(section.dashboard, section.chart, project, days.first, days.last, formats)
    lines = [f"{title}: {len(rows):,} rows, of {about}"]
    if "text" in section.formats:
        lines += [", ".join(f"{name} {_shown(value)}" for name, value in row.items()) for row in rows[:MOST_LINES]]
        if len(rows) > MOST_LINES:
            lines.append(f"and {len(rows) - MOST_LINES:,} more")
    return Drawn(title, tuple(lines), files, len(rows))


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
