"""`millrace funnel | retention | … | sql` as people type them, on events written by hand."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.integration.test_journeys import DAYS_OF_PEOPLE, TABLE, World
from tests.support import MILLRACE, Instance

HOSTILE = [
    *("a' OR 1=1 --", "a\\' OR 1=1 --", "\\", "'", "`", "{{ 7 * 7 }}", "%d", "new\nline", "a;drop table x", "é\u2028e"),
]


def row(person: int, name: str, at: str, **more: Any) -> dict[str, Any]:
    day, _, clock = at.partition(" ")
    return {
        **{"event": name, "person_key": person, "session_key": person, "local_date": day, "event_id": f"{at}{name}"},
        "timestamp": f"{day} {clock}:00.000",
        **more,
    }


SHOP = [
    row(
        1,
        "viewed",
        "2026-01-01 10:00",
        country="DE",
        page_path="/pricing",
        properties={"price": 3, "n": 3, "far": "inf"},
    ),
    row(1, "signup", "2026-01-01 10:01", country="DE", properties={"n": 3.0, "plan": "Pro, yearly"}),
    row(1, "purchase", "2026-01-01 10:03", country="DE", properties={"n": "3", "products": [{"id": 7}]}),
    row(
        2,
        "viewed",
        "2026-01-02 10:00",
        country="FR",
        page_path="/",
        properties={"price": 2.5, "n": 3.5, "far": "1e400", "tags": []},
    ),
    row(2, "signup", "2026-01-05 10:00", country="FR", properties={"n": "three", "plan": "free"}),
    row(3, "viewed", "2026-01-03 23:59", country="FR", page_path="/pricing"),
    # Half past midnight in the project's timezone: a day later there than in UTC.
    row(4, "viewed", "2026-01-03 23:30", country="DE") | {"local_date": "2026-01-04"},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("shop") / "millrace") as own:
        own.up()
        own.client().command("CREATE DATABASE IF NOT EXISTS marts")
        own.client().command(TABLE)
        own.client().command(DAYS_OF_PEOPLE)
        world = World(own)
        world.insert_into("demo", SHOP)
        world.insert_into(
            "demo", [row(9, name, "2025-06-01 10:00", properties={"said": name}) for name in (*HOSTILE, "said")]
        )
        yield own


def users(instance: Instance, *arguments: str) -> list[int]:
    return [step["users"] for step in instance.json("funnel", *arguments)["steps"]]


def test_a_funnel_as_scripts_read_it(shop: Instance) -> None:
    answer = shop.json(
        *("funnel", "--project", "demo", "--step", "viewed", "--step", "signup", "--step", "purchase"),
        *("--from", "2026-01-01", "--to", "2026-01-31", "--by", "country", "--histogram", "--trend", "week"),
    )
    first = {"step": 1, "name": "viewed", "users": 4, "from_start": 1.0, "from_previous": 1.0, "drop_off": 0}
    assert answer["steps"] == [
        {**first, "mean_seconds": None, "median_seconds": None},
        {
            **{"step": 2, "name": "signup", "users": 2, "from_start": 0.5, "from_previous": 0.5, "drop_off": 2},
            **{"mean_seconds": (60 + 3 * 86400) / 2, "median_seconds": (60 + 3 * 86400) / 2},
        },
        {
            **{"step": 3, "name": "purchase", "users": 1, "from_start": 0.25, "from_previous": 0.5, "drop_off": 1},
            **{"mean_seconds": 120, "median_seconds": 120},
        },
    ]
    assert {part["value"]: [s["users"] for s in part["steps"]] for part in answer["breakdown"]} == {
        "DE": [2, 1, 1],
        "FR": [2, 1, 0],
    }
    assert answer["histogram"] == [
        {"from_seconds": 180, "to_seconds": 240, "users": 1},
        {"from_seconds": 240, "to_seconds": 300, "users": 0},
    ]
    assert answer["trend"] == [{"period": "2025-12-29", "entered": 4, "converted": 1, "rate": 0.25}]
    assert answer["definition"] == {
        **{"project": "demo", "steps": ["viewed", "signup", "purchase"], "order": "ordered", "by": "country"},
        **{"within_seconds": 1209600, "exclusions": [], "attribution": "first"},
        **{"from": "2026-01-01", "to": "2026-01-31"},
    }


def test_only_the_first_step_has_to_lie_in_the_range_and_by_the_local_day(shop: Instance) -> None:
    steps = ("--step", "viewed", "--step", "signup")
    assert users(shop, *steps, "--from", "2026-01-02", "--to", "2026-01-02") == [1, 1]
    assert users(shop, *steps, "--from", "2026-01-02", "--to", "2026-01-02", "--within", "71h") == [1, 0]
    assert users(shop, *steps, "--from", "2026-01-02", "--to", "2026-01-02", "--within", "0") == [1, 1]
    assert users(shop, *steps, "--from", "2026-01-03", "--to", "2026-01-03") == [1, 0]
    assert users(shop, *steps, "--from", "2026-01-04") == [1, 0]


@pytest.mark.parametrize(
    ("step", "people"),
    [
        ("viewed[page.path=/pricing]", 2),
        ("viewed[page.path!=/pricing]", 2),
        ("viewed[page.path~PRIC]", 2),
        ("viewed[page.path]", 3),
        ("viewed[page.path='']", 1),
        ("viewed[country=DE,page.path=/pricing]", 1),
        ("viewed[country=DE][page.path=/pricing]", 1),
        # Sent as 3, 3.0, "3", 3.5 and "three": numbers are numbers, whatever they were sent as.
        ("*[n=3]", 1),
        ("viewed[n=3]", 1),
        ("signup[n=3.0]", 1),
        ("purchase[n=3]", 1),
        ("*[n>=3]", 2),
        ("*[n>3]", 1),
        ("*[n<4]", 2),
        ("*[n=three]", 1),
        ("viewed[n!=3]", 3),
        ("viewed[price>2.5]", 1),
        ("viewed[properties.price>=2.5]", 2),
        ("signup[plan='Pro, yearly']", 1),
        ("signup[plan~pro]", 1),
        ("signup[plan>='a']", 1),
        ("viewed[far>1]", 0),
        ("viewed[far~1e]", 1),
        # A list: products is one in the registry, so that each row has it; tags is none.
        ("*[products]", 1),
        ("*[products~id]", 1),
        ("viewed[products='']", 4),
        ("viewed[products!='']", 0),
        ("*[products='[]']", 0),
        ("viewed[tags]", 0),
    ],
)
def test_filters(shop: Instance, step: str, people: int) -> None:
    found = users(shop, "--step", step, "--step", "nothing", "--from", "2026-01-01")
    assert found == [people, 0]


def test_a_list_that_was_not_sent_is_no_value_to_break_down_by(shop: Instance) -> None:
    steps = ("--step", "viewed", "--step", "purchase", "--from", "2026-01-01")
    for attribution, values in (("first", {""}), ("last", {"", "['{\"id\":7}']"})):
        answer = shop.json("funnel", *steps, "--by", "properties.products", "--attribution", attribution)
        assert {part["value"] for part in answer["breakdown"]} == values


def test_whatever_a_name_holds_is_only_a_name(shop: Instance) -> None:
    for name in HOSTILE:
        quoted = "'" + name.replace("'", "''") + "'"
        assert users(shop, "--step", name, "--step", "nothing") == [1, 0]
        assert users(shop, "--step", f"{name}[said={quoted}]", "--step", "nothing") == [1, 0]
        assert users(shop, "--step", f"said[said={quoted}]", "--step", "nothing") == [0, 0]
    assert shop.run("funnel", "--step", "viewed", "--step", "signup", "--by", "country' OR '1").returncode == 2
    assert shop.run("lifecycle", "--project", "x' or 1=1 --").returncode == 2


def test_the_other_journeys_as_scripts_read_them(shop: Instance) -> None:
    days = ("--from", "2025-12-29", "--to", "2026-01-11")
    assert shop.json("retention", "--start", "viewed", "--return", "signup", "--period", "week", *days) == {
        "cohorts": [{"period": "2025-12-29", "size": 4, "returned": [1]}]
    }
    parts = shop.json("retention", "--start", "viewed", "--period", "week", "--by", "country", *days)["breakdown"]
    assert parts == [
        {"value": "DE", "cohorts": [{"period": "2025-12-29", "size": 2, "returned": [0]}]},
        {"value": "FR", "cohorts": [{"period": "2025-12-29", "size": 2, "returned": [1]}]},
    ]
    assert shop.json("retention", "--start", "viewed", "--by", "country", "--project", "demo_mobile") == {
        "cohorts": [],
        "breakdown": [],
    }
    one_day = ("--from", "2026-01-01", "--to", "2026-01-02", "--period", "day")
    # The second day's interval ends after --to.
    assert shop.json("retention", *one_day, "--periods", "5")["cohorts"] == [
        {"period": "2026-01-01", "size": 1, "returned": [0]},
        {"period": "2026-01-02", "size": 1, "returned": []},
    ]
    assert shop.json("lifecycle", "--event", "*", "--period", "week", *days)["periods"] == [
        {"period": "2025-12-29", "new": 4, "returning": 0, "resurrecting": 0, "dormant": 0},
        {"period": "2026-01-05", "new": 0, "returning": 1, "resurrecting": 0, "dormant": 3},
    ]
    assert shop.json("stickiness", *days)["days"] == [{"days": 1, "users": 3}, {"days": 2, "users": 1}]
    assert shop.json("paths", "--from-event", "viewed", "--depth", "2", "--top", "1", *days) == {
        **{"event": "viewed", "direction": "next", "sessions": 4},
        "edges": [
            {"step": 1, "from": "viewed", "to": None, "sessions": 2, "share": 0.5},
            {"step": 2, "from": "signup", "to": None, "sessions": 1, "share": 0.25},
        ],
        "paths": [{"path": ["viewed"], "sessions": 2, "share": 0.5}],
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--step", "viewed"], "at least two steps"),
        ([], "at least two steps"),
        (["--step", "viewed", "--step", "signup[x"], "not closed"),
        (["--step", "viewed", "--step", "signup", "--by", "contry"], "did you mean 'country'"),
        (["--step", "viewed", "--step", "signup", "--within", "2 weeks"], "2w"),
        (["--step", "viewed", "--step", "signup", "--from", "2026-02-01", "--to", "2026-01-01"], "swap them"),
        (["--step", "viewed", "--step", "signup", "--from", "yesterday"], "2026-01-31"),
        (["--step", "viewed", "--step", "signup", "--project", "dem"], "did you mean 'demo'"),
        (["--step", "viewed", "--step", "signup", "--exclude", "purchase:2-3"], "purchase:1-2"),
        (["--step", "viewed", "--step", "signup", "--attribution", "step:9"], "step:2"),
        (["--step", "viewed", "--step", "signup", "--order", "any"], "'unordered'"),
        (["--step", "viewed", "--step", "signup", "--histogram", "many"], "many"),
        (["--step", "viewed", "--step", "signup", "--histogram", "1001"], "--histogram"),
    ],
)
def test_wrong_usage_is_a_sentence_with_the_nearest_right_thing(
    shop: Instance, arguments: list[str], told: str
) -> None:
    done = shop.run("funnel", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Unexpected" not in done.stderr


def test_what_was_never_sent_is_zero_and_a_warning(shop: Instance) -> None:
    done = shop.run("funnel", "--step", "viwed", "--step", "signup[plann=free]", "--format", "json")
    assert done.returncode == 0
    assert [step["users"] for step in json.loads(done.stdout)["steps"]] == [0, 0]
    warnings = done.stderr.splitlines()
    assert "'viwed'" in warnings[0] and "did you mean 'viewed'" in warnings[0]
    assert "'plann'" in warnings[1] and "'plan'" in warnings[1]
    done = shop.run("retention", "--project", "demo_mobile", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"cohorts": []})
    known = shop.run("funnel", "--step", "viewed[page.path=/pricing]", "--step", "signup[plan=free]")
    assert (known.returncode, known.stderr) == (0, "")


def test_tables_say_what_was_computed_and_fit_the_terminal(shop: Instance) -> None:
    for command in (
        "funnel --step viewed --step signup --by country --histogram 3 --trend day --exclude refund --order unordered",
        "retention --by country --period day --from 2026-01-01",
        *("lifecycle", "stickiness", "paths --from-event viewed"),
    ):
        done = shop.run(*command.split(), COLUMNS="100")
        assert done.returncode == 0, done.stderr
        assert "project demo." in " ".join(done.stdout.split())
        assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert "█" in shop.run("funnel", "--step", "viewed", "--step", "signup").stdout


def test_before_anything_is_built_the_next_command_is_named(instance: Instance) -> None:
    instance.up()
    for command in (["funnel", "--step", "a", "--step", "b"], ["retention"], ["paths", "--from-event", "a"]):
        done = instance.run(*command)
        assert done.returncode == 1
        assert "`millrace build`" in done.stderr
    instance.run("down")
    assert "millrace up" in instance.run("lifecycle").stderr


def test_several_projects_have_to_be_told_apart(instance: Instance) -> None:
    instance.up()
    instance.client().command("CREATE DATABASE IF NOT EXISTS marts")
    instance.client().command(TABLE)
    world = World(instance)
    world.insert_into("demo", SHOP)
    world.insert_into("demo_mobile", SHOP[:1])
    done = instance.run("lifecycle", MILLRACE_PROJECT="")
    assert done.returncode == 2
    assert "--project demo or --project demo_mobile" in done.stderr
    of_app = instance.run("funnel", "--step", "viewed", "--step", "signup", MILLRACE_PROJECT="demo_mobile")
    assert "project demo_mobile" in of_app.stdout
    steps = ("--step", "viewed", "--step", "signup")
    assert users(instance, *steps, "--project", "demo_mobile") == [1, 0]
    assert users(instance, *steps, "--project", "demo") == [4, 2]
    # One that nobody declared, whose events were let in.
    world.insert_into("undeclared", SHOP[:1])
    assert users(instance, *steps, "--project", "undeclared") == [1, 0]


QUERY = "select country, count() as events from fct_events where event = 'viewed' group by country order by country"


def test_sql_in_every_format(shop: Instance, tmp_path: Path) -> None:
    assert re.search(r"DE +2\b", shop.run("sql", QUERY).stdout)
    rows = list(csv.reader(io.StringIO(shop.run("sql", QUERY, "--format", "csv").stdout)))
    assert rows == [["country", "events"], ["DE", "2"], ["FR", "2"]]
    assert json.loads(shop.run("sql", QUERY, "--format", "json").stdout) == [
        {"country": "DE", "events": 2},
        {"country": "FR", "events": 2},
    ]
    assert json.loads(shop.run("sql", "select 1 where false", "--format", "json").stdout) == []
    file = tmp_path / "result.parquet"
    assert shop.run("sql", QUERY, "--format", "parquet", "--output", str(file)).returncode == 0
    assert pyarrow.parquet.read_table(file).to_pydict() == {"country": ["DE", "FR"], "events": [2, 2]}
    long = shop.run("sql", "select number from numbers(5000)")
    assert "first 1,000 rows" in long.stderr
    assert len(shop.run("sql", "select number from numbers(300000)", "--format", "csv").stdout.splitlines()) == 300001


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("selec 1", "position"),
        ("select nope from fct_events", "nope"),
        ("select * from raw.events", "raw.events"),
        ("drop table fct_events", "DROP TABLE"),
        ("insert into fct_events (event) values ('x')", "INSERT"),
        ("select 1; select 2", "Multi-statements"),
        ("select throwIf(max(number) > 3000000) from numbers(4000000)", "throwIf"),
        ("select 1 settings max_memory_usage = 100000000000", "max_memory_usage"),
    ],
)
def test_sql_that_fails_is_one_sentence(shop: Instance, tmp_path: Path, query: str, told: str) -> None:
    file = tmp_path / "result.csv"
    for more in ([], ["--format", "csv"], ["--format", "csv", "--output", str(file)]):
        done = shop.run("sql", query, *more)
        assert done.returncode == 1
        assert told.lower() in done.stderr.lower()
        assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == [], "neither a half file nor a temporary one"


def test_sql_that_fails_in_the_middle_leaves_no_file(shop: Instance, tmp_path: Path) -> None:
    query = "select number, throwIf(number = 9000000) from numbers(10000000)"
    streamed = shop.run("sql", query, "--format", "csv")
    assert (streamed.returncode, len(streamed.stderr.splitlines())) == (1, 1)
    assert "throwIf" in streamed.stderr
    assert streamed.stdout.startswith('"number"')
    assert "exception" not in streamed.stdout
    file = tmp_path / "result.parquet"
    assert shop.run("sql", query, "--format", "parquet", "--output", str(file)).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_sql_as_another_user_keeps_the_limits_of_the_analyst(shop: Instance) -> None:
    """Your own ClickHouse, where nobody has made the users of access.yaml."""
    admin = shop.endpoint("admin")
    login = {
        "MILLRACE_CLICKHOUSE_URL": admin.url,
        "MILLRACE_CLICKHOUSE_USER": "admin",
        "MILLRACE_CLICKHOUSE_PASSWORD": admin.password,
        "MILLRACE_DATA_DIR": str(shop.folder / "elsewhere"),
    }
    limit = shop.run("sql", "select currentUser(), getSetting('max_execution_time')", "--format", "csv", **login)
    assert limit.stdout.splitlines()[1:] == ['"admin",300'], limit.stderr
    done = shop.run("sql", "create table marts.x (a int) engine = Memory", **login)
    assert (done.returncode, "readonly" in done.stderr) == (1, True)


def test_sql_wrong_usage(shop: Instance) -> None:
    for more in (["--format", "parquet"], ["--output", "x"], ["--format", "xml"]):
        assert shop.run("sql", "select 1", *more).returncode == 2
    for form in ("table", "csv"):
        done = shop.run("sql", "select 1 format TSV", "--format", form)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--format" in done.stderr


@pytest.mark.parametrize(
    "question",
    [
        ["funnel", "--step", "*", "--step", "*"],
        ["retention"],
        ["paths", "--from-event", "page_viewed"],
        ["stickiness"],
    ],
)
def test_what_a_question_would_read_is_told_without_asking_it(shop: Instance, question: list[str]) -> None:
    told = shop.json(*question, "--project", "demo", "--explain")
    assert told["allowed"] is True
    assert {table["table"] for table in told["tables"]} == {"marts.fct_events"}
    assert told["rows"] == sum(table["rows"] for table in told["tables"]) > 0


def test_ctrl_c_ends_the_query_on_the_server(shop: Instance) -> None:
    slow = "select count() from numbers(4000000000) where sipHash64(sipHash128(number)) % 7 = 3"
    running = subprocess.Popen(
        [str(MILLRACE), "sql", slow],
        env={**os.environ, **shop.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # As at a terminal. What runs in the background of a script is handed down an ignored Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    in_progress = "select count() from system.processes where user = 'analyst'"
    try:
        _until(lambda: shop.rows(in_progress) == [(1,)])
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) != 0
    finally:
        running.kill()
    _until(lambda: shop.rows(in_progress) == [(0,)])


def _until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_dbt_renders_the_same_text(shop: Instance) -> None:
    """The macros use nothing that only one of the two has."""
    from semantic_layer.journeys.rendering import _macros

    call = (
        "funnel_attempts('marts.fct_events', [step_condition('a', [('page.path', '=', \"it's\"), ('x', '>', 3)]), "
        "step_condition('*')], 1000, 'unordered', [{'condition': 'false', 'after': 1, 'before': 2}], value='country')"
    )
    from jinja2 import Environment

    mine = Environment().from_string("{{ macros." + call.replace("step_condition", "macros.step_condition") + " }}")
    own = mine.render(macros=_macros())
    with shop.active() as settings:
        from dbt.cli.main import dbtRunner

        from warehouse.dbt import environment, variables

        arguments = ["--quiet", "compile", "--no-introspect", "--inline", "{{ " + call + " }}"]
        with variables(environment(settings)):
            outcome = dbtRunner().invoke(arguments)
    assert outcome.success, outcome.exception
    theirs = outcome.result.results[0].node.compiled_code
    assert theirs.strip() == own.strip()
