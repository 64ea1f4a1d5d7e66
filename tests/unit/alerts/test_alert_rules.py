"""What alerts/*.yaml says, and what is said of its mistakes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from monitoring.alerts.conditions.metrics import judged, last_period, query_of
from monitoring.alerts.declared import load_declaration
from monitoring.alerts.rules import ChangeRule, ThresholdRule
from semantic_layer.metrics.catalogue import Metric, ProjectFacts
from tests.support import REPOSITORY
from tests.unit.alerts.test_alert_states import NOON
from warehouse.settings import Settings

GOOD = """\
channels:
  chat: {kind: slack, url: {secret: chat}}
  mail:
    kind: email
    host: mail.example.com
    from: millrace@example.com
    to: [team@example.com]
owners:
  team:
    channels: [chat]
    quiet_hours: {from: 22:00, to: "07:00", timezone: Europe/Berlin}
    escalate:
      - {after: 30m, to: [mail]}
maintenance:
  move: {why: a move, from: 2026-03-01 10:00, to: 2026-03-01 12:00, timezone: UTC, rules: [few_*]}
rules:
  few_orders:
    kind: threshold
    metric: orders
    below: 10
    owner: team
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shutil.copy(REPOSITORY / "projects.yaml", tmp_path)
    (tmp_path / "alerts").mkdir()
    return Settings(project_dir=tmp_path)


def write(settings: Settings, text: str, name: str = "shop.yaml") -> None:
    (settings.project_dir / "alerts" / name).write_text(text)


def test_what_is_right_has_no_mistake(settings: Settings) -> None:
    write(settings, GOOD)
    declared = load_declaration(settings)
    assert declared.channels_of(declared.rules["few_orders"]) == ("chat",)
    hours = declared.owners["team"].quiet_hours
    assert hours is not None and (hours.start.hour, hours.end.hour) == (22, 7)


def test_without_a_folder_nothing_is_declared(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "projects.yaml", tmp_path)
    assert load_declaration(Settings(project_dir=tmp_path)).rules == {}


def test_what_is_shipped_has_no_mistake() -> None:
    declared = load_declaration(Settings(project_dir=REPOSITORY))
    assert {"late", "broken", "odd"} <= set(declared.rules)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "    metric: orders",
            "    metrc: orders",
            "19: rules.few_orders: no key is called 'metrc'; did you mean 'metric'",
        ),
        (
            "kind: threshold",
            "kind: treshold",
            "18: rules.few_orders.kind: there is no kind 'treshold'; did you mean 'threshold'?",
        ),
        ("owner: team", "owner: teem", "21: rules.few_orders.owner: there is no owner 'teem'; did you mean 'team'?"),
        (
            "channels: [chat]",
            "channels: [chut]",
            "10: owners.team.channels.0: there is no channel 'chut'; did you mean 'chat'?",
        ),
        (
            "to: [mail]",
            "to: [male]",
            "13: owners.team.escalate.0.to.0: there is no channel 'male'; did you mean 'mail'?",
        ),
        ("after: 30m", "after: 30x", "13: owners.team.escalate.0.after: '30x' is no duration"),
        ("Europe/Berlin", "Europe/Berlni", "11: owners.team.quiet_hours.timezone: 'Europe/Berlni' is not an IANA"),
        ("from: 22:00", "form: 22:00", "no key is called 'form'; did you mean 'from'?"),
        ("{secret: chat}", "https://hooks.slack.com/x", "2: channels.chat.url: is a secret: write {secret: NAME} here"),
        ("    below: 10\n", "", "17: rules.few_orders: needs above, below or both."),
        ("rules:\n", "ruels:\n", "16: no key is called 'ruels'; did you mean 'rules'?"),
        ("few_*", "none_*", "maintenance.move.rules.0: there is no rule 'none_*'"),
        (
            "below: 10",
            "below: 10\n    severity: hihg",
            "21: rules.few_orders.severity: there is no 'hihg'; did you mean 'high'?",
        ),
        ("below: 10", "below: 10\n    projects: [dmo]", "projects.0: there is no project 'dmo'; did you mean 'demo'?"),
        ("below: 10", "below: 10\n    below: 11", "21: is no YAML: 'below' stands twice."),
        ("  few_orders:", "  Few-Orders:", "rules: 'Few-Orders' is no name: write it in snake_case."),
        ("host: mail.example.com", "host: mail example", "channels.mail.host: 'mail example' has not the form of one."),
    ],
)
def test_a_mistake_is_told_with_file_line_and_the_nearest_word(
    settings: Settings, right: str, wrong: str, told: str
) -> None:
    assert right in GOOD
    write(settings, GOOD.replace(right, wrong))
    mistakes = [str(one) for one in load_declaration(settings).mistakes]
    assert any(told in mistake and mistake.startswith("alerts/shop.yaml:") for mistake in mistakes), mistakes


