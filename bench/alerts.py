"""How long it takes to judge alert rules, and how many messages leave in a second.

python -m bench.alerts [RULES] [EVENTS]: so many rules of checks and of freshness, each with an alert of its own and a
message of its own to a local webhook; and a tenth as many of metrics, over a simulated world of EVENTS (0: none).
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.harness import report
from ingestion.demo import World, generate
from monitoring.alerts.declared import load_declaration
from monitoring.alerts.deliveries import deliver
from monitoring.alerts.evaluation import evaluate
from tests.support import Instance
from tests.webhook_stub import webhook
from warehouse.observability.records import CheckResult, RunRecord
from warehouse.settings import Settings

RULES, EVENTS = 1_000, 100_000
HEAD = """\
channels: {hook: {kind: webhook, url: {secret: hook}, key: {secret: key}}}
owners: {team: {channels: [hook]}}
rules:
"""
METRICS = ("orders", "revenue", "sessions", "errors", "page_views", "sign_ups", "active_users", "events")


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    found = work()
    return found, time.perf_counter() - begun


def declare(own: Instance, lines: list[str]) -> None:
    folder = own.project_dir / "alerts"
    folder.mkdir(exist_ok=True)
    (folder / "rules.yaml").write_text(HEAD + "\n".join(lines) + "\n")


def of_checks(count: int) -> list[str]:
    return [
        *(f"  check_{n}: {{kind: check_failure, owner: team, checks: [check_{n}]}}" for n in range(count // 2)),
        *(
            f"  late_{n}: {{kind: freshness, owner: team, assets: [marts.t_{n}], older_than: 1h}}"
            for n in range(count // 2)
        ),
    ]


def of_metrics(count: int) -> list[str]:
    """Some ask for the same metric, as people's do, over other numbers of days."""
    return [
        f"  metric_{n}: {{kind: threshold, metric: {METRICS[n % len(METRICS)]}, above: 1000000, owner: team, "
        f"consecutive: {1 + n // len(METRICS) % 60}}}"
        for n in range(count)
    ]


def rounds(settings: Settings, what: str) -> list[tuple[Any, ...]]:
    found = []
    for which in ("first", "next"):
        declared, reading = timed(lambda: load_declaration(settings))
        done, seconds = timed(lambda declared=declared: evaluate(settings, declared))  # type: ignore[misc]
        assert not declared.mistakes and not done.problems, (declared.mistakes[:1], list(done.problems.items())[:1])
        total = reading + seconds
        found.append((f"{which} round of {what}", done.rules, len(done.opened), total, done.rules / total))
    return found


def main(rules: int, events: int) -> None:
    rows: list[tuple[Any, ...]] = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, Instance(Path(folder) / "millrace") as own:
        own.up()
        with webhook() as hook:
            own.variables |= {"MILLRACE_ALERT_TARGETS": hook.target, "MILLRACE_SECRET_KEY": "key"}
            own.variables["MILLRACE_SECRET_HOOK"] = hook.url
            with own.active() as settings:
                checks = [
                    CheckResult(f"marts.t_{n}", f"check_{n}", "dbt", "validity", "error", "fail", failures=1)
                    for n in range(rules // 2)
                ]
                RunRecord("build").write(settings, "failed", checks=checks)
                own.client().command(
                    "INSERT INTO ops.model_runs (run_id, finished_at, asset, status) SELECT generateUUIDv4(), "
                    "now64(3) - INTERVAL 1 DAY, concat('marts.t_', toString(number)), 'success' "
                    f"FROM numbers({rules // 2})"
                )
                declare(own, of_checks(rules))
                rows += rounds(settings, "checks and freshness")
                declared = load_declaration(settings)
                done, seconds = timed(lambda: deliver(settings, declared, print))
                assert done.sent == len(hook.requests) > 0
                rows.append(("messages to a local webhook", done.sent, "", seconds, done.sent / seconds))
                _, seconds = timed(lambda: deliver(settings, declared, print))
                rows.append(("delivery where nothing is due", 0, "", seconds, ""))
        if events:
            generate(World(size=events), Path(folder) / "world")
            own.json("load", str(Path(folder) / "world" / "events"))
            own.json("build")
            declare(own, of_metrics(rules // 10))
            with own.active() as settings:
                rows += rounds(settings, "metrics")
    report("alerts", "Alert rules and their messages", ("what", "of", "alerts", "seconds", "per second"), rows)


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:]]
    main(numbers[0] if numbers else RULES, numbers[1] if len(numbers) > 1 else EVENTS)
