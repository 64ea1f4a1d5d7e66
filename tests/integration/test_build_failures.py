"""A build that cannot do what was asked says what, where and what to do next, and never ends with success."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import warehouse.dbt
from cli.main import app
from tests.integration.arrivals import arrive, world_aside
from tests.support import Instance
from warehouse.errors import MillraceError
from warehouse.locks import held_if_free


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with world_aside(tmp_path_factory.mktemp("failures")) as own:
        arrive(own, "true")
        yield own


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project, to break."""
    folder = tmp_path / "dbt_project"
    shutil.copytree(warehouse.dbt.PROJECT, folder)
    monkeypatch.setattr(warehouse.dbt, "PROJECT", folder)
    return folder


def build(instance: Instance, *arguments: str) -> Result:
    with instance.active():
        return CliRunner().invoke(app, ["build", *arguments])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--select", "nothing_matches"), "Nothing in the dbt project is selected by 'nothing_matches'."),
        (
            ("--select", "fct_event+"),
            "Nothing in the dbt project is selected by 'fct_event+'; did you mean 'fct_events'",
        ),
        (("--select", "fct_sessions", "--select", "fct_evnts"), "selected by 'fct_evnts'; did you mean 'fct_events'"),
        (("--exclude", "nothing_matches"), "Nothing in the dbt project is selected by 'nothing_matches'."),
        (("--select", "fct_events", "--exclude", "fct_events"), "Nothing is left to build of what was selected."),
        (("--select", "colour:green"), "'colour' is not a valid method name"),
    ],
)
def test_a_selection_of_nothing_is_wrong_usage(instance: Instance, arguments: tuple[str, ...], told: str) -> None:
    done = instance.run("build", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert not instance.rows("SELECT name FROM system.tables WHERE database = 'marts'")  # half a selection is not built


@pytest.mark.parametrize(
    ("arguments", "told"), [(("biuld",), "No such command 'biuld'."), (("ls", "--colour"), "No such option '--colour'")]
)
def test_what_dbt_does_not_know_is_wrong_usage(instance: Instance, arguments: tuple[str, ...], told: str) -> None:
    done = instance.run("dbt", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_an_empty_warehouse_is_built(tmp_path: Path) -> None:
    with Instance(tmp_path / "millrace") as empty:
        empty.up()
        nodes = empty.json("build")["nodes"]
        assert {node["status"] for node in nodes} <= {"success", "pass"}
        assert empty.rows("SELECT count() FROM marts.fct_events") == [(0,)]


def test_without_a_server_a_build_says_so(tmp_path: Path) -> None:
    with Instance(tmp_path / "local") as stopped:
        done = stopped.run("build")
        assert (done.returncode, done.stdout) == (1, "")
        assert "The local ClickHouse is not running." in done.stderr
    with Instance(tmp_path / "own", MILLRACE_CLICKHOUSE_URL="http://127.0.0.1:1") as unreachable:
        done = unreachable.run("build")
        assert (done.returncode, done.stdout) == (1, "")
        assert "Nothing usable answers at http://127.0.0.1:1" in done.stderr


def test_a_second_build_at_the_same_time_is_refused(instance: Instance) -> None:
    with held_if_free(instance.data_dir / "dbt" / "lock") as held:
        assert held
        for command in (("build",), ("dbt", "run")):
            done = instance.run(*command)
            assert done.returncode == 1
            assert "Another build is running on this data directory." in done.stderr


def test_broken_sql_names_the_model_its_file_and_what_is_wrong(instance: Instance, project: Path) -> None:
    model = project / "models" / "intermediate" / "int_internal_users.sql"
    model.write_text(model.read_text().replace("distinct project_id", "distinct projekt_id"))
    done = build(instance)
    assert done.exit_code == 1
    assert "int_internal_users: failed" in done.stdout
    assert "models/intermediate/int_internal_users.sql" in done.stdout
    assert "Unknown expression identifier `projekt_id`" in done.stdout
    assert "skipped" in done.stdout


def test_broken_jinja_is_one_sentence(instance: Instance, project: Path) -> None:
    (project / "models" / "intermediate" / "int_internal_users.sql").write_text("select {{ nothing( }}")
    with instance.active(), pytest.raises(MillraceError, match=r"Compilation Error in model int_internal_users"):
        CliRunner().invoke(app, ["build"], catch_exceptions=False)


def test_bad_data_fails_a_build_and_does_not_flow_on(instance: Instance, project: Path) -> None:
    (project / "models" / "intermediate" / "int_too_late.sql").write_text(
        "select 1 as a from {{ ref('fct_sessions') }}"
    )
    tests = project / "tests"
    tests.mkdir(exist_ok=True)
    (tests / "no_session_of_demo.sql").write_text(
        "select * from {{ ref('fct_sessions') }} where session_key in "
        "(select session_key from {{ ref('fct_sessions') }} order by 1 limit 7)"
    )
    (tests / "few_sessions.sql").write_text(
        "{{ config(severity='warn') }} select 1 as one from {{ ref('fct_sessions') }} limit 1"
    )
    done = build(instance)
    assert done.exit_code == 1
    assert "no_session_of_demo: failed on 7 rows; millrace dbt show --select no_session_of_demo" in done.stdout
    assert "few_sessions: warns of a row; millrace dbt show --select few_sessions" in done.stdout
    assert " warned, 1 failed, " in done.stdout  # the project has a test of its own that warns
    as_json = build(instance, "--format", "json")
    assert as_json.exit_code == 1
    nodes = {node["name"]: node for node in json.loads(as_json.stdout)["nodes"]}
    assert nodes["no_session_of_demo"]["failures"] == 7
    assert nodes["int_too_late"]["status"] == "skipped"
    with instance.active():
        shown = CliRunner().invoke(app, ["dbt", "show", "--select", "no_session_of_demo", "--output", "json"])
    assert shown.exit_code == 0
    untested = build(instance, "--no-tests")
    assert untested.exit_code == 0
    assert "0 tests passed" in untested.stdout
    instance.client().command("DROP TABLE intermediate.int_too_late")


def test_a_table_that_no_model_makes_any_more_is_named_and_dropped(instance: Instance, project: Path) -> None:
    model = project / "models" / "intermediate" / "int_of_last_year.sql"
    model.write_text("{{ config(materialized='table') }} select 1 as a")
    assert "any more" not in build(instance).stderr
    model.unlink()
    assert "No model makes intermediate.int_of_last_year any more" in build(instance).stderr
    assert "any more" not in build(instance, "--select", "dim_dates").stderr
    tables = "SELECT database, name FROM system.tables WHERE database IN ('staging', 'intermediate', 'marts')"
    before = set(instance.rows(tables))
    with instance.active():
        dropped = CliRunner().invoke(app, ["dbt", "run-operation", "drop_what_no_model_makes"])
    assert dropped.exit_code == 0
    assert before - set(instance.rows(tables)) == {("intermediate", "int_of_last_year")}
    assert "any more" not in build(instance).stderr


def test_a_part_of_the_models_is_built_where_nothing_was(tmp_path: Path) -> None:
    with Instance(tmp_path / "millrace") as empty:
        empty.up()
        nodes = empty.json("build", "--select", "dim_dates")["nodes"]
        assert {node["status"] for node in nodes} == {"success", "pass"}


def test_a_build_whose_first_step_fails_builds_nothing(instance: Instance, project: Path) -> None:
    """The horizon is found there: without it raw would be taken for empty, and every table be emptied."""
    assert build(instance, "--no-tests").exit_code == 0
    before = instance.rows("SELECT count() FROM marts.fct_events")
    settings = project / "dbt_project.yml"
    settings.write_text(settings.read_text().replace("{{ begin_build() }}", "select no_such_function()"))
    done = build(instance, "--full-refresh")
    assert done.exit_code == 1
    assert "Function with name `no_such_function` does not exist" in done.stdout
    assert "0 models built" in done.stdout
    assert "any more" not in done.stderr
    assert instance.rows("SELECT count() FROM marts.fct_events") == before > [(0,)]


def test_a_failed_test_fails_again_until_the_data_is_mended(instance: Instance, project: Path) -> None:
    """A build tests the days that changed since the test last passed, not since the last build."""
    declared = project / "models" / "intermediate" / "_people.yml"
    text = declared.read_text()
    wrong = text.replace("columns: [project_id, person_key, local_date]", "columns: [project_id, local_date]")
    assert wrong != text
    declared.write_text(wrong)
    for _ in range(2):
        done = build(instance, "--select", "int_person_days")
        assert done.exit_code == 1
        assert "unique_combination_int_person_days_project_id__local_date: failed on" in done.stdout
    declared.write_text(text)
    assert build(instance, "--select", "int_person_days").exit_code == 0


def test_what_has_passed_is_read_again_only_by_dbt_test(instance: Instance, project: Path) -> None:
    assert build(instance, "--select", "int_person_days").exit_code == 0
    instance.client().command(
        "INSERT INTO intermediate.int_person_days SELECT * FROM intermediate.int_person_days LIMIT 3"
    )
    assert build(instance, "--select", "int_person_days").exit_code == 0
    with instance.active():
        assert CliRunner().invoke(app, ["dbt", "test", "--select", "int_person_days"]).exit_code == 1
    assert build(instance, "--select", "int_person_days", "--full-refresh").exit_code == 0
