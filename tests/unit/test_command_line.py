"""How the command behaves as a command: exit codes, streams, start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support import Instance

HEAVY = (
    "clickhouse_connect",
    "chdb",
    "dlt",
    "dbt",
    "pandas",
    "numpy",
    "pyarrow",
    "dagster",
    "mlflow",
    "litellm",
    "metricflow",
)


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, cli.main; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_every_command_has_a_help_text(instance: Instance) -> None:
    commands = [("up",), ("down",), ("status",), ("config",), ("migrate",), ("demo",)]
    commands += [("load",), ("events", "list"), ("events", "show"), ("events", "validate")]
    commands += [("events", "rejected", "list"), ("events", "rejected", "retry")]
    commands += [("ask",), ("lifetime",), ("segments", "list"), ("segments", "show"), ("segments", "discover")]
    commands += [("projects", "list"), ("projects", "add"), ("access", "list"), ("access", "sql"), ("access", "apply")]
    listing = instance.run("--help").stdout
    for command in commands:
        assert command[0] in listing
        done = instance.run(*command, "--help")
        assert done.returncode == 0
        assert "Usage: millrace" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("stauts",), ("status", "--fromat", "json"), ("status", "--format", "xml"), ("projects", "add")]
)
def test_wrong_usage_is_exit_code_2_on_standard_error(instance: Instance, arguments: tuple[str, ...]) -> None:
    done = instance.run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage" in done.stderr


def test_an_expected_failure_is_one_line_and_a_next_step(instance: Instance) -> None:
    done = instance.run("migrate")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "Error: The local ClickHouse is not running.",
        "  Start it with `millrace up`, or set MILLRACE_CLICKHOUSE_URL to use your own server.",
    ]


def test_the_stack_trace_comes_with_debug_only(instance: Instance) -> None:
    assert "Traceback" not in instance.run("migrate").stderr
    done = instance.run("--debug", "migrate")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "MillraceError" in done.stderr


def test_results_as_json_stand_alone_on_standard_output(instance: Instance) -> None:
    done = instance.run("config", "--format", "json", MILLRACE_HTP_PORT="1")
    port = next(value for value in json.loads(done.stdout) if value["name"] == "MILLRACE_HTTP_PORT")
    assert (port["value"], port["source"]) == ("0", "environment")
    assert "MILLRACE_HTP_PORT (environment) is not a setting" in done.stderr


def test_config_helps_with_the_very_value_it_cannot_read(instance: Instance) -> None:
    done = instance.run("config", MILLRACE_HTTP_PORT="abc", MILLRACE_PASSWORD_BI="geheim")
    assert done.returncode == 1
    assert "MILLRACE_HTTP_PORT=abc  (from environment)" in done.stderr
    assert "geheim" not in done.stderr


def test_access_list_shows_no_password(instance: Instance) -> None:
    users = instance.json("access", "list")
    assert users[0] == {"user": "admin", "role": "admin", "projects": "all", "read_only": False, "password": False}
    assert [user["user"] for user in users] == [
        "admin",
        "engineer",
        "loader",
        "analyst",
        "historian",
        "observer",
        "alerter",
        "monitor",
        "modeler",
        "exporter",
        "bi",
    ]
