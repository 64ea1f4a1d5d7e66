"""The files of a report."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ByteSize

from monitoring.reports.contents import Report, TooLarge
from monitoring.reports.plans import Format, ReportPlan
from warehouse.errors import MillraceError

MEDIA_TYPES: dict[str, str] = {
    "csv": "text/csv",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "html": "text/html",
    "pdf": "application/pdf",
    "png": "image/png",
}
OF_ONE_TABLE = ("csv", "parquet")  # then each section is a file
LONGEST_NAME = 80


@dataclass(frozen=True)
class File:
    name: str
    media_type: str
    body: bytes


def write_files(report: Report, plan: ReportPlan, formats: Sequence[Format]) -> list[File]:
    """All of them, or none: what is too large is told before anything is sent."""
    files = [file for format in dict.fromkeys(formats) for file in _files(report, format)] if report.parts else []
    files += _drawn(report)
    total = sum(len(file.body) for file in files)
    if total > plan.limits.bytes:
        large, allowed = (ByteSize(number).human_readable() for number in (total, plan.limits.bytes))
        raise TooLarge(
            f"The files of report {report.name} of {report.project} have {large}, and may have {allowed}.",
            hint="Leave out a format, give its sections a limit or coarser groups, or raise limits.bytes.",
        )
    return files


def _drawn(report: Report) -> list[File]:
    return [
        File(f"{_stem(report)}-s{place}-{plain_name(one.title.lower())}.{format}", MEDIA_TYPES[format], body)
        for place, one in enumerate(report.drawn, start=1)
        for format, body in one.files.items()
    ]


def _stem(report: Report) -> str:
    return f"{report.name}-{plain_name(report.project)}-{report.days.first}-{report.days.last}"


def _files(report: Report, format: Format) -> list[File]:
    stem = _stem(report)
    if format in OF_ONE_TABLE:
        return [
            File(f"{stem}-{place}-{plain_name(part.title.lower())}.{format}", MEDIA_TYPES[format], body)
            for place, (part, body) in enumerate(zip(report.parts, _tables(report, format), strict=True), start=1)
        ]
    return [File(f"{stem}.{format}", MEDIA_TYPES[format], _document(format)(report))]


def _tables(report: Report, format: Format) -> list[bytes]:
    from monitoring.reports.writing.tables import csv_bytes, parquet_bytes

    write = csv_bytes if format == "csv" else parquet_bytes
    return [write(part.answer.table) for part in report.parts]


def _document(format: Format) -> Callable[[Report], bytes]:
    match format:
        case "json":
            from monitoring.reports.writing.document import json_bytes

            return json_bytes
        case "xlsx":
            from monitoring.reports.writing.workbook import xlsx_bytes

            return xlsx_bytes
        case "html":
            from monitoring.reports.writing.page import html_bytes

            return html_bytes
        case "pdf":
            from monitoring.reports.writing.paper import pdf_bytes

            return pdf_bytes
    raise ValueError(format)


def plain_name(text: str) -> str:
    """What no file system, mail program or shell reads anything into."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:LONGEST_NAME] or "report"


def save(folder: Path, files: Sequence[File]) -> list[Path]:
    """For whoever may read the folder; each is there when it is complete."""
    paths = []
    for file in files:
        path, unfinished = folder / file.name, folder / f".{file.name}"
        try:
            unfinished.write_bytes(file.body)
            unfinished.replace(path)
        except OSError as error:
            raise MillraceError(f"{path} cannot be written: {error.strerror or error}") from error
        finally:
            unfinished.unlink(missing_ok=True)
        paths.append(path)
    return paths
