"""A build that cannot do what was asked says what, where and what to do next, and never ends with success.

All of one warehouse, which is empty at first: what each test needs to be built, a fixture has built once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, NamedTuple

import pytest

import expectations.breaker
import expectations.runner
import expectations.suites
import warehouse.dbt
from expectations.suites import Suite
from tests.integration.arrivals import start_anew
from tests.integration.in_process import run_here
from tests.integration.loading import event, loaded, write_lines
from tests.running_dagster import until
from tests.support import Instance
from warehouse.dbt import NodeResult, Run, left_over
from warehouse.locks import held_if_free

OF_LAST_YEAR = "models/intermediate/int_of_last_year.sql"
STANDS = "SELECT uuid FROM system.tables WHERE database = 'marts' AND name = 'dim_dates'"
RELATIONS = "SELECT database, name FROM system.tables WHERE database IN ('staging', 'intermediate', 'marts')"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("failures") / "millrace") as own:
        own.up()
        yield own


def copy_of_the_project(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(warehouse.dbt.PROJECT, folder / "dbt_project")
    patch.setattr(warehouse.dbt, "PROJECT", folder / "dbt_project")
    return folder / "dbt_project"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project, to break."""
    return copy_of_the_project(tmp_path, monkeypatch)


def build(instance: Instance, *arguments: str) -> CompletedProcess[str]:
    return run_here(instance, "build", *arguments)


def nodes_of(done: CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in json.loads(done.stdout)["nodes"]}


class Empty(NamedTuple):
    part: CompletedProcess[str]
    whole: CompletedProcess[str]
    events: int


