"""A report as one page of HTML that needs nothing but itself, and runs nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape

from monitoring.reports.contents import Part, Report
from monitoring.reports.writing.showing import Cell, grid, picture
from semantic_layer.ask.table import Table
from semantic_layer.ask.wording import period_name

SHOWN_ROWS = 500  # of a section
OPEN_ROWS = 20  # more are folded up below their picture
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = """
body { margin: 0; background: #f6f8fa; color: #1d2733; font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 0 0 8px; }
p { margin: 0 0 10px; } .soft { color: #5d6b7a; font-size: 13px; }
section { background: #fff; border: 1px solid #e3e8ee; border-radius: 10px; padding: 18px 20px; margin-top: 20px; }
img { display: block; max-width: 100%; height: auto; margin: 8px 0; }
.wrap { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; min-width: 40%; }
th, td { text-align: left; padding: 6px 10px 6px 0; border-top: 1px solid #e3e8ee; vertical-align: top; }
thead th { border-top: 0; color: #5d6b7a; font-weight: 550; }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
summary { cursor: pointer; color: #5d6b7a; font-size: 13px; }
dt { font-weight: 600; } dd { margin: 0 0 8px; color: #5d6b7a; }
@media print { body { background: #fff; } section { break-inside: avoid; border: 0; padding: 0; } }
"""


def html_bytes(report: Report) -> bytes:
    return "".join(_page(report)).encode("utf-8", errors="replace")


def _page(report: Report) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(report.heading)}</title><style>{STYLE}</style></head><body><main>"
    yield f"<h1>{escape(report.title)}</h1>"
    yield f'<p class="soft">{escape(report.project)} · {period_name(report.days)} · of {escape(report.owner)}</p>'
    if report.description:
        yield f"<p>{escape(report.description)}</p>"
    for part in report.parts:
        yield from _section(part)
    yield from _definitions(report)
    yield "</main></body></html>\n"


def _section(part: Part) -> Iterator[str]:
    answer = part.answer
    yield f"<section><h2>{escape(part.title)}</h2>"
    drawn = picture(part, ".svg")
    if drawn is None:  # which has its days above it
        yield f'<p class="soft">{escape(answer.subtitle)}</p>'
    yield f"<p>{escape(answer.reading)}</p>"
    if drawn is not None:
        # As a picture and not as a part of the page: what is in it can be no markup.
        yield f'<img alt="{escape(part.title)}" src="data:image/svg+xml;base64,{b64encode(drawn).decode()}">'
    if drawn is not None and len(answer.table.rows) > OPEN_ROWS:
        yield "<details><summary>All figures</summary>"
        yield from _table(answer.table)
        yield "</details>"
    else:
        yield from _table(answer.table)
    yield from (f'<p class="soft">{escape(remark)}</p>' for remark in answer.remarks)
    yield "</section>"


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    told = grid(table)
    yield '<div class="wrap"><table><thead><tr>'
    yield "".join(
        f"<th{_class(is_number)}>{escape(head)}</th>"
        for head, is_number in zip(told.heads, told.are_numbers, strict=True)
    )
    yield "</tr></thead><tbody>"
    for row in told.rows[:SHOWN_ROWS]:
        cells = zip(row, told.are_numbers, strict=True)
        yield f"<tr>{''.join(_cell(cell, is_number) for cell, is_number in cells)}</tr>"
    yield "</tbody></table></div>"
    if len(told.rows) > SHOWN_ROWS:
        yield f'<p class="soft">The first {SHOWN_ROWS} of {len(told.rows):,} rows; csv, xlsx and others have all.</p>'


def _cell(cell: Cell, is_number: bool) -> str:
    text = escape(cell.text)
    if cell.value is not None:
        text = f'<data value="{escape(str(cell.value))}">{text}</data>'  # all digits, for whoever reads it by program
    return f"<td{_class(is_number)}>{text}</td>"


def _class(is_number: bool) -> str:
    return ' class="n"' if is_number else ""


def _definitions(report: Report) -> Iterator[str]:
    told = {one.name: one for part in report.parts for one in part.answer.definitions}
    if told:
        yield "<section><h2>What the figures mean</h2><dl>"
        for one in told.values():
            yield f"<dt>{escape(one.label)}</dt><dd>{escape(one.description)}</dd>"
        yield "</dl></section>"
