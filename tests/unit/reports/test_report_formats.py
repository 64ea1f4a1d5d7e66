"""Each format has the numbers of the answer, and texts of the data stay texts; read back without what wrote them."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from dataclasses import replace
from datetime import date, datetime
from html.parser import HTMLParser
from typing import Any

import pyarrow.parquet as pq
import pytest

from monitoring.reports.contents import Part, Report, TooLarge
from monitoring.reports.plans import Limits, MetricsSection, ReportPlan
from monitoring.reports.writing.files import File, write_files
from monitoring.reports.writing.tables import harmless
from monitoring.reports.writing.workbook import sheet_names
from semantic_layer.ask.answering import Answer, Definition
from semantic_layer.ask.charts import Chart, ChartType
from semantic_layer.ask.table import Column, Role, Table
from semantic_layer.ask.understood import Understood
from semantic_layer.ask.wording import Span
from semantic_layer.metrics.models import Grain, MetricQuery
from tests.workbooks import read_workbook

HOSTILE = '=HYPERLINK("https://evil.example","x")<script>alert(1)</script>\'&$x$'
COLUMNS = (
    Column("metric_time__week", "Date", "Week", Role.TIME, grain=Grain.WEEK),
    Column("user__country", "LowCardinality(Nullable(String))", "Country", Role.CATEGORY),
    Column("revenue", "Nullable(Float64)", "Revenue", Role.METRIC, "currency"),
    Column("orders", "UInt64", "Orders", Role.METRIC),
)
ROWS = (
    (date(2026, 6, 15), "DE", 1234.5678901234567, 7),
    (date(2026, 6, 15), HOSTILE, -0.1, 2**40),
    (date(2026, 6, 22), None, None, 0),
    (date(2026, 6, 22), "-1+2", 0.1 + 0.2, 3),
)
TABLE = Table(COLUMNS, ROWS, currency="EUR")


def answer(table: Table = TABLE) -> Answer:
    query = MetricQuery(project="demo", metrics=("revenue", "orders"))
    return Answer(
        question="",
        understood=Understood(query, 1.0, "declared"),
        table=table,
        reading=f"Revenue went up because of {HOSTILE}.",
        chart=Chart(ChartType.TABLE, ""),
        title="Revenue",
        subtitle="June 2026, project demo",
        sql=(),
        definitions=(Definition("revenue", "Revenue", "What was <paid>.", "", "shop"),),
        remarks=("Events begin on 1 June 2026.",),
    )


def report(*tables: Table) -> Report:
    parts = tuple(Part(f"Part {n}: a/b", answer(table)) for n, table in enumerate(tables or (TABLE,), start=1))
    days = Span(date(2026, 6, 15), date(2026, 6, 28))
    return Report("weekly", "The <week>", "About $1 and $2.", "shop", "demo", date(2026, 6, 29), days, parts)


def plan(**more: Any) -> ReportPlan:
    return ReportPlan(title="x", owner="shop", sections=(MetricsSection(kind="metrics", metrics=("revenue",)),), **more)


def written(format: Any, *tables: Table) -> list[File]:
    return write_files(report(*tables), plan(), [format])


def test_csv_has_all_digits_and_no_formula() -> None:
    (file,) = written("csv")
    assert file.name == "weekly-demo-2026-06-15-2026-06-28-1-part-1-a-b.csv"
    assert file.body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(file.body.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["metric_time__week", "user__country", "revenue", "orders"]
    assert rows[1] == ["2026-06-15", "DE", "1234.5678901234567", "7"]
    assert rows[2] == ["2026-06-15", f"'{HOSTILE}", "-0.1", str(2**40)]
    assert rows[3] == ["2026-06-22", "", "", "0"]
    assert rows[4] == ["2026-06-22", "'-1+2", "0.30000000000000004", "3"]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1"])
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "1-2", "Ünder", "'=1", " "])
def test_what_is_a_text_anyway_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_parquet_has_values_with_their_types_and_texts_as_they_are() -> None:
    (file,) = written("parquet")
    table = pq.read_table(io.BytesIO(file.body))
    assert [str(field.type) for field in table.schema] == ["date32[day]", "string", "double", "uint64"]
    assert list(zip(*(table.column(n).to_pylist() for n in range(4)), strict=True)) == list(ROWS)


def test_parquet_has_types_also_where_there_is_no_row() -> None:
    (file,) = written("parquet", replace(TABLE, rows=()))
    table = pq.read_table(io.BytesIO(file.body))
    assert (table.num_rows, str(table.schema.field("revenue").type)) == (0, "double")


def test_an_hour_is_that_of_the_clocks_of_the_project() -> None:
    hour = Column("metric_time__hour", "DateTime('Europe/Berlin')", "Hour", Role.TIME, grain=Grain.HOUR)
    table = replace(TABLE, columns=(hour, *COLUMNS[1:]), rows=((datetime(2026, 6, 15, 13), "DE", 1.0, 1),))
    (file,) = written("parquet", table)
    assert pq.read_table(io.BytesIO(file.body)).column(0).to_pylist() == [datetime(2026, 6, 15, 13)]
    (book,) = written("xlsx", table)
    assert read_workbook(book.body).sheets["Part 1 a b"][1][0] == pytest.approx(46188 + 13 / 24)


def test_json_has_what_was_asked_and_every_row() -> None:
    (file,) = written("json")
    document = json.loads(file.body)
    assert (document["report"], document["from"], document["to"]) == ("weekly", "2026-06-15", "2026-06-28")
    (section,) = document["sections"]
    assert section["asked"] == {"kind": "metrics", "project": "demo", "metrics": ["revenue", "orders"]}
    assert section["rows"] == [[str(week), *rest] for week, *rest in ROWS]
    assert section["columns"][2] == {
        "name": "revenue",
        "type": "Nullable(Float64)",
        "label": "Revenue",
        "format": "currency",
    }


def test_a_workbook_has_numbers_as_numbers_and_texts_as_texts() -> None:
    (file,) = written("xlsx", TABLE, TABLE)
    book = read_workbook(file.body)
    assert list(book.sheets) == ["Report", "Part 1 a b", "Part 2 a b"]
    assert (book.formulas, book.links) == (0, 0)
    head, *rows = book.sheets["Part 1 a b"]
    assert head == ["Week", "Country", "Revenue", "Orders"]
    assert rows[0][1:] == ["DE", pytest.approx(1234.5678901234567, rel=1e-15), 7.0]
    assert rows[1][1:] == [HOSTILE, -0.1, float(2**40)]
    assert rows[2][1:] == [None, None, 0.0]
    assert rows[0][0] == (date(2026, 6, 15) - date(1899, 12, 30)).days
    assert HOSTILE in str(book.sheets["Report"][-1][1])


def test_a_number_that_excel_cannot_hold_is_a_text() -> None:
    large = 2**53 + 1
    (file,) = written("xlsx", replace(TABLE, rows=((date(2026, 6, 15), "DE", 1.0, large),)))
    assert read_workbook(file.body).sheets["Part 1 a b"][1][3] == str(large)


def test_names_of_sheets_are_short_plain_and_none_is_there_twice() -> None:
    long = "A title that is longer than Excel lets a sheet be"
    names = sheet_names([long, long.upper(), "a[b]:c*d?e/f\\g", "''", "report", "History"])
    assert names == [
        long[:31].rstrip(),
        "A TITLE THAT IS LONGER THAN E 2",
        "a b c d e f g",
        "Section",
        "report 2",
        "History 2",
    ]


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value or "" for name, value in attrs if tag == "data" and name == "value"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_has_every_number_and_no_markup_of_the_data() -> None:
    (file,) = written("html")
    page = Page(file.body.decode())
    assert page.values == ["1234.5678901234567", "7", "-0.1", str(2**40), "0", "0.30000000000000004", "3"]
    assert "script" not in page.tags and page.text.count(HOSTILE) == 2
    assert "What was <paid>." in page.text and "The <week>" in page.text
    assert "default-src 'none'" in file.body.decode()


def test_figures_without_time_and_groups_stand_below_each_other_with_those_before() -> None:
    columns = (
        Column("orders", "UInt64", "Orders", Role.METRIC, metric="orders"),
        Column("orders__previous", "UInt64", "Orders before", Role.PREVIOUS, metric="orders"),
        Column("orders__change", "Float64", "Relative change", Role.CHANGE, "percent", metric="orders"),
        Column("rate", "Float64", "Rate", Role.METRIC, "percent", metric="rate"),
    )
    (file,) = written("html", replace(TABLE, columns=columns, rows=((12, 10, 0.2, 0.5),)))
    rows = re.findall(r"<tr>(.*?)</tr>", file.body.decode())
    texts = [[re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]
    assert texts == [
        ["Figure", "Value", "Before", "Change"],
        ["Orders", "12", "10", "+20 %"],
        ["Rate", "50 %", "–", "–"],
    ]


def pdf_text(body: bytes) -> list[bytes]:
    streams = re.findall(rb"stream\r?\n(.*?)endstream", body, re.DOTALL)
    found = []
    for stream in streams:
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            found.append(stream)
    return found


def test_a_pdf_is_the_same_each_time_and_goes_on_on_the_next_page() -> None:
    many = replace(TABLE, rows=ROWS * 20)
    (first,), (second,) = (written("pdf", many, many) for _ in range(2))
    assert first.body == second.body and first.body.startswith(b"%PDF-")
    pages = [stream for stream in pdf_text(first.body) if b" Tf" in stream]
    assert len(pages) > 1
    assert len(re.findall(rb"/Type /Page\b", first.body)) == len(pages)


def test_pictures_are_drawn_where_a_chart_shows_more_than_a_table() -> None:
    table = replace(TABLE, columns=COLUMNS[1:3], rows=(("DE", 2.0), ("FR", 1.0)))
    drawn = replace(answer(table), chart=Chart(ChartType.BAR, ""))
    made = replace(report(), parts=(Part("Bars", drawn),))
    page, paper = write_files(made, plan(), ["html", "pdf"])
    assert page.body.count(b'src="data:image/svg+xml;base64,') == 1
    assert b"/Subtype /Image" in paper.body


def test_what_is_too_large_is_no_file_at_all() -> None:
    with pytest.raises(TooLarge, match=r"report weekly of demo have .*KiB, and may have 1.0KiB"):
        write_files(report(), plan(limits=Limits(bytes=1024)), ["csv", "html"])


def test_a_project_may_be_called_what_no_file_can_be() -> None:
    (file,) = write_files(replace(report(), project="../../etc/x y"), plan(), ["json"])
    assert file.name == "weekly-etc-x-y-2026-06-15-2026-06-28.json"
