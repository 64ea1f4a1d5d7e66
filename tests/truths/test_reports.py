"""Reports have the numbers of plain SQL and of the command line in every format, and each goes out once."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from monitoring.alerts.deliveries import deliver
from monitoring.alerts.store import connected, last_alerts
from monitoring.reports.declared import load_reports
from monitoring.reports.history import read_history
from monitoring.reports.sending import send_report, write_report
from tests.mail_stub import mail_server
from tests.support import REPOSITORY
from tests.truths.conftest import LoadedWorld
from tests.webhook_stub import webhook
from tests.workbooks import read_workbook
from warehouse.errors import MillraceError, WrongUsage
from warehouse.settings import Settings

DAY, FIRST, LAST = date(2026, 6, 1), "2026-04-06", "2026-05-31"
FORMATS = ("csv", "json", "xlsx", "parquet", "html", "pdf")
DECLARED = """\
reports:
  shop:
    title: The shop
    owner: team
    projects: [demo]
    days: last 8 weeks
    sections:
      - kind: metrics
        title: Channels
        metrics: [sessions, session_conversion_rate]
        by: [session__channel]
        order: [-sessions]
      - {kind: metrics, title: Orders, metrics: [orders, revenue], by: [day]}
      - {kind: funnel, title: Purchase, steps: [product_viewed, product_added], within: 7d}
      - {kind: metrics, title: At a glance, metrics: [orders]}
  narrow:
    title: Narrow
    owner: team
    projects: [demo, demo_mobile]
    limits: {rows: 3}
    sections:
      - {kind: metrics, metrics: [events], by: [day]}
"""
ALERTS = """\
channels:
  mail: {{kind: email, host: 127.0.0.1, port: {port}, encryption: none, from: m@example.com, to: [a@example.com]}}
  hook: {{kind: slack, url: {{secret: hook}}}}
