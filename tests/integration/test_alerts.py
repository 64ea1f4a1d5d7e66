"""From what was found to who was told: alerts through ClickHouse and servers that speak the protocols of channels."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from monitoring.alerts.deliveries import try_again
from tests.integration.alerting import LATER, attempts, declare, judge, result, tell
from tests.mail_stub import mail_server
from tests.support import MILLRACE, Instance
from tests.webhook_stub import Webhook, webhook

WORD = "a-very-secret-word"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("alerts") / "millrace") as own:
        own.up()
        yield own


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as stub:
        yield stub


@pytest.fixture
def instance(shared: Instance, hook: Webhook) -> Iterator[Instance]:
    """Without alerts, and with one server that may be reached."""
    for table in ("alerts", "alert_deliveries", "check_results", "model_runs", "incidents"):
        shared.client().command(f"TRUNCATE TABLE ops.{table}")
    shared.variables |= {
        **{"MILLRACE_ALERT_TARGETS": hook.target, "MILLRACE_SECRET_HOOK": f"{hook.url}/hook/{WORD}"},
        **{"MILLRACE_SECRET_OTHER": f"{hook.url}/other/{WORD}", "MILLRACE_SECRET_KEY": f"key-{WORD}"},
    }
    declare(shared, "hook")
    with shared.active():
        yield shared


def test_a_failing_check_is_told_once_and_so_is_its_end(instance: Instance, hook: Webhook) -> None:
    result(instance, "fail")
    first, second = instance.json("alerts", "check"), instance.json("alerts", "check")
    assert [alert["subject"] for alert in first["opened"]] == ["marts.fct_orders: never_negative"]
    assert (first["delivered"]["sent"], second["delivered"]["sent"], second["opened"], second["on"]) == (1, 0, [], 1)
    result(instance, "pass")
    assert len(instance.json("alerts", "check")["resolved"]) == 1
    assert [request.json["event"] for request in hook.requests] == ["opened", "resolved"]
    assert hook.requests[0].json["title"] == "[medium] marts.fct_orders fails never_negative: 3 rows failed."
    assert attempts(instance) == [("opened", "hook", 1, "sent"), ("resolved", "hook", 1, "sent")]
    assert instance.json("alerts") == []
    result(instance, "fail")
    instance.json("alerts", "check")
    assert len({request.json["alerts"][0]["alert_id"] for request in hook.requests}) == 2
    assert len({request.json["alerts"][0]["alert_key"] for request in hook.requests}) == 1


def test_alerts_of_a_rule_travel_together(instance: Instance, hook: Webhook) -> None:
    for check in ("one", "two", "three"):
        result(instance, "fail", check)
    judge(instance)
    assert tell(instance).sent == 3
    (request,) = hook.requests
    assert len(request.json["alerts"]) == 3


def test_who_takes_it_and_who_ends_it(instance: Instance, hook: Webhook) -> None:
    result(instance, "fail")
    instance.json("alerts", "check")
    (alert,) = instance.json("alerts", "list")
    (taken,) = instance.json("alerts", "ack", alert["alert_id"][:8], "--note", "on it")
    assert (taken["status"], taken["notes"][0]["text"]) == ("acknowledged", "on it")
    again = instance.run("alerts", "ack", alert["alert_id"][:8])
    assert (again.returncode, again.stderr.splitlines()[0]) == (
        2,
        f"Error: Alert {alert['alert_id'][:8]} is acknowledged already.",
    )
    instance.json("alerts", "resolve", alert["alert_id"], "--note", "known")
    instance.json("alerts", "check")
    assert instance.json("alerts") == []  # although it still fails
    assert [request.json["event"] for request in hook.requests] == ["opened", "acknowledged", "resolved"]
    shown = instance.json("alerts", "show", alert["alert_id"][:8])
    assert [note["text"] for note in shown["notes"]] == ["on it", "known"]
    assert {delivery["answer"] for delivery in shown["deliveries"]} == {"127.0.0.1 answered 200: ok"}
    assert "known" in instance.run("alerts", "show", alert["alert_id"][:8]).stdout
    assert "There is no alert 'nope'." in instance.run("alerts", "show", "nope").stderr


def test_killed_while_it_is_told_it_is_told_again_by_the_same_id(instance: Instance, hook: Webhook) -> None:
    result(instance, "fail")
    hook.may_answer.clear()
    process = subprocess.Popen([MILLRACE, "alerts", "check"], env=instance.environment, stdout=subprocess.DEVNULL)
    assert hook.came.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert attempts(instance) == [("opened", "hook", 1, "sending")]
    hook.may_answer.set()
    assert instance.json("alerts", "check")["delivered"] == {"sent": 1, "failed": 0, "dead": 0}
    assert instance.json("alerts", "check")["delivered"] == {"sent": 0, "failed": 0, "dead": 0}
    assert attempts(instance) == [("opened", "hook", 1, "sending"), ("opened", "hook", 2, "sent")]
    first, second = hook.requests
    assert first.headers["x-millrace-message"] == second.headers["x-millrace-message"]
    assert len(instance.rows("SELECT alert_id FROM ops.alerts FINAL")) == 1


def test_two_who_judge_at_once_tell_it_once(instance: Instance, hook: Webhook) -> None:
    result(instance, "fail")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: instance.json("alerts", "check"), range(2)))
    assert sorted(len(one["opened"]) for one in done) == [0, 1]
    assert len(hook.requests) == 1
    assert attempts(instance) == [("opened", "hook", 1, "sent")]


def test_a_channel_that_fails_is_tried_again_and_given_up_and_others_are_told(
    instance: Instance, hook: Webhook
) -> None:
    with webhook(500, text=f"broken: {WORD}") as broken:
        instance.variables["MILLRACE_SECRET_OTHER"] = f"{broken.url}/other/{WORD}"
        os.environ["MILLRACE_SECRET_OTHER"] = instance.variables["MILLRACE_SECRET_OTHER"]
        declare(instance, "hook, other")
        result(instance, "fail")
        judge(instance)
        done = tell(instance, (0.01, 0.01), hook.target, broken.target)
        assert (done.sent, done.failed, done.dead) == (1, 2, 1)
        assert len(broken.requests) == 3 and len(hook.requests) == 1
        assert [row for row in attempts(instance) if row[1] == "other"] == [
            *(("opened", "other", attempt, "failed") for attempt in (1, 2)),
            ("opened", "other", 3, "dead"),
        ]
        assert instance.rows("SELECT channel, attempts FROM ops.alert_dead_letters") == [("other", 3)]
        (dead,) = instance.json("alerts", "deliveries", "--dead")
        assert tell(instance, (0.01,), hook.target, broken.target).sent == 0
        assert len(broken.requests) == 3

        broken.replies, broken.text = [200], "ok"
        assert len(try_again(instance.settings, dead["delivery_id"][:8])) == 1
        assert tell(instance, (0.01,), hook.target, broken.target).sent == 1
    assert instance.rows("SELECT count() FROM ops.alert_dead_letters") == [(0,)]
    assert len(hook.requests) == 1


@pytest.mark.parametrize("how", ["redirects", "says nothing", "is not allowed", "has a name that nobody tells"])
def test_whatever_a_channel_does_the_round_goes_on(
    instance: Instance, hook: Webhook, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve, ended = socket.getaddrinfo, threading.Event()

    def resolver(host: str, *args: Any, **more: Any) -> Any:
        if host == "far.example.com":
            ended.wait(10)
            raise socket.gaierror
        return resolve(host, *args, **more)

    with webhook() as elsewhere, webhook((302, {"Location": elsewhere.url})) as odd:
        os.environ["MILLRACE_SECRET_OTHER"] = f"{odd.url}/{WORD}"
        if how == "says nothing":
            odd.may_answer.clear()
        elif how.startswith("has a name"):
            monkeypatch.setattr(socket, "getaddrinfo", resolver)
            os.environ["MILLRACE_SECRET_OTHER"] = f"https://far.example.com/{WORD}"
        declare(instance, "other, hook")
        result(instance, "fail")
        judge(instance)
        targets = [hook.target, *([odd.target, elsewhere.target] if how != "is not allowed" else []), "far.example.com"]
        done = tell(instance, (0.01,), *targets, seconds=0.3)
        ended.set()
        assert (done.sent, done.dead) == (1, 1)
        assert len(hook.requests) == 1 and elsewhere.requests == []
        assert len(odd.requests) == (2 if how in ("redirects", "says nothing") else 0)
        late = "answer LIKE '%did not answer in time.' AND channel = 'other' AND status != 'sending'"
        cut_off = instance.rows(f"SELECT count() FROM ops.alert_deliveries FINAL WHERE {late}")
        assert cut_off == [(2 if how in ("says nothing", "has a name that nobody tells") else 0,)]


def test_a_message_that_is_refused_keeps_no_other_from_being_told(instance: Instance, hook: Webhook) -> None:
    """Three messages of one channel, the first of which it cannot take: the others go out in the same round."""
    declare(instance, "hook")
    rules = instance.project_dir / "alerts" / "rules.yaml"
    rules.write_text(rules.read_text().replace("cooldown: 0s", "cooldown: 0s, group: alert"))
    hook.replies = [500, 200]
    for check in ("one", "two", "three"):
        result(instance, "fail", check)
    judge(instance)
    done = tell(instance, (3600,))
    assert (done.sent, done.failed, len(hook.requests)) == (2, 1, 3)


def test_a_channel_that_is_away_is_not_asked_for_each_message(instance: Instance, hook: Webhook) -> None:
    declare(instance, "hook")
    rules = instance.project_dir / "alerts" / "rules.yaml"
    rules.write_text(rules.read_text().replace("cooldown: 0s", "cooldown: 0s, group: alert"))
    hook.replies = [(503, {"Retry-After": "60"})]
    for check in ("one", "two", "three"):
        result(instance, "fail", check)
    judge(instance)
    done = tell(instance, (3600,))
    assert (done.sent, done.failed, len(hook.requests)) == (0, 3, 1)


def test_an_hour_later_the_next_round_tries_again(instance: Instance, hook: Webhook) -> None:
    hook.replies = [500, 200]
    result(instance, "fail")
    judge(instance)
    assert (tell(instance, (3600,)).failed, tell(instance, (3600,)).sent, len(hook.requests)) == (1, 0, 1)
    instance.client().command(LATER)
    assert (tell(instance, (3600,)).sent, len(hook.requests)) == (1, 2)


def test_what_is_tried_again_is_the_same_message_and_what_came_since_another(instance: Instance, hook: Webhook) -> None:
    """Who took it and did not say so in time knows it by its id, with just what it had in it."""
    hook.replies = [500, 200]
    for check in ("one", "two"):
        result(instance, "fail", check)
    judge(instance)
    assert tell(instance, (3600,)).failed == 2
    result(instance, "fail", "three")
    judge(instance)
    instance.client().command(LATER)
    assert tell(instance, (3600,)).sent == 3
    told = [(request.json["message_id"], len(request.json["alerts"])) for request in hook.requests]
    first, *others = told
    assert first[1] == 2 and first in others
    assert sorted(count for _, count in others) == [1, 2] and len({id for id, _ in others}) == 2


@pytest.mark.parametrize("kind", ["mail", "text"])
def test_of_several_people_only_those_without_it_are_tried_again(instance: Instance, hook: Webhook, kind: str) -> None:
    """The second is refused for now, the third for good; then the third is mended, and asked for by hand."""
    with mail_server(answers={"RCPT d@e.f": "450 busy", "RCPT g@h.i": "550 nobody"}) as box:
        hook.replies = [200, 500, 404, 200]
        to = ["a@b.c", "d@e.f", "g@h.i"] if kind == "mail" else [f"+491510000000{number}" for number in (1, 2, 3)]

        def told() -> list[str]:
            """Who has it, in the order in which they got it."""
            if kind == "mail":
                return [person for people, _ in box.mails for person in people]
            taken = zip(hook.requests, [*hook.replies, *[200] * 9], strict=False)
            return [request.json["to"] for request, status in taken if status == 200]

        declare(instance, kind, people_at=box.port)
        result(instance, "fail")
        judge(instance)
        done = tell(instance, (3600,), hook.target, box.target)
        assert (done.sent, done.failed, done.dead, told()) == (0, 1, 0, to[:1])
        box.answers.pop("RCPT d@e.f")
        instance.client().command(LATER)
        done = tell(instance, (3600,), hook.target, box.target)
        assert (done.sent, done.failed, done.dead, told()) == (0, 0, 1, to[:2])
        (dead,) = instance.json("alerts", "deliveries", "--dead")
        assert to[2] in dead["answer"]
        assert dead["recipients"] == dict(zip(to, ["taken", "taken", "refused"], strict=True))
        box.answers.clear()
        try_again(instance.settings)
        assert (tell(instance, (3600,), hook.target, box.target).sent, told()) == (1, to)


def test_what_is_asked_for_by_hand_is_sent_however_old_it_is(instance: Instance, hook: Webhook) -> None:
    hook.replies = [400, 200]
    result(instance, "fail")
    judge(instance)
    assert tell(instance).dead == 1
    ages = "SELECT * REPLACE (arrayMap(e -> (e.1, e.2 - INTERVAL 30 DAY, e.3), events) AS events"
    older = f"{ages}, opened_at - INTERVAL 30 DAY AS opened_at, now64(3) + 1 AS written_at) FROM ops.alerts FINAL"
    instance.client().command(f"INSERT INTO ops.alerts {older}")
    assert (tell(instance).sent, len(hook.requests)) == (0, 1)
    assert len(try_again(instance.settings)) == 1
    assert (tell(instance).sent, len(hook.requests)) == (1, 2)
    assert (tell(instance).sent, len(hook.requests)) == (0, 2)


def test_no_secret_is_written_down_or_shown(instance: Instance, hook: Webhook) -> None:
    hook.replies, hook.text = [400], f"bad key key-{WORD} at /hook/{WORD}"
    result(instance, "fail")
    commands = (
        "alerts check",
        "alerts test hook",
        "--debug alerts test hook",
        "alerts deliveries",
        "alerts deliveries --format json",
    )
    outputs = [instance.run(*command.split()) for command in commands]
    assert "hook did not take it: 127.0.0.1 answered 400: bad key ******** at /********." in outputs[1].stderr
    assert all(WORD not in output.stdout + output.stderr for output in outputs)
    for table in ("alerts", "alert_deliveries"):
        assert instance.rows(f"SELECT * FROM ops.{table}")
        assert WORD not in str(instance.rows(f"SELECT * FROM ops.{table}"))
    assert instance.rows("SELECT status, answer FROM ops.alert_deliveries FINAL") == [
        ("dead", "127.0.0.1 answered 400: bad key ******** at /********.")
    ]


def test_what_does_not_come_is_noticed_without_a_load(instance: Instance) -> None:
    declare(instance, "hook", more="  late: {kind: freshness, owner: team, assets: [marts.fct_late], older_than: 2h}\n")
    for hours, table in ((1, "fct_fresh"), (3, "fct_late"), (3, "fct_other")):
        instance.client().command(
            "INSERT INTO ops.model_runs (run_id, finished_at, asset, status) "
            f"SELECT generateUUIDv4(), now64(3) - INTERVAL {hours} HOUR, 'marts.{table}', 'success'"
        )
    (late,) = judge(instance).opened
    assert (late.rule, late.subject) == ("late", "marts.fct_late")
    assert late.summary.endswith("3 h ago; it may be 2 h old.")
    instance.client().command(
        "INSERT INTO ops.model_runs (run_id, finished_at, asset, status) "
        "SELECT generateUUIDv4(), now64(3), 'marts.fct_late', 'success'"
    )
    assert [alert.subject for alert in judge(instance).resolved] == ["marts.fct_late"]


def test_a_project_that_never_sent_anything_is_late_since_it_was_declared(instance: Instance) -> None:
    silent = "  silent: {kind: freshness, owner: team, assets: [raw.events], older_than: 2h, projects: [demo]}\n"
    declare(instance, "hook", more=silent)
    assert judge(instance).opened == []
    earlier = "declared_at = declared_at - INTERVAL 3 HOUR WHERE project_id = 'demo' SETTINGS mutations_sync = 1"
    instance.client().command(f"ALTER TABLE raw.projects UPDATE {earlier}")
    (late,) = judge(instance).opened
    assert (late.project_id, late.subject) == ("demo", "raw.events")
    assert late.summary.startswith("raw.events of demo was never loaded since it was declared 20")
    assert late.summary.endswith(" UTC, 3 h ago; it may be 2 h old.")
    assert instance.run("migrate").returncode == 0  # it is declared since the day on which it was met first
    assert [alert.subject for alert in judge(instance).resolved] == ["raw.events"]
    instance.client().command(
        "INSERT INTO raw.load_counts (file_id, project_id, lines, loaded_at) VALUES ('a', 'demo', 1, now64(3) - 18000)"
    )
    (late,) = judge(instance).opened
    assert "raw.events of demo was loaded last" in late.summary
    # Taken out of projects.yaml: nothing is expected of it any more.
    instance.client().command("ALTER TABLE raw.projects DELETE WHERE project_id = 'demo' SETTINGS mutations_sync = 1")
    assert [alert.subject for alert in judge(instance).resolved] == ["raw.events"]
    assert instance.run("migrate").returncode == 0


def test_a_check_must_fail_as_often_as_the_rule_says(instance: Instance) -> None:
    declare(instance, "hook", more="  again: {kind: check_failure, owner: team, consecutive: 2, checks: ['never_*']}\n")
    result(instance, "fail")
    assert {alert.rule for alert in judge(instance).opened} == {"broken"}
    result(instance, "fail")
    assert {alert.rule for alert in judge(instance).opened} == {"again"}
    result(instance, "pass")
    result(instance, "fail")
    assert {alert.rule for alert in judge(instance).on} == {"broken"}


def test_an_anomaly_is_told_to_the_owner_that_it_names(instance: Instance) -> None:
    declare(instance, "hook", more="  odd: {kind: anomaly, owner: team, at_least: high, types: [drop]}\n")
    for number, (severity, kind, status) in enumerate(
        [("high", "drop", "open"), ("low", "drop", "open"), ("high", "spike", "open"), ("high", "drop", "resolved")]
    ):
        instance.client().command(
            "INSERT INTO ops.anomalies (anomaly_id, series, project_id, dimensions, grain, kind, severity, status, "
            "started_at, ended_at, value, expected, lower, upper, owner) VALUES "
            f"('00000000-0000-0000-0000-00000000000{number}', 'metric:orders', 'demo', {{'country': 'DE'}}, 'day', "
            f"'{kind}', '{severity}', '{status}', '2026-03-10', '2026-03-11', 3, 10, 8, 12, 'nobody')"
        )
    (odd,) = judge(instance).opened
    assert (odd.severity, odd.owner, odd.channels) == ("high", "team", ("hook",))
    assert odd.summary == (
        "metric:orders (country=DE) of demo: drop from 2026-03-10 00:00 to 2026-03-11 00:00 UTC: 3, "
        "10 was expected (8 to 12)."
    )
    instance.client().command("TRUNCATE TABLE ops.anomalies")
    assert len(judge(instance).resolved) == 1


def test_a_rule_that_cannot_be_judged_keeps_no_other_back(instance: Instance) -> None:
    declare(instance, "hook", more="  few: {kind: threshold, metric: orders, below: 1, owner: team}\n")
    result(instance, "fail")
    done = instance.run("alerts", "check")
    assert done.returncode == 1
    told = r"\.yaml:\d+: few could not be judged: Nothing can be asked yet: no metrics are built\. Run `millrace build`"
    assert re.search(told, done.stderr), done.stderr
    assert len(instance.json("alerts")) == 1


def test_a_mistake_in_one_file_is_told_and_what_stands_elsewhere_is_judged(instance: Instance, hook: Webhook) -> None:
    result(instance, "fail")
    declare(instance, "hook", more="  other: {kind: check_failure, owner: team}\n")
    assert len(instance.json("alerts", "check")["opened"]) == 2
    declare(instance, "hook", more="  other: {kind: check_failure, owner: team, checks: 7}\n")
    (instance.project_dir / "alerts" / "more.yaml").write_text("rules:\n  third: {kind: [\n")
    result(instance, "fail", "another")
    done = instance.run("alerts", "check")
    (instance.project_dir / "alerts" / "more.yaml").unlink()
    assert done.returncode == 1
    assert done.stdout.startswith("1 rule: 1 alert opened, 0 ended, 3 on; 1 delivered")  # of `other` nothing changes
    assert "alerts/rules.yaml:8: rules.other.checks: " in done.stderr
    assert "alerts/more.yaml:3: is no YAML" in done.stderr
    assert hook.requests[-1].json["title"] == "[medium] marts.fct_orders fails another: 3 rows failed."
    assert instance.run("alerts", "rules", "validate").returncode == 1
    assert instance.run("alerts", "test", "hook").returncode == 0


def test_a_channel_that_is_mended_is_told_what_it_missed(instance: Instance, hook: Webhook) -> None:
    result(instance, "fail")
    declare(instance, "hook, hoook")
    done = instance.run("alerts", "check")
    mistake = "alerts/rules.yaml:5: owners.team.channels.1: there is no channel 'hoook'; did you mean 'hook'?"
    assert (done.returncode, mistake in done.stderr, len(hook.requests)) == (1, True, 1)
    assert ("opened", "hoook", 1, "dead") in attempts(instance)
    text = (instance.project_dir / "alerts" / "rules.yaml").read_text()
    (instance.project_dir / "alerts" / "rules.yaml").write_text(
        text.replace("hoook", "other").replace("{secret: other}", "{scret: other}")
    )
    result(instance, "fail", "another")
    judge(instance)
    assert tell(instance, (0.01, 3600)).failed == 2
    declare(instance, "hook, other")
    later = "ALTER TABLE ops.alert_deliveries UPDATE next_attempt_at = now64(3) - 1 WHERE 1 SETTINGS mutations_sync = 1"
    instance.client().command(later)
    assert tell(instance, (0.01, 3600)).sent == 1
    assert [request.path.split("/")[1] for request in hook.requests] == ["hook", "hook", "other"]


def test_dagster_judges_by_itself(instance: Instance, hook: Webhook) -> None:
    import dagster as dg

    from orchestration.automation import alerts_sensor, read_automation

    sensor = alerts_sensor(read_automation(), instance.settings)
    result(instance, "fail")
    said = sensor(dg.build_sensor_context())
    assert isinstance(said, dg.SkipReason)
    assert said.skip_message == ("1 rule: 1 alert opened, 0 ended, 1 on; 1 delivered, 0 to be tried again, 0 given up.")
    assert len(hook.requests) == 1