@pytest.mark.parametrize(
    ("right", "wrong", "judged"),
    [
        ("    below: 10\n", "", []),
        ("kind: threshold", "kind: [", []),
        ("owner: team", "owner: teem", []),
        ("channels: [chat]", "channels: chat", []),  # whom to tell is not known
        ("{secret: chat}", "https://hooks.slack.com/x", ["few_orders"]),
        ("few_*", "none_*", ["few_orders"]),
    ],
)
def test_a_mistake_keeps_back_what_it_is_in_and_nothing_else(
    settings: Settings, right: str, wrong: str, judged: list[str]
) -> None:
    write(settings, GOOD.replace(right, wrong))
    write(
        settings,
        "channels: {own: {kind: console}}\nowners: {me: {channels: [own]}}\nrules: {late: {kind: freshness, "
        "owner: me}}\n",
        "whole.yaml",
    )
    declared = load_declaration(settings)
    assert [one.file for one in declared.mistakes] and set(declared.rules) == {"late", *judged}
    assert declared.may_have("rules", "few_orders") and declared.channels_of(declared.rules["late"]) == ("own",)


def test_only_what_is_unreadable_may_hold_what_nobody_sees(settings: Settings) -> None:
    write(settings, GOOD)
    assert not load_declaration(settings).may_have("rules", "other")
    write(settings, "rules: [", "other.yaml")
    declared = load_declaration(settings)
    assert declared.may_have("rules", "other") and "few_orders" in declared.rules
    assert [str(one) for one in declared.mistakes] == [
        "alerts/other.yaml:1: is no YAML: expected the node content, but found '<stream end>'."
    ]


def test_a_name_is_declared_once_in_all_files(settings: Settings) -> None:
    write(settings, GOOD, "a.yaml")
    write(settings, "channels:\n  chat: {kind: console}\n", "b.yaml")
    (mistake,) = load_declaration(settings).mistakes
    assert str(mistake) == "alerts/b.yaml:2: channels: chat is declared in alerts/a.yaml already."


def test_a_secret_in_the_file_is_refused_and_not_repeated(settings: Settings) -> None:
    write(settings, GOOD.replace("{secret: chat}", "https://hooks.slack.com/services/T0/B0/hidden"))
    told = " ".join(str(one) for one in load_declaration(settings).mistakes)
    assert told and "hidden" not in told


# Metrics, period by period

ORDERS = Metric("orders", "Orders", "", "simple", "shop", "number", "up", (), (), "", "day", adds_up=True)
RATE = replace(ORDERS, name="rate", adds_up=False)
FACTS = ProjectFacts("Demo", "Europe/Berlin", "EUR", date(2026, 1, 1), date(2026, 3, 31), (), {})


def threshold(**more: object) -> ThresholdRule:
    return ThresholdRule.model_validate({"kind": "threshold", "metric": "orders", "owner": "team", **more})


def change(**more: object) -> ChangeRule:
    return ChangeRule.model_validate({"kind": "change", "metric": "orders", "owner": "team", **more})


