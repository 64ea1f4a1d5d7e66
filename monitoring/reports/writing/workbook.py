"""A report as an Excel workbook: what it says, then a sheet for each section. No text becomes a formula or a link."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from monitoring.reports.contents import Report
from semantic_layer.ask.table import Column, Role

LONGEST_SHEET_NAME, LONGEST_TEXT = 31, 32_767  # Excel refuses more
MOST_EXACT = 2**53  # Excel's numbers are doubles: a larger whole number is kept as text
FIRST_SHEET = "Report"
WIDEST = 60
NUMBERS = {
    "percent": "0.0%",
    "currency": "#,##0.00",
    "seconds": "#,##0.0",
    "milliseconds": "#,##0",
    "score": "0.0",
    "number": "#,##0.00",
}


def xlsx_bytes(report: Report) -> bytes:
    import xlsxwriter

    body = io.BytesIO()
    with xlsxwriter.Workbook(body, {"in_memory": True, "nan_inf_to_errors": True}) as workbook:
        # The same report makes the same file.
        workbook.set_properties(
            {"title": report.heading, "created": datetime.combine(report.asked_on, time()), "author": report.owner}
        )
        names = sheet_names([part.title for part in report.parts])
        _about(workbook, report, names)
        for part, name in zip(report.parts, names, strict=True):
            _sheet(workbook, name, part.answer.table.columns, part.answer.table.rows)
    return body.getvalue()


def _about(workbook: Any, report: Report, names: Sequence[str]) -> None:
    sheet, bold = workbook.add_worksheet(FIRST_SHEET), workbook.add_format({"bold": True})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    about = [
        ("Title", report.title),
        ("About", report.description),
        ("Project", report.project),
        ("From", str(report.days.first)),
        ("To", str(report.days.last)),
        ("Owner", report.owner),
    ]
    rows = [(name, text, bold) for name, text in about if text]
    for part, name in zip(report.parts, names, strict=True):
        said = " ".join([part.answer.reading, *part.answer.remarks])
        rows.append((name, f"{part.answer.subtitle}. {said}", None))
    for place, (name, text, form) in enumerate(rows):
        sheet.write_string(place, 0, name, form)
        sheet.write_string(place, 1, _short(text), wrapped)


def _sheet(workbook: Any, name: str, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> None:
    sheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    head = workbook.add_format({"bold": True, "bottom": 1})
    for place, column in enumerate(columns):
        form = workbook.add_format({"num_format": _format(column, rows, place)})
        sheet.write_string(0, place, _short(column.label), head)
        widest = len(column.label)
        for line, row in enumerate(rows, start=1):
            _write(sheet, line, place, row[place], form)
            widest = max(widest, len(str(row[place])))
        sheet.set_column(place, place, min(widest + 2, WIDEST))


def _write(sheet: Any, line: int, place: int, value: Any, form: Any) -> None:
    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(line, place, value)
        case int() if abs(value) > MOST_EXACT:
            sheet.write_string(line, place, str(value))
        case int() | float():
            sheet.write_number(line, place, value, form)
        case datetime():
            sheet.write_datetime(line, place, value.replace(tzinfo=None), form)
        case date():
            sheet.write_datetime(line, place, value, form)
        case _:
            sheet.write_string(line, place, _short(str(value)))


def _format(column: Column, rows: Sequence[tuple[Any, ...]], place: int) -> str:
    if column.role is Role.TIME:
        has_clock = any(isinstance(row[place], datetime) for row in rows)
        return "yyyy-mm-dd hh:mm" if has_clock else "yyyy-mm-dd"
    whole = all(isinstance(row[place], int) for row in rows if row[place] is not None)
    return "#,##0" if column.format == "number" and whole else NUMBERS.get(column.format, NUMBERS["number"])


def sheet_names(titles: Sequence[str]) -> list[str]:
    """Short, without what Excel refuses, none twice, whatever their case."""
    taken, names = {FIRST_SHEET.lower(), "history"}, []
    for title in titles:
        bare = " ".join(re.sub(r"[\[\]:*?/\\\x00-\x1f]+", " ", title).split()).strip("' ") or "Section"
        name, number = bare[:LONGEST_SHEET_NAME].rstrip(" '"), 1
        while name.lower() in taken:
            number += 1
            mark = f" {number}"
            name = bare[: LONGEST_SHEET_NAME - len(mark)].rstrip(" '") + mark
        taken.add(name.lower())
        names.append(name)
    return names


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