owners: {{team: {{channels: [mail, hook]}}}}
"""


@pytest.fixture(scope="module")
def settings(built: LoadedWorld) -> Iterator[Settings]:
    folder = built.instance.project_dir
    for name, text in (("reports", DECLARED), ("alerts", ALERTS.format(port=25))):
        (folder / name).mkdir()
        (folder / name / "all.yaml").write_text(text)
    try:
        with built.instance.active() as settings:
            yield settings
    finally:
        for name in ("reports", "alerts"):
            shutil.rmtree(folder / name)


@pytest.fixture(scope="module")
def files(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("reports")
    (outcome,) = write_report(settings, load_reports(settings), "shop", folder, day=DAY, formats=FORMATS)
    assert (str(outcome.run.first_day), str(outcome.run.last_day)) == (FIRST, LAST)
    return {path.name.removeprefix(f"shop-demo-{FIRST}-{LAST}"): path.read_bytes() for path in outcome.files}


@pytest.fixture(scope="module")
def channels(built: LoadedWorld) -> list[list[object]]:
    """Of the command line: channel, sessions, share of those that converted."""
    asked = (
        "--metric",
        "sessions",
        "-m",
        "session_conversion_rate",
        "--by",
        "session__channel",
        "--order",
        "-sessions",
    )
    found = built.instance.json("metrics", "query", "--project", "demo", *asked, "--from", FIRST, "--to", LAST)
    rows: list[list[object]] = found["rows"]
    return rows


def test_every_format_is_there(files: dict[str, bytes]) -> None:
    of_tables = [f"-{n}-{name}" for n, name in enumerate(("channels", "orders", "purchase", "at-a-glance"), start=1)]
    assert set(files) == {
        *(f"{stem}.{format}" for stem in of_tables for format in ("csv", "parquet")),
        *(f".{format}" for format in ("json", "xlsx", "html", "pdf")),
    }


def test_numbers_are_those_of_plain_sql_and_of_the_command_line(
    built: LoadedWorld, files: dict[str, bytes], channels: list[list[object]]
) -> None:
    by_hand = built.instance.rows(
        "SELECT channel, toUInt32(count()), countIf(is_converted) / count() FROM marts.fct_sessions "
        f"WHERE project_id = 'demo' AND local_date BETWEEN '{FIRST}' AND '{LAST}' GROUP BY 1"
    )
    assert sorted(map(tuple, channels)) == sorted(map(tuple, by_hand)) and len(channels) > 3
    assert json.loads(files[".json"])["sections"][0]["rows"] == channels
    head, *rows = csv.reader(io.StringIO(files["-1-channels.csv"].decode("utf-8-sig")))
    assert head == ["session__channel", "sessions", "session_conversion_rate"]
    assert [[channel, int(sessions), float(rate)] for channel, sessions, rate in rows] == channels
    table = pq.read_table(io.BytesIO(files["-1-channels.parquet"]))
    assert [list(row.values()) for row in table.to_pylist()] == channels
    sheet = read_workbook(files[".xlsx"]).sheets["Channels"]
    assert [[c, s, pytest.approx(r, rel=1e-15)] for c, s, r in sheet[1:]] == channels
    values = Values(files[".html"].decode()).values
    assert [float(value) for value in values[: 2 * len(channels)]] == [v for row in channels for v in row[1:]]


class Values(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.values += [value or "" for name, value in attrs if tag == "data" and name == "value"]


def test_a_funnel_and_a_figure_are_those_of_the_command_line(built: LoadedWorld, files: dict[str, bytes]) -> None:
    steps = ("--step", "product_viewed", "--step", "product_added", "--within", "7d")
    funnel = built.instance.json("funnel", "--project", "demo", *steps, "--from", FIRST, "--to", LAST)
    rows = pq.read_table(io.BytesIO(files["-3-purchase.parquet"])).to_pylist()
    assert [(row["name"], row["users"]) for row in rows] == [(s["name"], s["users"]) for s in funnel["steps"]]
    (glance,) = pq.read_table(io.BytesIO(files["-4-at-a-glance.parquet"])).to_pylist()
    orders = "SELECT toUInt32(count()) FROM marts.fct_orders WHERE project_id = 'demo' AND local_date BETWEEN"
    ((now,),) = built.instance.rows(f"{orders} '{FIRST}' AND '{LAST}'")
    ((before,),) = built.instance.rows(f"{orders} '2026-02-09' AND '2026-04-05'")
    assert (glance["orders"], glance["orders__previous"]) == (now, before)
    assert now != before > 0


def test_the_page_and_the_paper_show_every_section(files: dict[str, bytes]) -> None:
    page = files[".html"].decode()
    assert re.findall(r"<h2>(.*?)</h2>", page)[:4] == [*("Channels", "Orders", "Purchase", "At a glance")]
    assert page.count("<img ") == 2  # of rates beside numbers, and of figures, the table says more
    assert files[".pdf"].startswith(b"%PDF-") and files[".pdf"].count(b"/Subtype /Image") >= 2


def test_it_is_sent_once_and_what_a_channel_did_not_take_is_sent_again(
    built: LoadedWorld, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook(500, 200) as hook, mail_server() as box:
        (built.instance.project_dir / "alerts" / "all.yaml").write_text(ALERTS.format(port=box.port))
        monkeypatch.setenv("MILLRACE_SECRET_HOOK", hook.url)
        own = settings.model_copy(update={"alert_targets": f"{hook.target}, {box.target}"})
        reports = load_reports(own)
        first, second = (send_report(own, reports, "shop", print, day=DAY, formats=("xlsx", "csv")) for _ in range(2))
        deliver(own, reports.alerts, print)
    assert [(one.run.project_id, one.is_new) for one in first[0]] == [("demo", True)]
    assert ([one.is_new for one in second[0]], second[1].sent) == ([False], 0)
    assert len(hook.requests) == 2  # one that failed, and one a second later
    assert hook.requests[0].json == hook.requests[1].json
    ((_, mail),) = box.mails
    names = [part.get_filename() for part in mail.iter_attachments()]
    assert names[0] == f"shop-demo-{FIRST}-{LAST}.xlsx" and len(names) == 5
    book = read_workbook(next(mail.iter_attachments()).get_payload(decode=True))
    ((sessions,),) = built.instance.rows(
        "SELECT toUInt32(count()) FROM marts.fct_sessions "
        f"WHERE project_id = 'demo' AND local_date BETWEEN '{FIRST}' AND '{LAST}'"
    )
    assert sum(float(row[1] or 0) for row in book.sheets["Channels"][1:]) == sessions
    (told,) = [one for one in read_history(settings, "shop") if one["outcome"] == "sent"]
    assert (told["channels"], told["delivered"]) == (["mail", "hook"], {"hook": "sent", "mail": "sent"})
    assert (told["sections"], told["bytes"]) == (
        4,
        sum(len(part.get_payload(decode=True)) for part in mail.iter_attachments()),
    )
    with connected(settings, "to look") as client:
        assert not [one for one in last_alerts(client).values() if one.report]  # no round of rules knows it
    assert built.instance.json("alerts", "list", "--all") == []


def test_what_is_too_large_is_not_sent_and_the_history_says_why(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_SECRET_HOOK", "http://127.0.0.1:1")
    with pytest.raises(MillraceError, match=r"Report narrow of demo has 7 rows, and may have 3\."):
        send_report(settings, load_reports(settings), "narrow", print, day=DAY)
    told = {one["project_id"]: one for one in read_history(settings, "narrow")}
    assert {one["outcome"] for one in told.values()} == {"too large"} and set(told) == {"demo", "demo_mobile"}
    assert "limits.rows" in told["demo"]["message"]
    assert (told["demo"]["delivered"], told["demo"]["alert_id"]) == ({}, None)
    with connected(settings, "to look") as client:
        ((kept,),) = client.query("SELECT count() FROM ops.alerts WHERE rule = 'narrow'").result_rows
    assert kept == 0


def test_a_project_that_is_none_and_a_day_without_data_say_so(settings: Settings, tmp_path: Path) -> None:
    reports = load_reports(settings)
    with pytest.raises(WrongUsage, match="no project 'dmo'; did you mean 'demo'"):
        write_report(settings, reports, "shop", tmp_path, "dmo")
    (outcome,) = write_report(settings, reports, "shop", tmp_path, "demo", date(2030, 1, 1), ("json",))
    sections = json.loads(outcome.files[0].read_text())["sections"]
    assert sections[0]["rows"] == [] and "from 5 November to 30 December 2029" in sections[0]["reading"]


def test_commands_list_make_and_remember(built: LoadedWorld, settings: Settings, tmp_path: Path) -> None:
    listed = built.instance.json("report", "list")
    assert [(one["name"], one["channels"]) for one in listed] == [
        ("shop", ["mail", "hook"]),
        ("narrow", ["mail", "hook"]),
    ]
    done = built.instance.run("report", "run", "shop", "--day", str(DAY), "--format", "csv", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(re.findall(r"shop-demo\S+\.csv", done.stdout))
    newest = built.instance.json("report", "history", "shop")[0]
    assert (newest["outcome"], newest["formats"], newest["channels"]) == ("made", ["csv"], [])
    assert built.instance.run("report", "run", "shop", "--day", "soon").returncode == 2


def test_names_that_only_the_semantic_layer_knows_are_validated(
    built: LoadedWorld, settings: Settings, tmp_path: Path
) -> None:
    assert built.instance.json("report", "validate") == {"reports": 2, "mistakes": []}
    path = built.instance.project_dir / "reports" / "all.yaml"
    try:
        path.write_text(
            DECLARED.replace("metrics: [events]", "metrics: [evnts]").replace("[product_viewed,", "[viewed,")
        )
        done = built.instance.run("report", "validate")
    finally:
        path.write_text(DECLARED)
    assert done.returncode == 1
    funnel, events = done.stdout.splitlines()
    assert funnel.startswith("reports/all.yaml:14: reports.shop.sections.2: of demo: No event is called 'viewed'")
    assert events.startswith("reports/all.yaml:22: reports.narrow.sections.0: of demo: ") and "'evnts'" in events


@pytest.mark.parametrize("path", sorted((REPOSITORY / "reports").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_reports_can_be_made_of_every_project(
    built: LoadedWorld, settings: Settings, tmp_path: Path, path: Path
) -> None:
    folder = built.instance.project_dir / "reports"
    owners = "owners: {analytics: {channels: [mail]}, shop: {channels: [mail]}}\n"
    (built.instance.project_dir / "alerts" / "shipped.yaml").write_text(owners)
    shutil.copy(path, folder / "shipped.yaml")
    try:
        reports = load_reports(settings)
        (name,) = set(reports.reports) - {"shop", "narrow"}
        outcomes = write_report(settings, reports, name, tmp_path, day=DAY, formats=("json",))
    finally:
        (folder / "shipped.yaml").unlink()
        (built.instance.project_dir / "alerts" / "shipped.yaml").unlink()
    assert {one.run.project_id for one in outcomes} == {"demo", "demo_mobile"}
    (demo,) = [one for one in outcomes if one.run.project_id == "demo"]
    assert all(section["rows"] for section in json.loads(demo.files[0].read_text())["sections"])