def summaries(rule: ThresholdRule | ChangeRule, values: list[float | None], metric: Metric = ORDERS) -> list[str]:
    """Of the days until the last one."""
    last = date(2026, 3, 9)
    first = last.toordinal() - len(values) + 1
    series = {date.fromordinal(first + place): value for place, value in enumerate(values) if value is not None}
    return [one.summary for one in judged("rule", rule, metric, FACTS, "demo", "", series, last)]


def test_a_threshold_is_crossed_when_it_is_passed_not_when_it_is_met() -> None:
    assert summaries(threshold(below=10), [10]) == []
    assert summaries(threshold(below=10), [9]) == ["Orders of demo was 9 on 2026-03-09, below 10."]
    assert summaries(threshold(above=10), [10]) == []
    assert summaries(threshold(above=10), [10.5]) == ["Orders of demo was 10.50 on 2026-03-09, above 10."]


def test_all_of_the_last_periods_must_be_so() -> None:
    rule = threshold(below=10, consecutive=3, missing="ignore")
    assert summaries(rule, [9, 10, 9, 9]) == []
    assert summaries(rule, [9, 9]) == []
    assert len(summaries(rule, [9, 9, 9])) == 1
    assert summaries(rule, [9, 9, 9, 10]) == []


def test_a_change_is_against_so_many_periods_before() -> None:
    rule = change(falls_by="50%", against=2)
    assert summaries(rule, [100, 7, 50]) == ["Orders of demo was 50 on 2026-03-09, 50% less than 100 on 2026-03-07."]
    assert summaries(rule, [100, 7, 51]) == []
    assert summaries(rule, [None, 7, 51]) == []
    assert summaries(rule, [0, 7, 51]) == []


def test_a_rise_and_a_base_that_is_too_small() -> None:
    rule = change(rises_by="100%", at_least=20)
    assert summaries(rule, [19, 100]) == []
    assert len(summaries(rule, [20, 40])) == 1
    assert summaries(change(rises_by="100%"), [-10, 0]) == [
        "Orders of demo was 0 on 2026-03-09, 100% more than -10 on 2026-03-08."
    ]


def test_a_missing_period_is_nothing_or_zero() -> None:
    none = ["Orders of demo was 0 on 2026-03-09, below 10."]
    assert summaries(threshold(below=10), [5, None]) == none  # orders add up: no row is no order
    assert summaries(threshold(below=10, missing="ignore"), [5, None]) == []
    assert summaries(threshold(below=10), [5, None], metric=RATE) == []
    assert summaries(threshold(below=10, missing="zero"), [5, None], metric=RATE)
    young = replace(FACTS, first_day=date(2026, 3, 8))
    rule = threshold(below=10, consecutive=3)
    assert list(judged("rule", rule, ORDERS, young, "demo", "", {}, date(2026, 3, 9))) == []
    assert len(list(judged("rule", rule, ORDERS, young, "demo", "", {}, date(2026, 3, 10)))) == 1


def test_the_last_period_is_over_and_has_data() -> None:
    # NOON is Tuesday, 10 March 2026, 13:00 in Berlin.
    assert last_period(threshold(below=1), FACTS, NOON) == date(2026, 3, 9)
    assert last_period(threshold(below=1, running=True), FACTS, NOON) == date(2026, 3, 10)
    assert last_period(threshold(below=1, grain="week"), FACTS, NOON) == date(2026, 3, 2)
    assert last_period(threshold(below=1, grain="month"), FACTS, NOON) == date(2026, 2, 1)
    old = ProjectFacts("Demo", "UTC", "EUR", date(2026, 1, 1), date(2026, 1, 20), (), {})
    assert last_period(threshold(below=1), old, NOON) == date(2026, 1, 20)


def test_what_is_asked_for_reaches_back_as_far_as_the_rule_looks() -> None:
    query = query_of(change(falls_by="5%", against=365, consecutive=2), "demo", date(2026, 3, 9))
    assert (query.first_day, query.last_day) == (date(2025, 3, 7), date(2026, 3, 9))
