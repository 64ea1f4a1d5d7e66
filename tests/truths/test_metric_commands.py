"""`millrace metrics` as people type it, and the cache of its answers."""

from __future__ import annotations

import csv
import io
import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cli.rows import RowsFormat, check_output
from semantic_layer.ask.wording import short_period
from semantic_layer.metrics.data_version import data_version
from semantic_layer.metrics.models import Grain
from tests.support import REPOSITORY
from tests.truths.conftest import LoadedWorld
from tests.truths.metric_shop import Shop, plain, time
from warehouse.errors import WrongUsage


@pytest.fixture(scope="module")
def shop(built: LoadedWorld) -> Iterator[Shop]:
    with built.instance.active():
        yield Shop(built.instance)


# The cache of results


def test_an_answer_is_kept_until_the_data_changes(shop: Shop) -> None:
    asked = {"where": "session__channel = 'email'", "by": [time("month")]}
    first = shop.ask("sessions", cache=True, **asked)
    again = shop.ask("sessions", cache=True, **asked)
    assert (first.from_cache, again.from_cache) == (False, True)
    assert (again.rows, again.columns) == (first.rows, first.columns)
    assert not shop.ask("sessions", cache=False, **asked).from_cache
    assert not shop.ask("sessions", cache=True, project="demo_mobile", by=[time("month")]).from_cache
    kept = shop.settings.data_dir / "cache" / "answers"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in kept.iterdir()} == {0o600}

    version = data_version(shop.settings)
    admin = shop.instance.client()
    admin.command("CREATE TABLE raw.of_a_load (n UInt8) ENGINE = MergeTree ORDER BY n")
    admin.command("INSERT INTO raw.of_a_load VALUES (1)")
    assert data_version(shop.settings) == version
    admin.command("DROP TABLE raw.of_a_load")
    admin.command("OPTIMIZE TABLE marts.dim_projects FINAL")  # other parts, as after a build
    assert data_version(shop.settings) != version
    assert not shop.ask("sessions", cache=True, **asked).from_cache
    assert shop.ask("sessions", cache=True, **asked).from_cache


# The command line


def test_json_is_as_documented(shop: Shop) -> None:
    found = shop.instance.json(
        *("metrics", "query", "--project", "demo", "--metric", "orders", "-m", "revenue", "--by", "metric_time:month"),
        *("--where", "user__plan = 'pro'", "--from", "2026-04-01", "--to", "2026-05-31", "--order", "-revenue"),
    )
    assert list(found) == ["query", "sql", "columns", "rows", "seconds"]
    assert [column["name"] for column in found["columns"]] == ["metric_time__month", "orders", "revenue"]
    assert all(set(column) == {"name", "type"} for column in found["columns"])
    expected = shop.rows(
        "orders",
        "revenue",
        by=[time("month")],
        where="user__plan = 'pro'",
        **{"from": "2026-04-01", "to": "2026-05-31"},
    )
    shown = [(str(month), orders, revenue) for month, orders, revenue in expected]
    assert [tuple(map(plain, row)) for row in found["rows"]] == sorted(shown, key=lambda row: -row[2])
    assert found["query"]["metrics"] == ["orders", "revenue"]
    assert found["sql"].startswith("SELECT")
    told = shop.instance.run("metrics", "explain", "--project", "demo", "--metric", "orders")
    assert shop.instance.run("sql", told.stdout).returncode == 0


def test_files_have_the_same_rows(shop: Shop, tmp_path: Path) -> None:
    asked = (
        "metrics",
        "query",
        "--project",
        "demo",
        "--metric",
        "sessions",
        "--by",
        "session__channel",
        "--by",
        "month",
    )
    expected = shop.rows("sessions", by=[{"name": "session__channel"}, time("month")])
    done = shop.instance.run(*asked, "--format", "csv")
    header, *lines = list(csv.reader(io.StringIO(done.stdout)))
    assert header == ["session__channel", "metric_time__month", "sessions"]
    assert [(channel, date.fromisoformat(month), int(n)) for channel, month, n in lines] == expected
    target = tmp_path / "sessions.parquet"
    assert shop.instance.run(*asked, "--format", "parquet", "--output", str(target)).returncode == 0
    table = pq.read_table(target)
    assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == expected
    target = tmp_path / "sessions.json"
    assert shop.instance.run(*asked, "--format", "json", "--output", str(target)).returncode == 0
    assert len(json.loads(target.read_text())["rows"]) == len(expected)


