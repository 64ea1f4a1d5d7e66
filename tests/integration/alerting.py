"""Alerts as tests have them: a rule about checks, and what a build, a judge and a postman do."""

from __future__ import annotations

from typing import Any

from monitoring.alerts.declared import load_declaration
from monitoring.alerts.deliveries import deliver
from monitoring.alerts.evaluation import Round, evaluate
from monitoring.channels.message import Outside
from tests.support import Instance
from warehouse.observability.records import CheckResult, RunRecord

RULES = """\
channels:
  hook: {kind: webhook, url: {secret: hook}, key: {secret: key}}
  other: {kind: slack, url: {secret: other}}
owners:
  team: {channels: [CHANNELS]}
rules:
  broken: {kind: check_failure, owner: team, cooldown: 0s}
"""
LATER = "ALTER TABLE ops.alert_deliveries UPDATE next_attempt_at = now64(3) - 1 WHERE 1 SETTINGS mutations_sync = 1"
PEOPLE = """\
  mail: {kind: email, host: 127.0.0.1, port: PORT, encryption: none, from: m@example.com, to: [a@b.c, d@e.f, g@h.i]}
  text: {kind: sms, url: {secret: hook}, to: ["+4915100000001", "+4915100000002", "+4915100000003"]}
"""


def declare(instance: Instance, channels: str, more: str = "", people_at: int = 0) -> None:
    """`people_at`: also with channels to several people, by the mail server at that port."""
    (instance.project_dir / "alerts").mkdir(exist_ok=True)
    text = RULES.replace("CHANNELS", channels) + more
    if people_at:
        text = text.replace("owners:", f"{PEOPLE.replace('PORT', str(people_at))}owners:")
    (instance.project_dir / "alerts" / "rules.yaml").write_text(text)


def result(instance: Instance, status: str, check: str = "never_negative") -> None:
    """A build wrote it down."""
    one = CheckResult(
        "marts.fct_orders", check, "dbt", "validity", "error", status, failures=3, message="3 rows failed"
    )
    RunRecord("build").write(instance.settings, "failed", checks=[one])


def judge(instance: Instance) -> Round:
    return evaluate(instance.settings, load_declaration(instance.settings))


def tell(instance: Instance, delays: tuple[float, ...] = (), *targets: str, seconds: float = 5.0) -> Any:
    settings = instance.settings
    outside = Outside(targets or settings.alert_targets_listed, seconds=seconds)
    return deliver(settings, load_declaration(settings), print, delays, outside)


def attempts(instance: Instance) -> list[tuple[Any, ...]]:
    return instance.rows(
        "SELECT event, channel, attempt, status FROM ops.alert_deliveries FINAL ORDER BY attempted_at, channel, attempt"
    )
