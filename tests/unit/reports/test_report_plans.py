"""What reports/*.yaml says, what is said of its mistakes, and what days its words are."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from cli.report import Written
from monitoring.reports.asking import days_of, structure_of
from monitoring.reports.declared import load_reports
from monitoring.reports.plans import Format, FunnelSection, MetricsSection
from semantic_layer.ask.wording import Span
from semantic_layer.journeys.models import Funnel
from semantic_layer.metrics.catalogue import Catalogue, DeclaredFunnel
from semantic_layer.metrics.models import MetricQuery
from tests.support import REPOSITORY
from warehouse.errors import WrongUsage
from warehouse.settings import Settings

ALERTS = """\
channels:
  desk: {kind: console}
  pager: {kind: pagerduty, key: {secret: key}}
owners:
  team: {channels: [desk, pager]}
  night: {channels: [pager]}
"""
GOOD = """\
reports:
  weekly:
    title: The week
    owner: team
    cron: "0 7 * * 1"
    formats: [xlsx, csv]
    limits: {rows: 100, bytes: 2MiB}
    sections:
      - kind: metrics
        metrics: [revenue]
        by: [week]
      - kind: funnel
        steps: [signed_up, order_completed]
        within: 7d
"""
SUNDAY = date(2026, 6, 28)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shutil.copy(REPOSITORY / "projects.yaml", tmp_path)
    for folder in ("alerts", "reports"):
        (tmp_path / folder).mkdir()
    (tmp_path / "alerts" / "all.yaml").write_text(ALERTS)
    return Settings(project_dir=tmp_path)


def write(settings: Settings, text: str) -> None:
    (settings.project_dir / "reports" / "shop.yaml").write_text(text)


def test_what_is_right_has_no_mistake_and_calls_nobody_out_of_bed(settings: Settings) -> None:
    write(settings, GOOD)
    reports = load_reports(settings)
    assert reports.mistakes == []
    plan = reports.plan("weekly")
    assert (plan.days, plan.limits.rows, plan.limits.bytes) == ("last week", 100, 2 * 1024**2)
    assert reports.channels_of("weekly") == ("desk",)


def test_what_is_shipped_has_no_mistake() -> None:
    reports = load_reports(Settings(project_dir=REPOSITORY))
    assert reports.mistakes == []
    assert {"weekly_product", "weekly_marketing", "weekly_operations"} <= set(reports.reports)
    assert all(plan.cron and plan.description for plan in reports.reports.values())


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("    title:", "    titel:", "3: reports.weekly: no key is called 'titel'; did you mean 'title'?"),
        ("owner: team", "owner: teem", "4: reports.weekly.owner: there is no owner 'teem'; did you mean 'team'?"),
        ('"0 7 * * 1"', '"7:00"', "5: reports.weekly.cron: '7:00' is no cron expression"),
        ('"0 7 * * 1"', '"0 7 * * 9"', "5: reports.weekly.cron: '0 7 * * 9' is no cron expression"),
        ("[xlsx, csv]", "[xls, csv]", "6: reports.weekly.formats.0: there is no 'xls'; did you mean 'xlsx'"),
        ("2MiB", "2 things", "7: reports.weekly.limits.bytes: "),
        ("kind: metrics", "kind: metric", "9: reports.weekly.sections.0.kind: there is no kind 'metric'; did you mean"),
        ("by: [week]", "buy: [week]", "11: reports.weekly.sections.0: no key is called 'buy'; did you mean 'by'?"),
        (
            "steps: [signed_up, order_completed]",
            "model: funnel_purchase",
            "12: reports.weekly.sections.1: takes either",
        ),
        ("title: The week", 'title: "The\\nweek"', "3: reports.weekly.title: 'The\\nweek' has not the form of one."),
    ],
)
def test_a_mistake_is_told_with_file_line_and_the_nearest_word(
    settings: Settings, right: str, wrong: str, told: str
) -> None:
    assert right in GOOD
    write(settings, GOOD.replace(right, wrong))
    reports = load_reports(settings)
    assert any(str(mistake).startswith(f"reports/shop.yaml:{told}") for mistake in reports.mistakes), reports.mistakes


def test_formats_of_the_command_are_those_of_reports() -> None:
    assert tuple(Written) == get_args(Format)


def test_what_has_a_mistake_says_so_when_it_is_asked_for_and_what_nobody_declares_the_nearest(
    settings: Settings,
) -> None:
    write(settings, GOOD.replace("by: [week]", "buy: [week]"))
    with pytest.raises(WrongUsage, match=r"shop.yaml:11: .*'buy'"):
        load_reports(settings).plan("weekly")
    write(settings, GOOD)
    with pytest.raises(WrongUsage, match="no report 'weakly'; did you mean 'weekly'"):
        load_reports(settings).plan("weakly")


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("yesterday", date(2026, 6, 27), date(2026, 6, 27)),
        ("last week", date(2026, 6, 15), date(2026, 6, 21)),
        ("last 4 weeks", date(2026, 5, 25), date(2026, 6, 21)),
        ("last month", date(2026, 5, 1), date(2026, 5, 31)),
        ("this month", date(2026, 6, 1), SUNDAY),
        ("2026-01-01 to 2026-01-31", date(2026, 1, 1), date(2026, 1, 31)),
    ],
)
def test_days_are_what_the_words_mean_on_the_day(words: str, first: date, last: date) -> None:
    assert days_of(words, SUNDAY) == Span(first, last)


@pytest.mark.parametrize(
    "words", ["", "soon", "last week by country", "next week", "all time", "per week", "until May"]
)
def test_what_is_no_period_with_two_ends_is_refused(words: str) -> None:
    with pytest.raises(WrongUsage):
        days_of(words, SUNDAY)


def test_a_section_is_the_question_that_options_would_ask() -> None:
    declared = {"steps": [{"event": "a"}, {"event": "b", "filters": []}], "within_seconds": 60}
    catalogue = Catalogue("", {}, {}, {}, funnels={"funnel_x": DeclaredFunnel("X", declared)})
    days = Span(date(2026, 6, 15), date(2026, 6, 21))
    metrics = MetricsSection(kind="metrics", metrics=("revenue",), by=("week",), order=("-revenue",), share=False)
    query = structure_of(metrics, "demo", days, catalogue)
    assert isinstance(query, MetricQuery)
    assert (query.first_day, query.last_day, str(query.by[0])) == (days.first, days.last, "metric_time:week")
    assert query.order[0].descending
    of_mart = structure_of(FunnelSection(kind="funnel", model="funnel_x"), "demo", days, catalogue)
    assert isinstance(of_mart, Funnel) and [str(step) for step in of_mart.steps] == ["a", "b"]
    assert (of_mart.within_seconds, of_mart.first_day, of_mart.last_day) == (60, days.first, days.last)
    by_hand = FunnelSection(kind="funnel", steps=("a", "b[x=1]"), within="2h", exclude=("c",))
    funnel = structure_of(by_hand, "demo", days, catalogue)
    assert isinstance(funnel, Funnel) and funnel.within_seconds == 7200
    assert [str(step) for step in funnel.steps] == ["a", "b[x=1]"] and len(funnel.exclusions) == 1
    with pytest.raises(WrongUsage, match="no funnel 'funnel_y'; did you mean 'funnel_x'"):
        structure_of(FunnelSection(kind="funnel", model="funnel_y"), "demo", days, catalogue)