def test_parquet_is_not_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    check_output(RowsFormat.PARQUET, None)  # into a pipe
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with pytest.raises(WrongUsage, match="nothing to read at a terminal"):
        check_output(RowsFormat.PARQUET, None)


def test_tables_are_for_people(shop: Shop) -> None:
    done = shop.instance.run(
        *("metrics", "query", "--project", "demo", "-m", "bounce_rate", "-m", "revenue", "--by", "quarter"),
        *("--from", "2026-04-01", "--to", "2026-06-30", "--compare", "previous"),
    )
    assert done.returncode == 0, done.stderr
    ((revenue,),) = shop.rows("revenue", **{"from": "2026-04-01", "to": "2026-06-30"})
    assert "2026-Q2" in done.stdout
    assert " %" in done.stdout
    assert f"{revenue:,.0f} EUR" in done.stdout
    assert "Compared with 2026-01-01 to 2026-03-31" in done.stderr
    at = datetime(2026, 3, 2, 14)
    assert [short_period(at, grain) for grain in Grain] == [
        *("2026-03-02 14:00", "2026-03-02", "2026-03-02", "2026-03", "2026-Q1", "2026")
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("query",), "Which metric?"),
        (("query", "-m", "ordrs", "--project", "demo"), "did you mean 'orders'"),
        (("query", "-m", "orders", "--project", "dem"), "did you mean 'demo'"),
        (("query", "-m", "orders", "--project", "demo", "--by", "metric_time:wek"), "has no grain of time"),
        (("query", "-m", "orders", "--project", "demo", "--where", "user__plan = pro"), "is not in quotes"),
        (("query", "-m", "orders", "--project", "demo", "--from", "March"), "is not a day"),
        (("query", "-m", "orders", "--project", "demo", "--from", "2026-05-01", "--to", "2026-04-01"), "swap them"),
        (("query", "-m", "orders", "--project", "demo", "--limit", "0"), "limit"),
        (("query", "-m", "orders", "--project", "demo", "--order", "-revenue"), "neither a metric nor a grouping"),
        (("query", "-m", "orders", "--project", "demo", "--output", "x"), "A table is for the terminal"),
        (("show", "ordrs"), "did you mean 'orders'"),
        (("values", "user__plam", "--project", "demo"), "did you mean 'user__plan'"),
        (("dimensions", "--metric", "ordrs"), "did you mean 'orders'"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(shop: Shop, arguments: tuple[str, ...], told: str) -> None:
    done = shop.instance.run("metrics", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""


def test_looking_around(shop: Shop) -> None:
    run: Callable[..., str] = lambda *words: shop.instance.run("metrics", *words).stdout  # noqa: E731
    assert "churn_rate" in run("list", "churn")
    assert "orders" not in run("list", "churn").split()
    assert {metric["name"] for metric in shop.instance.json("metrics", "list")} == set(shop.catalogue.metrics)
    assert "Did you mean" in shop.instance.run("metrics", "list", "revenu of buyer").stderr
    shown = run("show", "churn_rate")
    assert "customer churn" in shown
    assert "billing" in shown
    assert "user__plan" in run("dimensions", "--metric", "orders", "--metric", "sessions")
    assert "order__coupon" not in run("dimensions", "--metric", "orders", "--metric", "sessions")
    values = shop.instance.json("metrics", "values", "user__plan", "--project", "demo")
    assert {each["value"] for each in values} >= {"free", "pro", "enterprise"}
    assert "/pricing" in run("values", "page__path", "--project", "demo", "--like", "PRIC").split()


def test_metrics_without_a_dimension_in_common_are_told_by_time(shop: Shop) -> None:
    both = shop.instance.run("metrics", "dimensions", "-m", "new_users", "-m", "mrr")
    assert both.stdout == "new_users and mrr have none in common: together they are told by time alone.\n"
    alone = shop.instance.run("metrics", "dimensions", "-m", "stickiness")
    assert alone.stdout == "stickiness has no dimensions: it is told by time alone.\n"
    assert shop.instance.json("metrics", "dimensions", "-m", "new_users", "-m", "mrr") == []


def test_the_project_is_that_of_the_environment_where_none_is_named(shop: Shop) -> None:
    def orders(*more: str, **variables: str) -> object:
        asked = ("metrics", "query", "-m", "orders", *more, "--format", "json")
        return json.loads(shop.instance.run(*asked, **variables).stdout)["rows"]

    of_app, of_shop = orders("--project", "demo_mobile"), orders("--project", "demo")
    assert of_app != of_shop
    assert orders(MILLRACE_PROJECT="demo_mobile") == of_app
    assert orders("--project", "demo", MILLRACE_PROJECT="demo_mobile") == of_shop
    assert orders() == of_shop
    wrong = shop.instance.run("metrics", "query", "-m", "orders", MILLRACE_PROJECT="demo_mobil")
    assert wrong.returncode == 2
    assert "MILLRACE_PROJECT says so" in wrong.stderr


def test_a_share_is_of_the_total_whichever_rows_are_shown(shop: Shop) -> None:
    def rows(*more: str) -> list[list[Any]]:
        return list(shop.instance.json("metrics", "query", "--project", "demo", "-m", "orders", *more)["rows"])

    by = ("--by", "user__country")
    orders = dict(rows(*by))
    whole = sum(orders.values())
    assert len(orders) > 3
    shares = {country: pytest.approx(count / whole) for country, count in orders.items()}
    assert {country: share for country, _, share in rows(*by, "--share")} == shares
    first, second = sorted((name for name in orders if name), key=lambda name: (-orders[name], name))[:2]
    few = rows(*by, "--share", "--where", f"user__country in ('{second}', '{first}')", "--order", "-orders")
    assert few == [[first, orders[first], shares[first]], [second, orders[second], shares[second]]]
    others = rows(*by, "--share", "--where", f"user__country != '{first}'")
    assert {row[0]: row[2] for row in others} == {name: share for name, share in shares.items() if name != first}
    fewer = max(count for count in orders.values() if count < orders[first])
    top = rows(*by, "--share", "--having", f"orders < {orders[first]}", "--order", "-orders", "--limit", "1")
    assert [row[1:] for row in top] == [[fewer, pytest.approx(fewer / whole)]]
    # A condition on something else says of what the total is; of each month its own.
    of_free = dict(rows(*by, "--where", "user__plan = 'free'"))
    shown = rows(*by, "--share", "--where", f"user__plan = 'free' and user__country = '{first}'")
    assert shown == [[first, of_free[first], pytest.approx(of_free[first] / sum(of_free.values()))]]
    months = rows(*by, "--by", "month")
    per_month = {month: sum(row[2] for row in months if row[1] == month) for _, month, _ in months}
    for country, month, count, share in rows(*by, "--by", "month", "--share"):
        assert (country, share) == (country, pytest.approx(count / per_month[month]))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ((), "by nothing: group by a dimension"),
        (("--by", "user__country", "--compare", "previous", "--from", "2026-05-01"), "ask for one of them"),
        (("--by", "user__country", "-m", "sign_up_rate"), "sign_up_rate has no share of a total"),
    ],
)
def test_a_share_that_cannot_be(shop: Shop, more: tuple[str, ...], told: str) -> None:
    done = shop.instance.run("metrics", "query", "-m", "orders", "--share", *more)
    assert done.returncode == 2
    assert told in done.stderr


