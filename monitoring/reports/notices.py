"""What a message tells of a report, and the files that go with it: kept until every channel has taken it."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from warehouse.private_files import private_folder, replace_private
from warehouse.settings import Settings

if TYPE_CHECKING:
    from monitoring.reports.contents import Report
    from monitoring.reports.writing.files import File

KEPT_DAYS = 90


@dataclass(frozen=True)
class Attachment:
    name: str
    media_type: str
    bytes: int


@dataclass(frozen=True)
class Notice:
    report: str
    heading: str
    project: str
    first_day: date
    last_day: date
    lines: tuple[str, ...]  # a sentence of each section
    attachments: tuple[Attachment, ...]
    folder: str  # of its files, in that of all reports

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "first_day": str(self.first_day), "last_day": str(self.last_day)}

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> Self:
        days = {name: date.fromisoformat(told[name]) for name in ("first_day", "last_day")}
        attachments = tuple(Attachment(**one) for one in told["attachments"])
        return cls(**{**told, **days, "lines": tuple(told["lines"]), "attachments": attachments})

    @property
    def text(self) -> str:
        files = [f"Files: {', '.join(one.name for one in self.attachments)}"] if self.attachments else []
        return "\n".join([self.heading, *(f"- {line}" for line in self.lines), *files])

    def files(self, kept: Path) -> list[tuple[Attachment, bytes]]:
        """OSError where they are not here any more."""
        return [(one, (kept / self.folder / one.name).read_bytes()) for one in self.attachments]


def notice_of(report: Report, files: Sequence[File], id: uuid.UUID) -> Notice:
    return Notice(
        report=report.name,
        heading=report.heading,
        project=report.project,
        first_day=report.days.first,
        last_day=report.days.last,
        lines=(
            *(f"{part.title}: {part.answer.reading}" for part in report.parts),
            *(line for one in report.drawn for line in one.lines),
        ),
        attachments=tuple(Attachment(file.name, file.media_type, len(file.body)) for file in files),
        folder=str(id),
    )


def kept_files(settings: Settings) -> Path:
    return settings.data_dir / "reports"


def keep_files(settings: Settings, files: Sequence[File], id: uuid.UUID) -> None:
    """For nobody else to read; those of long ago go."""
    whole = private_folder(kept_files(settings))
    for old in whole.iterdir():
        if old.stat().st_mtime < time.time() - KEPT_DAYS * 86_400:
            shutil.rmtree(old, ignore_errors=True)
    folder = private_folder(whole / str(id))
    for file in files:
        replace_private(folder / file.name, file.body)
