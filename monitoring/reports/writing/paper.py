"""A report as a PDF of A4 pages, drawn without a browser. The same report makes the same file."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from monitoring.reports.contents import Part, Report
from monitoring.reports.writing.showing import grid, picture
from semantic_layer.ask.charts import ChartType
from semantic_layer.ask.table import Table
from semantic_layer.ask.wording import period_name

WIDTH, HEIGHT, MARGIN = 595.0, 842.0, 48.0  # A4 in points
INNER = WIDTH - 2 * MARGIN
INK, SOFT, LINE = "#1d2733", "#5d6b7a", "#e3e8ee"
PLAIN, SMALL, HEAD, TITLE = 9.5, 8.0, 13.0, 19.0
LEADING = 1.45
CHARACTER = 0.56  # its mean width, as a part of the size
TALLEST_PICTURE = 300.0
SHOWN_ROWS = 40  # of a section
STYLE: Any = {
    "font.family": ["DejaVu Sans"],  # the one that comes with matplotlib
    "text.parse_math": False,  # a text with two dollar signs is no formula
    "pdf.fonttype": 42,
    "pdf.compression": 6,
}


def pdf_bytes(report: Report) -> bytes:
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import PdfPages

    body = io.BytesIO()
    about = {"Title": report.heading, "Author": report.owner, "Creator": "Millrace", "CreationDate": None}
    with mpl.rc_context(STYLE), _known_signs(), PdfPages(body, metadata=about) as pages:
        paper = _Paper(pages, report.heading)
        paper.text(report.title, TITLE, weight="bold")
        paper.text(f"{report.project} · {period_name(report.days)} · of {report.owner}", SMALL, SOFT)
        if report.description:
            paper.text(report.description)
        for part in report.parts:
            _section(paper, part)
        paper.end()
    return body.getvalue()


@contextmanager
def _known_signs() -> Iterator[None]:
    """Signs that the font lacks are drawn as boxes; who runs the report cannot change that."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def _section(paper: _Paper, part: Part) -> None:
    answer = part.answer
    drawn = picture(part, ".png")
    paper.room(120 if drawn is None else TALLEST_PICTURE + 60)
    paper.gap(14)
    paper.text(part.title, HEAD, weight="bold")
    if drawn is None:  # which has its days above it
        paper.text(answer.subtitle, SMALL, SOFT)
    paper.text(answer.reading)
    if drawn is not None:
        paper.picture(drawn)
    if answer.table.rows and answer.chart.type is not ChartType.HEAT_MAP:  # whose picture has every figure
        _table(paper, answer.table)
    for remark in answer.remarks:
        paper.text(remark, SMALL, SOFT)


def _table(paper: _Paper, table: Table) -> None:
    told = grid(table)
    rows = [[cell.text for cell in row] for row in told.rows[:SHOWN_ROWS]]
    widths = [max(len(text) for text in texts) for texts in zip(told.heads, *rows, strict=True)]
    paper.row(told.heads, widths, told.are_numbers, SOFT)
    for row in rows:
        paper.row(row, widths, told.are_numbers)
    if len(told.rows) > SHOWN_ROWS:
        paper.text(f"The first {SHOWN_ROWS} of {len(told.rows):,} rows; csv, xlsx and others have all.", SMALL, SOFT)


class _Paper:
    """Writes from top to bottom, and goes on on the next page."""

    def __init__(self, pages: Any, heading: str) -> None:
        self._pages, self._heading = pages, heading
        self._number = 0
        self._begin()

    def _begin(self) -> None:
        from matplotlib.figure import Figure

        self._figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
        self._number += 1
        self._top = HEIGHT - MARGIN
        self._write(_cut(self._heading, 90), MARGIN, 26, SMALL, SOFT)
        self._write(str(self._number), WIDTH - MARGIN, 26, SMALL, SOFT, align="right")

    def end(self) -> None:
        self._pages.savefig(self._figure)

    def room(self, points: float) -> None:
        """On this page, or a new one."""
        if self._top - points < MARGIN:
            self.end()
            self._begin()

    def gap(self, points: float) -> None:
        self._top -= points

    def text(self, text: str, size: float = PLAIN, colour: str = INK, weight: str = "normal") -> None:
        for line in textwrap.wrap(" ".join(text.split()), int(INNER / (size * CHARACTER))):
            self.room(size * LEADING)
            self._top -= size * LEADING
            self._write(line, MARGIN, self._top, size, colour, weight=weight)
        self._top -= 3

    def picture(self, png: bytes) -> None:
        from matplotlib.image import imread

        pixels = imread(io.BytesIO(png), format="png")
        height, width = pixels.shape[:2]
        scale = min(INNER / width, TALLEST_PICTURE / height, 0.4)  # of pixels, two of which are a unit of the chart
        self.room(height * scale)
        self._top -= height * scale
        place = (MARGIN / WIDTH, self._top / HEIGHT, width * scale / WIDTH, height * scale / HEIGHT)
        axes = self._figure.add_axes(place)
        axes.imshow(pixels, aspect="auto", interpolation="none")
        axes.set_axis_off()
        self._top -= 6

    def row(self, texts: Sequence[str], widths: Sequence[int], right: Sequence[bool], colour: str = INK) -> None:
        self.room(SMALL * LEADING + 3)
        self._top -= SMALL * LEADING + 3
        whole = sum(widths) + 3 * len(widths)
        # Narrow tables are as wide as their texts; of wide ones each column gets its part.
        unit = min(SMALL * CHARACTER * 1.05, INNER / whole)
        left = MARGIN
        for text, width, is_right in zip(texts, widths, right, strict=True):
            room = (width + 3) * unit
            shown_text = _cut(text, max(int((room - 2 * unit) / (SMALL * CHARACTER)), 3))
            x = left + room - 2 * unit if is_right else left
            self._write(shown_text, x, self._top, SMALL, colour, align="right" if is_right else "left")
            left += room

    def _write(
        self, text: str, x: float, y: float, size: float, colour: str, weight: str = "normal", align: str = "left"
    ) -> None:
        self._figure.text(x / WIDTH, y / HEIGHT, text, fontsize=size, color=colour, fontweight=weight, ha=align)


def _cut(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