def test_looking_around_never_imports_metricflow(shop: Shop) -> None:
    code = """
import sys
from cli.main import app
try:
    app(sys.argv[1:], standalone_mode=False)
finally:
    print([name for name in ("metricflow", "metricflow_semantics", "dbt", "clickhouse_connect") if name in sys.modules])
"""
    shop.ask("orders")  # compiled before
    for words in (
        *(
            ("list",),
            ("list", "revenue"),
            ("show", "orders"),
            ("dimensions",),
            ("values", "user__plan", "--project", "demo"),
        ),
        ("query", "--project", "demo", "--metric", "orders"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, "metrics", *words],
            cwd=REPOSITORY,
            env=shop.instance.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "[]", words


def test_status_says_when_the_catalogue_is_behind(shop: Shop) -> None:
    assert shop.instance.json("status")["metrics"] == {"count": len(shop.catalogue.metrics), "behind": False}
    manifest = shop.settings.data_dir / "dbt" / "target" / "semantic_manifest.json"
    manifest.touch()
    assert shop.instance.json("status")["metrics"]["behind"] is True
    assert "as of an earlier build" in shop.instance.run("status").stdout
    assert shop.instance.run("metrics", "list").returncode == 0  # reads it anew
    assert shop.instance.json("status")["metrics"]["behind"] is False


def test_what_is_declared_is_in_order(shop: Shop) -> None:
    done = shop.instance.run("metrics", "validate", "--run", "--project", "demo", "revenue", "mrr", "sign_up_rate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 metrics compile and run" in done.stdout
