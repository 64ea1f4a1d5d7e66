"""Reports that show dashboards and charts of Superset: of one project, sent once, or not at all."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from datetime import date

import pytest

from bi import showing
from monitoring.reports.declared import load_reports
from monitoring.reports.history import read_history
from monitoring.reports.sending import Outcome, send_report
from monitoring.reports.validating import mistakes_of
from tests.mail_stub import mail_server
from tests.programs import program
from tests.truths.running_superset import RunningSuperset
from tests.webhook_stub import webhook
from tests.workbooks import read_workbook
from warehouse.errors import MillraceError
from warehouse.settings import Settings

DAY, FIRST, LAST = date(2026, 6, 1), "2026-05-04", "2026-05-31"
STEM = f"board-demo_mobile-{FIRST}-{LAST}"
DECLARED = """\
reports:
  board:
    title: The board
    owner: team
    projects: [demo_mobile]
    days: last 4 weeks
    sections:
      - {kind: dashboard, dashboard: executive, formats: [png, pdf]}
      - {kind: chart, dashboard: marketing, chart: Landing pages, formats: [csv, xlsx, text]}
  wrong:
    title: Wrong
    owner: team
    sections:
      - {kind: dashboard, dashboard: exectuive}
      - {kind: chart, dashboard: marketing, chart: Landing page}
      - {kind: dashboard, dashboard: product, tab: Funels}
"""
ALERTS = """\
channels:
  mail: {{kind: email, host: 127.0.0.1, port: {port}, encryption: none, from: m@example.com, to: [a@example.com]}}
  hook: {{kind: slack, url: {{secret: hook}}}}
owners: {{team: {{channels: [mail, hook]}}}}
"""
SESSIONS = (
    "SELECT entry_page, count() FROM marts.fct_sessions WHERE project_id = 'demo_mobile' "
    f"AND local_date BETWEEN '{FIRST}' AND '{LAST}' GROUP BY 1"
)


@pytest.fixture(scope="module")
def settings(superset: RunningSuperset) -> Iterator[Settings]:
    folder = superset.instance.project_dir
    for name, text in (("reports", DECLARED), ("alerts", ALERTS.format(port=25))):
        (folder / name).mkdir()
        (folder / name / "all.yaml").write_text(text)
    try:
        with superset.instance.active() as settings:
            yield settings
    finally:
        for name in ("reports", "alerts"):
            shutil.rmtree(folder / name)


def test_what_cannot_be_drawn_is_not_sent_in_part(
    settings: Settings, superset: RunningSuperset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chart that fails, or no browser: told, written down, and nobody gets half of it."""
    program("chromium")
    monkeypatch.setenv("MILLRACE_SECRET_HOOK", "http://127.0.0.1:1")
    chart = next(one for one in superset.bundle.charts if one.title == "Revenue by country")
    number = superset.id_of("chart", chart.id)
    params = json.loads(superset.client.ask("GET", f"chart/{number}")["result"]["params"])
    superset.client.ask("PUT", f"chart/{number}", {"params": json.dumps({**params, "metrics": ["no_such"]})})
    try:
        with pytest.raises(MillraceError, match="section 1: Dashboard Executive cannot be drawn: it shows"):
            send(settings)
    finally:
        superset.instance.json("bi", "sync")
    with monkeypatch.context() as without:
        without.setattr(showing, "BROWSERS", ("no-such-browser",))
        with pytest.raises(MillraceError, match="needs Chromium, which is not there"):
            send(settings)
    told = read_history(settings, "board")
    assert [one["outcome"] for one in told] == ["failed", "failed"]
    assert "Chromium" in told[0]["message"] and "cannot be drawn" in told[1]["message"]
    assert superset.instance.rows("SELECT count() FROM ops.alerts WHERE rule = 'board'") == [(0,)]


def test_a_dashboard_and_a_chart_are_sent_with_the_rows_of_their_project(
    settings: Settings, superset: RunningSuperset, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("chromium")
    with webhook(200) as hook, mail_server() as box:
        (superset.instance.project_dir / "alerts" / "all.yaml").write_text(ALERTS.format(port=box.port))
        monkeypatch.setenv("MILLRACE_SECRET_HOOK", hook.url)
        own = settings.model_copy(update={"alert_targets": f"{hook.target}, {box.target}"})
        first, second = (send(own) for _ in range(2))
    assert ([one.is_new for one in first], [one.is_new for one in second]) == ([True], [False])
    ((_, mail),) = box.mails
    files = {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}
    assert list(files) == [
        *(f"{STEM}-s1-executive.{format}" for format in ("png", "pdf")),
        *(f"{STEM}-s2-landing-pages.{format}" for format in ("csv", "xlsx")),
    ]
    picture = files[f"{STEM}-s1-executive.png"]
    assert picture.startswith(b"\x89PNG") and int.from_bytes(picture[16:20], "big") == 1600
    assert files[f"{STEM}-s1-executive.pdf"].startswith(b"%PDF-")
    expected = {str(page): int(count) for page, count in superset.instance.rows(SESSIONS)}
    titles, *rows = csv.reader(io.StringIO(files[f"{STEM}-s2-landing-pages.csv"].decode("utf-8-sig")))
    found = {row[0]: int(row[titles.index("Sessions")]) for row in rows}
    assert found and found.items() <= expected.items()
    ((_, *cells),) = read_workbook(files[f"{STEM}-s2-landing-pages.xlsx"]).sheets.values()
    assert len(cells) == len(found)
    said = json.dumps(hook.requests[0].json)
    assert "The board: demo_mobile" in said and "Executive: the dashboard, of demo_mobile" in said
    assert f"Landing pages: {len(found)} rows, of demo_mobile" in said
    (told,) = [one for one in read_history(settings, "board") if one["outcome"] == "sent"]
    assert told["formats"] == ["png", "pdf", "csv", "xlsx", "text"]
    assert (told["sections"], told["rows"], told["bytes"]) == (2, len(found), sum(map(len, files.values())))


def test_names_of_dashboards_tabs_and_charts_are_checked(settings: Settings) -> None:
    _, mistakes = mistakes_of(settings, showing.Boards(settings))
    assert [(one.line, str(one).split(": ", 2)[2].partition("?")[0]) for one in mistakes] == [
        (14, "There is no dashboard 'exectuive'; did you mean 'executive'"),
        (15, "Dashboard marketing has no chart 'Landing page'; did you mean 'Landing pages'"),
        (16, "Dashboard product has no tab 'Funels'; did you mean 'Funnels'"),
    ]


def send(settings: Settings) -> list[Outcome]:
    boards = showing.Boards(settings)
    return send_report(settings, load_reports(settings), "board", print, day=DAY, boards=boards)[0]