@pytest.fixture(scope="module")
def empty(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Empty:
    """Builds of an empty warehouse: of a part, then of everything, and of a model that goes away later."""
    start_anew(instance)
    part = build(instance, "--select", "dim_dates", "--format", "json")
    start_anew(instance)
    with pytest.MonkeyPatch.context() as patch:
        folder = copy_of_the_project(tmp_path_factory.mktemp("last_year"), patch)
        (folder / OF_LAST_YEAR).write_text("{{ config(materialized='table') }} select 1 as a")
        whole = build(instance, "--format", "json")
    return Empty(part, whole, instance.rows("SELECT count() FROM marts.fct_events")[0][0])


@pytest.fixture(scope="module")
def built(instance: Instance, empty: Empty, tmp_path_factory: pytest.TempPathFactory) -> CompletedProcess[str]:
    """The first build with events: 50 people on two days, and one model less."""
    assert empty.whole.returncode == 0
    events = [event(n, "build", original_timestamp=f"2026-03-{1 + n % 2:02}T10:00:00.000Z") for n in range(200)]
    loaded(instance, write_lines(tmp_path_factory.mktemp("events") / "events.jsonl", events))
    done = build(instance, "--no-tests", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert instance.rows("SELECT count(), uniqExact(session_key) > 7 FROM marts.fct_events") == [(200, True)]
    return done


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
    done = build(instance, *arguments)
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


def test_a_query_that_fails_is_told_without_a_stack_trace(instance: Instance) -> None:
    done = instance.run("dbt", "show", "--inline", "select no_such_column")
    assert done.returncode == 1
    assert "no_such_column" in done.stderr
    assert "Traceback" not in done.stderr


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
            assert "Another build, or a run of Dagster, is working on this warehouse." in done.stderr


def test_a_part_of_the_models_is_built_where_nothing_was(empty: Empty) -> None:
    assert empty.part.returncode == 0, empty.part.stderr
    assert {node["status"] for node in nodes_of(empty.part).values()} == {"success", "pass"}


def test_an_empty_warehouse_is_built(empty: Empty) -> None:
    assert empty.whole.returncode == 0, empty.whole.stderr
    assert {node["status"] for node in nodes_of(empty.whole).values()} <= {"success", "pass"}
    assert empty.events == 0


def test_a_table_that_no_model_makes_any_more_is_named_and_dropped(
    instance: Instance, empty: Empty, built: CompletedProcess[str]
) -> None:
    assert nodes_of(empty.whole)["int_of_last_year"]["status"] == "success"
    assert "any more" not in empty.whole.stderr
    assert "No model makes intermediate.int_of_last_year any more" in built.stderr
    assert "any more" not in build(instance, "--select", "dim_dates", "--no-tests").stderr
    made = Run([NodeResult(node["id"], node["name"], "success", 0, "", None) for node in nodes_of(built).values()])
    assert left_over(instance.settings, made) == ["intermediate.int_of_last_year"]
    before = set(instance.rows(RELATIONS))
    dropped = run_here(instance, "dbt", "run-operation", "drop_what_no_model_makes")
    assert dropped.returncode == 0
    assert before - set(instance.rows(RELATIONS)) == {("intermediate", "int_of_last_year")}
    assert left_over(instance.settings, made) == []  # and of nothing a build says nothing, as the first one did


@pytest.mark.usefixtures("built")
def test_broken_sql_names_the_model_its_file_and_what_is_wrong(instance: Instance, project: Path) -> None:
    model = project / "models" / "intermediate" / "int_internal_users.sql"
    model.write_text(model.read_text().replace("distinct project_id", "distinct projekt_id"))
    done = build(instance, "--select", "int_internal_users+1", "--no-tests")
    assert done.returncode == 1
    assert "int_internal_users: failed" in done.stdout
    assert "models/intermediate/int_internal_users.sql" in done.stdout
    assert "Unknown expression identifier `projekt_id`" in done.stdout
    assert "skipped" in done.stdout


def test_broken_jinja_is_one_sentence(instance: Instance, project: Path) -> None:
    (project / "models" / "intermediate" / "int_internal_users.sql").write_text("select {{ nothing( }}")
    done = build(instance)
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert "Compilation Error in model int_internal_users" in sentence
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("built")
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
    (tests / "nothing_too_late.sql").write_text("select * from {{ ref('int_too_late') }} where a > 1")
    # fct_sessions with all of its tests; more models would be built no otherwise.
    selected = ("--select", "fct_sessions", "--select", "int_too_late")
    done = build(instance, *selected)
    assert done.returncode == 1
    assert "no_session_of_demo: failed on 7 rows; millrace dbt show --select no_session_of_demo" in done.stdout
    assert "few_sessions: warns of a row; millrace dbt show --select few_sessions" in done.stdout
    assert "1 models built, 1 skipped, " in done.stdout
    assert " warned, 1 failed, 1 skipped in " in done.stdout
    as_json = build(instance, *selected, "--format", "json")
    assert as_json.returncode == 1
    nodes = nodes_of(as_json)
    assert nodes["no_session_of_demo"]["failures"] == 7
    assert nodes["int_too_late"]["status"] == nodes["nothing_too_late"]["status"] == "skipped"
    assert ("intermediate", "int_too_late") not in instance.rows(RELATIONS)
    shown = run_here(instance, "dbt", "show", "--select", "no_session_of_demo", "--output", "json")
    assert shown.returncode == 0
    untested = build(instance, *selected, "--no-tests")
    assert untested.returncode == 0
    assert "2 models built, 0 tests passed in " in untested.stdout
    instance.client().command("DROP TABLE intermediate.int_too_late")


# What a check of a table itself finds is not left in it: three kinds of tables, each with a check of its own, and one
# that is made of a table before its check is through, since that also waits for something else.
OF_THE_TABLE = {
    "models/intermediate/int_kinds.sql": "select distinct event as kind from {{ ref('stg_millrace__events') }}",
    "models/intermediate/int_kinds_told.sql": "select count() as kinds from {{ ref('int_kinds') }}",
    "tests/no_kind_is_poisoned.sql": (
        "select kind from {{ ref('int_kinds') }} where kind = 'poisoned' "
        "and (select count() from {{ ref('stg_crm__customers') }}) >= 0"
    ),
    "tests/no_day_is_poisoned.sql": (
        "select 1 as one from {{ ref('int_events_sessionised') }} where event_id like 'poison-%'"
    ),
    "tests/nobody_is_poisoned.sql": "select id from {{ ref('int_first_seen') }} where id = 'poison'",
}
SELECTED = [
    *("--select", "+int_events_sessionised", "--select", "int_first_seen"),
    *("--select", "int_kinds", "--select", "int_kinds_told", "--format", "json"),
]
POISONED = {"int_events_sessionised", "int_first_seen", "int_kinds", "int_kinds_told"}


def of_the_tables(instance: Instance) -> list[Any]:
    return [
        instance.rows(
            "SELECT local_date, count(), sum(cityHash64(event_id)) FROM intermediate.int_events_sessionised "
            "GROUP BY 1 ORDER BY 1"
        ),
        instance.rows("SELECT DISTINCT id, first_at FROM intermediate.int_first_seen ORDER BY ALL"),
        instance.rows("SELECT kind FROM intermediate.int_kinds ORDER BY ALL"),
        instance.rows("SELECT kinds FROM intermediate.int_kinds_told"),
        instance.rows(
            "SELECT model, argMax((through, definition), built_at) FROM ops.built_models "
            f"WHERE splitByChar('.', model)[2] IN {tuple(sorted(POISONED))} GROUP BY 1 ORDER BY 1"
        ),
    ]


def put_aside(instance: Instance) -> list[str]:
    return [name for (name,) in instance.rows("SELECT name FROM system.tables WHERE database = 'aside' ORDER BY 1")]


@pytest.mark.usefixtures("built")
def test_what_fails_its_own_checks_is_put_back_as_it_was(instance: Instance, project: Path, tmp_path: Path) -> None:
    for file, sql in OF_THE_TABLE.items():
        (project / file).parent.mkdir(exist_ok=True)
        (project / file).write_text(sql)
    good = build(instance, *SELECTED)
    assert good.returncode == 0, good.stdout
    before = of_the_tables(instance)
    assert all(before) and put_aside(instance) == []

    # On a day that is there, and on one that is new.
    poison = [
        event(n, "poison", event="poisoned", user_id="poison", original_timestamp=f"2026-03-0{2 + 3 * n}T12:00:00.000Z")
        for n in range(2)
    ]
    loaded(instance, write_lines(tmp_path / "poison.jsonl", poison))
    slow = project / "tests" / "takes_its_time.sql"
    slow.write_text(  # of all of them: when it runs they are made
        "select 1 as one from {{ ref('int_kinds') }} where sleepEachRow(3) = 1 and (select count() from "
        "{{ ref('int_events_sessionised') }}, {{ ref('int_first_seen') }}, {{ ref('int_kinds_told') }}) > 0"
    )
    patched = f"import warehouse.dbt; warehouse.dbt.PROJECT = warehouse.dbt.Path({str(project)!r})"
    killed = subprocess.Popen(
        [sys.executable, "-c", f"{patched}; from cli.main import main; main()", "build", *SELECTED],
        env=instance.environment,
        stdout=subprocess.DEVNULL,
    )
    sleeps = (
        "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(3)%' AND query NOT LIKE '%processes%'"
    )
    assert until(lambda: instance.rows(sleeps) > [(0,)])
    killed.kill()
    killed.wait()
    slow.unlink()
    now = of_the_tables(instance)
    assert [one for one, other in zip(now[:4], before[:4], strict=True) if one == other] == []  # what nobody has judged

    for arguments in (SELECTED, [*SELECTED, "--full-refresh"]):  # days and copies; whole tables
        done = build(instance, *arguments)
        assert done.returncode == 1
        assert {name for name, node in nodes_of(done).items() if node["status"] == "put back"} == POISONED
        assert of_the_tables(instance) == before
        assert put_aside(instance) == [f"intermediate__{name}__refused" for name in sorted(POISONED)]
        assert instance.rows("SELECT * FROM aside.intermediate__int_kinds__refused WHERE kind = 'poisoned'")
        assert instance.rows(
            "SELECT 1 FROM aside.intermediate__int_events_sessionised__refused WHERE event_id LIKE 'poison-%'"
        )
    told = build(instance, *SELECTED[:-2])
    assert "intermediate.int_kinds is as it was before this build; what was refused: " in told.stdout
    assert ", 4 put back, " in told.stdout

    for file in OF_THE_TABLE:  # what was refused is right after all
        if file.startswith("tests/"):
            (project / file).unlink()
    assert build(instance, *SELECTED).returncode == 0
    assert ("poison",) in {(name,) for name, _ in of_the_tables(instance)[1]}
    assert of_the_tables(instance)[2:4] == [[("page_viewed",), ("poisoned",)], [(2,)]]
    assert sum(count for _, count, _ in of_the_tables(instance)[0]) == 202
    assert put_aside(instance) == []
    for table in ("int_kinds", "int_kinds_told"):
        instance.client().command(f"DROP TABLE intermediate.{table}")


@pytest.mark.usefixtures("built")
def test_a_test_that_failed_fails_again_and_one_that_passed_is_not_made_again(
    instance: Instance, project: Path
) -> None:
    """A build tests the days that changed since the test last passed, not since the last build; the others are read
    again only by `dbt test`, and when all is made anew."""
    declared = project / "models" / "marts" / "engagement" / "_people.yml"
    text = declared.read_text()
    wrong = text.replace("columns: [project_id, person_key, local_date]", "columns: [project_id, local_date]")
    assert wrong != text
    declared.write_text(wrong)
    for _ in range(2):
        done = build(instance, "--select", "agg_person_days")
        assert done.returncode == 1
        assert "unique_combination_agg_person_days_project_id__local_date: failed on" in done.stdout
    declared.write_text(text)
    assert build(instance, "--select", "agg_person_days").returncode == 0
    instance.client().command("INSERT INTO marts.agg_person_days SELECT * FROM marts.agg_person_days LIMIT 3")
    assert build(instance, "--select", "agg_person_days").returncode == 0
    assert run_here(instance, "dbt", "test", "--select", "agg_person_days").returncode == 1
    assert build(instance, "--select", "agg_person_days", "--full-refresh").returncode == 0


@pytest.mark.usefixtures("built")
def test_what_an_expectation_refuses_does_not_flow_on_by_any_build(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line judges, as Dagster does; of the table that stands nothing is said."""

    def expect(last_year: int, name: str = "ends_in_time", table: str = "marts.dim_dates") -> None:
        expected = {name: {"kind": "between", "column": "year", "max": last_year, "why": "x"}}
        suite = {"name": "dates", "file": "dates.yaml", "table": table, "owner": "x", "description": "x"}
        suites = {"dates": Suite.model_validate({**suite, "projects": "together", "expectations": expected})}
        for module in (expectations.suites, expectations.runner, expectations.breaker):
            monkeypatch.setattr(module, "read_suites", lambda: suites)

    expect(2030)
    (stood,) = instance.rows(STANDS)
    for what in ("opened", "failed again"):
        done = build(instance, "--select", "dim_dates")
        assert done.returncode == 1
        assert "marts.dim_dates, ends_in_time: " in done.stdout
        assert "to see them" not in done.stdout  # in the table that stands there are none
        assert "0 of 1 results of expectations passed." in done.stdout
        assert "what was refused: aside.marts__dim_dates__refused." in done.stdout
        assert f"{what}: marts.dim_dates, ends_in_time." in done.stdout
        assert instance.rows(STANDS) == [stood]

    (one,) = json.loads(run_here(instance, "incidents", "--format", "json").stdout)
    shown = run_here(instance, "incidents", "show", one["incident_id"]).stdout
    shows = 'dbt show --limit 20 --output json --inline "select * from aside.marts__dim_dates__refused WHERE'
    assert f"{shows} (year > 2030)" in shown
    assert "to see them" not in shown
    assert "run `millrace build`" in shown
    # Under a name that is misspelt nothing would be judged, and what was refused let through.
    expect(2030, table="marts.dim_date")
    for arguments in (["build", "--select", "dim_dates"], ["expectations", "run"], ["reconcile"]):
        refused = run_here(instance, *arguments)
        assert refused.returncode == 1
        assert "dates.yaml:1: table: there is no table 'marts.dim_date'; did you mean" in refused.stderr
    assert json.loads(run_here(instance, "incidents", "--format", "json").stdout) == [one]
    assert instance.rows(STANDS) == [stood]
    expect(2030)
    # Neither does a build that only compares let it through, nor one of something else make it forgotten.
    with monkeypatch.context() as of_little:
        dates = warehouse.dbt.build_arguments(select=["dim_dates"])
        of_little.setattr(expectations.breaker, "build_arguments", lambda: dates)
        compared = run_here(instance, "reconcile")
    assert (compared.returncode, instance.rows(STANDS)) == (1, [stood])
    assert "Nothing was compared: the build before it failed: marts.dim_dates, ends_in_time: " in compared.stderr
    expect(2100)  # what stands passes, which says nothing of what was refused
    assert build(instance, "--select", "dim_projects").returncode == 0
    told = "SELECT count() FROM ops.check_results WHERE check_name = 'ends_in_time' AND status = 'pass'"
    judged = run_here(instance, "expectations", "run")
    assert "marts.dim_dates is as it was before the last build, whose rows were refused" in judged.stderr
    assert instance.rows(told) == [(0,)]

    healed = build(instance, "--select", "dim_dates")
    assert healed.returncode == 0
    assert "1 of 1 results of expectations passed." in healed.stdout
    assert "resolved: marts.dim_dates, ends_in_time." in healed.stdout
    assert instance.rows(STANDS) != [stood]
    assert instance.rows(told) == [(1,)]
    expect(2030)
    assert build(instance, "--select", "dim_dates").returncode == 1
    expect(2100, "another")
    assert "resolved: marts.dim_dates, ends_in_time." in build(instance, "--select", "dim_projects").stdout
    expect(2030)
    unjudged = build(instance, "--select", "dim_dates", "--no-tests")
    assert unjudged.returncode == 0
    assert "expectations" not in unjudged.stdout
    expect(2100)


@pytest.mark.usefixtures("built")
def test_a_build_whose_first_step_fails_builds_nothing(instance: Instance, project: Path) -> None:
    """The horizon is found there: without it raw would be taken for empty, and every table be emptied. The last one:
    after another dbt_project.yml dbt reads all models again."""
    before = instance.rows("SELECT count() FROM marts.fct_events")
    settings = project / "dbt_project.yml"
    settings.write_text(settings.read_text().replace("{{ begin_build() }}", "select no_such_function()"))
    done = build(instance, "--full-refresh")
    assert done.returncode == 1
    assert "Function with name `no_such_function` does not exist" in done.stdout
    assert "0 models built" in done.stdout
    assert "any more" not in done.stderr
    assert instance.rows("SELECT count() FROM marts.fct_events") == before > [(0,)]
