"""When an alert opens, is told, is told again, and ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitoring.alerts.conditions import Finding
from monitoring.alerts.declared import Declaration
from monitoring.alerts.rules import ExperimentRule, Maintenance, Owner, ThresholdRule
from monitoring.alerts.states import Alert, acknowledged, follow, resolved
from monitoring.channels.models import Console

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = "rule/demo/-"


class Play:
    """Rounds of one rule, one after the other; what each adds to what is told is written down."""

    def __init__(self, owner: dict[str, Any] | None = None, **rule: Any) -> None:
        declared = {"kind": "threshold", "metric": "orders", "below": 1, "owner": "team", "cooldown": "0s", **rule}
        self.declared = Declaration(
            channels={name: Console(kind="console") for name in ("chat", "phone", "boss")},
            owners={"team": Owner.model_validate({"channels": ["chat"], **(owner or {})})},
            rules={"rule": ThresholdRule.model_validate(declared)},
        )
        self.alerts: dict[str, Alert] = {}
        self.all: dict[Any, Alert] = {}

    def round(self, at: datetime, found: bool, judged: bool = True, **finding: Any) -> list[tuple[str, str]]:
        findings = {KEY: Finding("rule", "demo", "", "No orders.", **finding)} if found else {}
        before = {alert.alert_id: len(alert.events) for alert in self.all.values()}
        changed = follow(self.alerts, findings, self.declared, {"rule"} if judged else set(), at)
        self.keep(*changed)
        new = [event for alert in changed for event in alert.events[before.get(alert.alert_id, 0) :]]
        return [(event.what, ",".join(event.channels)) for event in new]

    def keep(self, *alerts: Alert) -> None:
        self.alerts |= {alert.alert_key: alert for alert in alerts}
        self.all |= {alert.alert_id: alert for alert in alerts}

    @property
    def alert(self) -> Alert:
        return self.alerts[KEY]


def test_an_alert_is_told_once_and_its_end_once() -> None:
    play = Play()
    assert play.round(NOON, True) == [("opened", "chat")]
    assert play.round(NOON + MINUTE, True) == []
    assert play.round(NOON + 2 * MINUTE, False) == [("resolved", "chat")]
    assert play.round(NOON + 3 * MINUTE, False) == []
    assert (play.alert.status, play.alert.resolution) == ("resolved", "it is over")
    assert len(play.all) == 1


def test_what_comes_back_is_another_alert_of_the_same_key() -> None:
    play = Play()
    play.round(NOON, True)
    play.round(NOON + MINUTE, False)
    assert play.round(NOON + 2 * MINUTE, True) == [("opened", "chat")]
    assert [alert.sequence for alert in play.all.values()] == [0, 1]
    assert play.round(NOON + 3 * MINUTE, False) == [("resolved", "chat")]


def test_what_comes_back_within_the_cooldown_is_the_same_alert_and_told_when_that_is_over() -> None:
    play = Play(cooldown="1h")
    assert play.round(NOON, True) == [("opened", "chat")]
    assert play.round(NOON + 10 * MINUTE, False) == [("resolved", "chat")]
    assert play.round(NOON + 20 * MINUTE, True) == []
    assert play.alert.status == "open" and len(play.all) == 1
    assert play.round(NOON + 59 * MINUTE, True) == []
    assert play.round(NOON + 60 * MINUTE, True) == [("opened", "chat")]


def test_what_comes_and_goes_within_the_cooldown_is_not_told_again() -> None:
    play = Play(cooldown="1h")
    told = [event for minute in range(60) for event in play.round(NOON + minute * MINUTE, minute % 2 == 0)]
    assert told == [("opened", "chat"), ("resolved", "chat")]


def test_a_rule_that_could_not_be_judged_changes_nothing() -> None:
    play = Play()
    play.round(NOON, True)
    assert play.round(NOON + MINUTE, False, judged=False) == []
    assert play.alert.status == "open"


def test_an_alert_whose_rule_went_ends() -> None:
    play = Play()
    play.round(NOON, True)
    play.declared.rules.clear()
    assert play.round(NOON + MINUTE, False) == [("resolved", "chat")]
    assert play.alert.resolution == "its rule is not declared any more"


def test_resolved_by_hand_it_is_told_again_only_when_it_was_over_in_between() -> None:
    play = Play()
    play.round(NOON, True)
    play.keep(resolved(play.alert, "anna", "we know", NOON + MINUTE))
    assert play.alert.events[-1].what == "resolved"
    assert play.round(NOON + 2 * MINUTE, True) == []
    assert play.alert.status == "resolved"
    assert play.round(NOON + 3 * MINUTE, False) == []
    assert play.round(NOON + 4 * MINUTE, True) == [("opened", "chat")]


# Escalation


def test_nobody_took_it_so_others_hear_of_it_each_once() -> None:
    play = Play(owner={"escalate": [{"after": "1h", "to": ["boss"]}, {"after": "30m", "to": ["phone"]}]})
    assert play.round(NOON, True) == [("opened", "chat")]
    assert play.round(NOON + 29 * MINUTE, True) == []
    assert play.round(NOON + 30 * MINUTE, True) == [("escalated", "phone")]
    assert play.round(NOON + 31 * MINUTE, True) == []
    assert play.round(NOON + 90 * MINUTE, True) == [("escalated", "boss")]
    assert play.round(NOON + 91 * MINUTE, False) == [("resolved", "chat,phone,boss")]


def test_what_somebody_took_is_not_escalated() -> None:
    play = Play(escalate=[{"after": "30m", "to": ["phone"]}])
    play.round(NOON, True)
    play.keep(acknowledged(play.alert, "anna", "on it", NOON + MINUTE))
    assert play.round(NOON + 60 * MINUTE, True) == []
    assert (play.alert.status, play.alert.notes[0][1:]) == ("acknowledged", ("anna", "on it"))
    assert play.round(NOON + 61 * MINUTE, False) == [("resolved", "chat")]


# Quiet hours and maintenance

BERLIN = {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}


def test_at_night_nothing_is_told_until_the_morning() -> None:
    play = Play(quiet_hours=BERLIN)
    night = datetime(2026, 3, 10, 22, 30, tzinfo=UTC)  # 23:30 in Berlin
    assert play.round(night, True) == []
    assert play.alert.status == "open"
    assert play.round(datetime(2026, 3, 11, 5, 59, tzinfo=UTC), True) == []
    assert play.round(datetime(2026, 3, 11, 6, 0, tzinfo=UTC), True) == [("opened", "chat")]


def test_what_is_over_by_the_morning_was_never_told() -> None:
    play = Play(quiet_hours=BERLIN)
    play.round(datetime(2026, 3, 10, 22, 30, tzinfo=UTC), True)
    assert play.round(datetime(2026, 3, 11, 3, 0, tzinfo=UTC), False) == []
    assert play.round(datetime(2026, 3, 11, 8, 0, tzinfo=UTC), False) == []


def test_an_end_at_night_is_told_in_the_morning() -> None:
    play = Play(quiet_hours=BERLIN)
    assert play.round(NOON, True) == [("opened", "chat")]
    assert play.round(datetime(2026, 3, 11, 1, 0, tzinfo=UTC), False) == []
    assert play.round(datetime(2026, 3, 11, 6, 0, tzinfo=UTC), False) == [("resolved", "chat")]


def test_an_end_at_night_is_told_in_the_morning_though_it_came_back_in_between() -> None:
    """Within the cooldown, so that nobody heard of it a second time: for who was told, it lasted until then."""
    play = Play(quiet_hours=BERLIN, cooldown="24h")
    assert play.round(NOON, True) == [("opened", "chat")]
    assert play.round(datetime(2026, 3, 11, 1, 0, tzinfo=UTC), False) == []
    assert play.round(datetime(2026, 3, 11, 2, 0, tzinfo=UTC), True) == []
    assert play.round(datetime(2026, 3, 11, 3, 0, tzinfo=UTC), False) == []
    assert play.round(datetime(2026, 3, 11, 6, 0, tzinfo=UTC), False) == [("resolved", "chat")]


def test_what_is_critical_is_told_at_night() -> None:
    play = Play(quiet_hours=BERLIN, severity="critical")
    assert play.round(datetime(2026, 3, 10, 22, 30, tzinfo=UTC), True) == [("opened", "chat")]


@pytest.mark.parametrize(
    ("utc", "quiet"),
    [
        ("2026-03-28 05:59", True),  # the day before: 06:59 in winter time
        ("2026-03-28 06:00", False),
        ("2026-03-29 04:59", True),  # the clocks went forward at 2: 06:59 in summer time
        ("2026-03-29 05:00", False),
        ("2026-03-29 19:59", False),
        ("2026-03-29 20:00", True),  # 22:00 in summer time
        ("2026-10-25 04:59", True),  # the clocks go back at 3 this night: 05:59 in winter time
        ("2026-10-25 05:59", True),
        ("2026-10-25 06:00", False),
    ],
)
def test_quiet_hours_are_by_the_clocks_of_the_place(utc: str, quiet: bool) -> None:
    play = Play(quiet_hours=BERLIN)
    told = play.round(datetime.fromisoformat(f"{utc}+00:00"), True)
    assert told == ([] if quiet else [("opened", "chat")])


def test_an_hour_that_comes_twice_is_quiet_twice_and_one_that_is_left_out_never() -> None:
    play = Play(quiet_hours={"from": "02:15", "to": "02:45", "timezone": "Europe/Berlin"})
    hours = play.declared.rules["rule"].quiet_hours
    assert hours is not None
    back = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
    assert [hours.hold(at) for at in back] == [True, True]
    spring = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    assert not any(hours.hold(spring + minute * MINUTE) for minute in range(180))


def test_quiet_days_are_those_on_which_the_hours_begin() -> None:
    play = Play(quiet_hours={**BERLIN, "days": ["fri"]})
    hours = play.declared.rules["rule"].quiet_hours
    assert hours is not None
    friday, saturday = datetime(2026, 3, 13, 22, 0, tzinfo=UTC), datetime(2026, 3, 14, 22, 0, tzinfo=UTC)
    assert [hours.hold(friday), hours.hold(friday + 4 * 60 * MINUTE), hours.hold(saturday)] == [True, True, False]


def test_during_maintenance_nothing_new_is_told() -> None:
    play = Play(severity="critical")
    window = {"why": "a move", "from": "2026-03-10T12:00", "to": "2026-03-10T14:00", "timezone": "UTC"}
    play.declared.maintenance["move"] = Maintenance.model_validate(window)
    assert play.round(NOON, True) == []
    assert play.round(NOON + 119 * MINUTE, True) == []
    assert play.round(NOON + 120 * MINUTE, True) == [("opened", "chat")]


def test_maintenance_is_of_the_rules_that_it_names() -> None:
    play = Play()
    window = {"why": "nightly", "hours": {"from": "11:00", "to": "13:00", "timezone": "UTC"}, "rules": ["other_*"]}
    play.declared.maintenance["nightly"] = Maintenance.model_validate(window)
    assert play.round(NOON, True) == [("opened", "chat")]


# Who is told


def test_a_finding_with_an_owner_of_its_own_goes_there() -> None:
    play = Play()
    play.declared.owners["shop"] = Owner(channels=("phone",))
    assert play.round(NOON, True, owner="shop") == [("opened", "phone")]
    assert play.alert.owner == "shop"


def test_channels_that_a_finding_names_and_nobody_declares_are_left_out() -> None:
    play = Play()
    assert play.round(NOON, True, owner="nobody", channels=("boss", "pigeon")) == [("opened", "boss")]
    assert play.alert.owner == "team"


def test_news_is_told_once_and_over_with_that() -> None:
    hours = {"from": "11:00", "to": "13:00", "timezone": "UTC"}
    play = Play(owner={"quiet_hours": hours, "escalate": [{"after": "1m", "to": ["boss"]}]})
    play.declared.rules["rule"] = ExperimentRule(kind="experiment_finished", owner="team", cooldown=timedelta(0))
    assert (play.round(NOON, True), play.alert.status) == ([], "open")  # it waits as everything does
    assert play.round(NOON + 60 * MINUTE, True) == [("opened", "chat")]
    assert (play.alert.status, play.alert.resolution) == ("resolved", "it is news, and was told")
    assert play.round(NOON + 90 * MINUTE, True) == []
    assert play.round(NOON + 91 * MINUTE, False) == []  # and nobody hears that it ended
    assert len(play.all) == 1
    assert play.round(NOON + 92 * MINUTE, True) == [("opened", "chat")]
