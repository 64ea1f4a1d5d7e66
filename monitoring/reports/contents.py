"""A report that is made: its days, and the answer of each section. Every format is written from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from monitoring.reports.boards import Drawn
from semantic_layer.ask.answering import Answer
from semantic_layer.ask.wording import Span, period_name
from warehouse.errors import MillraceError


class TooLarge(MillraceError):
    """More than the limits of the report allow."""


@dataclass(frozen=True)
class Part:
    """A section and its answer."""

    title: str
    answer: Answer


@dataclass(frozen=True)
class Report:
    name: str
    title: str
    description: str
    owner: str
    project: str
    asked_on: date  # the day by which its days are told
    days: Span
    parts: tuple[Part, ...]
    drawn: tuple[Drawn, ...] = ()  # what it shows of Superset

    @property
    def heading(self) -> str:
        return heading(self.title, self.project, self.days)

    @property
    def rows(self) -> int:
        return sum(len(part.answer.table.rows) for part in self.parts) + sum(one.rows for one in self.drawn)

    @property
    def key(self) -> str:
        """Of a project and its days a report is sent once."""
        return key_of(self.name, self.project, self.days)


def heading(title: str, project: str, days: Span) -> str:
    return f"{title}: {project}, {period_name(days)}"


def key_of(name: str, project: str, days: Span) -> str:
    return f"report/{project}/{name} {days.first} to {days.last}"
