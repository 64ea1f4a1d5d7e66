"""A REST API and a SQL database: read to the end, then from the cursor on; and what is late, wrong or secret there."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.tickets import counts, declare, is_there, load, own_source, stored, ticket
from tests.support import MILLRACE, Instance

TOKEN = "s3cret/token+with signs"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("sources") / "millrace") as own:
        own.up()
        yield own


class Api:
    """An API as they are: pages behind a cursor, a bearer token, a filter by time."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.requests: list[dict[str, str]] = []
        self.page = 7
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
                if self.headers["Authorization"] != f"Bearer {TOKEN}":
                    self.answer(401, {"error": f"no such token: {self.headers['Authorization']}"})
                    return
                api.requests.append(query)
                rows = [row for row in api.rows if row["updated_at"] >= query.get("since", "")]
                start = int(query.get("after", 0))
                more = start + api.page if start + api.page < len(rows) else None
                self.answer(200, {"data": {"items": rows[start : start + api.page]}, "next": more and str(more)})

            def answer(self, status: int, body: Any) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *arguments: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def feed(self, source: str) -> dict[str, Any]:
        return {
            "source": source,
            "project": "demo",
            "rest": {
                "base_url": f"http://127.0.0.1:{self.server.server_port}/v1",
                "path": "tickets",
                "data": "data.items",
                "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "after"},
                "params": {"kind": "all"},
                "auth": {"type": "bearer", "token": {"secret": "ticket_token"}},
                "since": "since",
            },
        }


@pytest.fixture
def api(warehouse: Instance) -> Iterator[Api]:
    warehouse.variables["MILLRACE_SECRET_TICKET_TOKEN"] = TOKEN
    own = Api()
    yield own
    own.server.shutdown()
    own.server.server_close()


def api_ticket(number: int, day: int = 1, **changes: Any) -> dict[str, Any]:
    row = ticket(number, day, **changes)
    return {**row, "updated_at": row["updated_at"].replace("+00:00", "Z")}


def test_an_api_is_read_to_its_last_page_and_then_from_the_cursor_on(warehouse: Instance, api: Api) -> None:
    own_source(warehouse, "by_api")
    declare(warehouse, tickets=api.feed("by_api"))
    api.rows = [api_ticket(n, day=1 + n) for n in range(20)]
    assert counts(load(warehouse, "tickets")) == (20, 20, 0, 0)
    assert [query.get("after", "") for query in api.requests] == ["", "7", "14"]
    assert all(query["kind"] == "all" and "since" not in query for query in api.requests)
    # One changed, one new: what is before the cursor less the lag of a day is not asked for again.
    api.requests.clear()
    api.rows[3] = api_ticket(3, day=21)
    api.rows.append(api_ticket(20, day=21))
    assert counts(load(warehouse, "tickets")) == (3, 1, 1, 1)
    assert api.requests[0]["since"] == "2026-03-19T00:19:00.000Z"
    assert stored(warehouse, "by_api") == [(21, 21, sum(Decimal(f"{n}.25") for n in range(21)))]
    # Nothing new: the rows at the cursor and within the lag come again, and nothing changes.
    assert counts(load(warehouse, "tickets")) == (2, 0, 0, 2)


def test_a_late_row_inside_the_lag_is_found_and_one_outside_only_by_a_full_load(warehouse: Instance, api: Api) -> None:
    own_source(warehouse, "late")
    declare(warehouse, late=api.feed("late"))
    api.rows = [api_ticket(1, day=10)]
    load(warehouse, "late")
    api.rows += [api_ticket(2, day=9, updated_at="2026-03-09T12:00:00.000Z"), api_ticket(3, day=5)]
    assert counts(load(warehouse, "late")) == (2, 1, 0, 1)
    assert {row[0] for row in warehouse.rows("SELECT ticket_id FROM raw.late FINAL")} == {"t1", "t2"}
    assert counts(load(warehouse, "late", "--full")) == (3, 1, 0, 2)
    # After it the cursor is where it was, not at the row that came last.
    assert counts(load(warehouse, "late")) == (2, 0, 0, 2)


def test_a_row_of_the_future_does_not_hide_those_still_to_come(warehouse: Instance, api: Api) -> None:
    own_source(warehouse, "future")
    declare(warehouse, future=api.feed("future"))
    api.rows = [api_ticket(1, updated_at="2199-01-01T00:00:00.000Z")]
    load(warehouse, "future")
    now = datetime.now(UTC) + timedelta(minutes=5)
    api.rows.append(api_ticket(2, updated_at=now.isoformat(timespec="milliseconds").replace("+00:00", "Z")))
    assert counts(load(warehouse, "future")) == (2, 1, 0, 1)


def test_rows_of_an_api_that_do_not_fit_are_rejected_and_do_not_move_the_cursor(warehouse: Instance, api: Api) -> None:
    own_source(warehouse, "poor")
    declare(warehouse, poor=api.feed("poor"))
    api.rows = [api_ticket(1), api_ticket(2, updated_at="zzz"), api_ticket(3, hours={"a": 1}), {"updated_at": ""}]
    result = load(warehouse, "poor")
    assert result["rejected"] == {"bad_value": 2, "missing_value": 1}
    api.rows.append(api_ticket(4, day=2))
    assert load(warehouse, "poor")["new"] == 1
    assert api.requests[-1]["since"].startswith("2026-02-28T")


def test_a_secret_is_in_no_error(warehouse: Instance, api: Api) -> None:
    own_source(warehouse, "secretive")
    declare(warehouse, secretive=api.feed("secretive"))
    warehouse.variables["MILLRACE_SECRET_TICKET_TOKEN"] = "wrong-token"
    for arguments in (("sources", "load"), ("--debug", "sources", "load")):
        refused = warehouse.run(*arguments)
        assert refused.returncode == 1
        assert "401" in refused.stderr
        assert "wrong-token" not in refused.stdout + refused.stderr
    del warehouse.variables["MILLRACE_SECRET_TICKET_TOKEN"]
    unset = warehouse.run("sources", "load")
    assert "The secret 'ticket_token' is not set." in unset.stderr
    assert "MILLRACE_SECRET_TICKET_TOKEN" in unset.stderr


@pytest.fixture
def database(warehouse: Instance, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "support.db"
    warehouse.variables["MILLRACE_SECRET_SUPPORT_DATABASE"] = f"sqlite:///{path}"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(
        "CREATE TABLE tickets (id TEXT PRIMARY KEY, hours NUMERIC, private TEXT, changed TIMESTAMP, extra BLOB)"
    )
    yield connection
    connection.close()
    del warehouse.variables["MILLRACE_SECRET_SUPPORT_DATABASE"]


def sql_feed(source: str, **changes: Any) -> dict[str, Any]:
    sql = {"url": {"secret": "support_database"}, "table": "tickets", "columns": ["id", "hours", "changed"], **changes}
    return {"source": source, "project": "demo", "sql": sql, "rename": {"id": "ticket_id", "changed": "updated_at"}}


def put(database: sqlite3.Connection, number: int, changed: str) -> None:
    database.execute(
        "INSERT OR REPLACE INTO tickets VALUES (?, ?, 'hush', ?, x'00ff')", (f"t{number}", number + 0.25, changed)
    )


def test_a_table_of_a_database_is_read_and_then_from_the_cursor_on(
    warehouse: Instance, database: sqlite3.Connection
) -> None:
    own_source(warehouse, "by_sql")
    declare(warehouse, tickets=sql_feed("by_sql"))
    for number in range(30):
        put(database, number, f"2026-03-{1 + number:02} 10:00:00.000000")
    assert counts(load(warehouse)) == (30, 30, 0, 0)
    put(database, 5, "2026-03-30 11:00:00.000000")
    put(database, 30, "2026-03-30 12:00:00.000000")
    assert counts(load(warehouse)) == (4, 1, 1, 2)
    assert stored(warehouse, "by_sql") == [(31, 31, sum(Decimal(f"{n}.25") for n in range(31)))]
    put(database, 31, "2026-03-29 12:00:01.000000")  # late, inside the lag
    put(database, 32, "2026-03-20 00:00:00.000000")  # late, outside
    assert counts(load(warehouse)) == (4, 1, 0, 3)
    assert counts(load(warehouse, "--full")) == (33, 1, 0, 32)
    assert warehouse.rows(
        "SELECT count() FROM system.columns WHERE table = 'by_sql' AND name IN ('private', 'extra')"
    ) == [(0,)]


def test_a_database_that_does_not_answer_as_declared(warehouse: Instance, database: sqlite3.Connection) -> None:
    own_source(warehouse, "no_sql")
    put(database, 1, "2026-03-01 10:00:00.000000")
    for feed, said in (
        (sql_feed("no_sql", table="tikets"), "tikets"),
        (sql_feed("no_sql", columns=["id", "hours"]), "has no column 'updated_at'"),
    ):
        declare(warehouse, broken=feed)
        refused = warehouse.run("sources", "load")
        assert refused.returncode == 1
        assert said in refused.stderr
    warehouse.variables["MILLRACE_SECRET_SUPPORT_DATABASE"] = "postgresql+nodriver://anna:hush-hush@nowhere.invalid/x"
    refused = warehouse.run("--debug", "sources", "load")
    assert refused.returncode == 1
    assert "hush-hush" not in refused.stdout + refused.stderr


def test_a_feed_that_reads_elsewhere_or_whose_table_is_gone_begins_anew(warehouse: Instance, api: Api) -> None:
    own_source(warehouse, "moved")
    declare(warehouse, moved=api.feed("moved"))
    api.rows = [api_ticket(n, day=1 + n) for n in range(10)]
    assert load(warehouse, "moved")["received"] == 10
    elsewhere = api.feed("moved")
    elsewhere["rest"]["path"] = "other/tickets"
    declare(warehouse, moved=elsewhere)
    assert load(warehouse, "moved")["received"] == 10
    assert load(warehouse, "moved")["received"] == 1
    warehouse.client().command("DROP TABLE raw.moved")
    assert counts(load(warehouse, "moved")) == (10, 10, 0, 0)


def test_an_api_load_that_is_killed_has_not_moved_the_cursor(warehouse: Instance, api: Api) -> None:
    own_source(warehouse, "cut_off")
    declare(warehouse, cut_off=api.feed("cut_off"))
    api.page = 1000
    api.rows = [api_ticket(0)]
    load(warehouse)
    api.rows += [api_ticket(n) for n in range(1, 10_000)]  # of a week: more than the lag
    folder = warehouse.data_dir / "loads" / "sources"
    loader = subprocess.Popen([MILLRACE, "sources", "load"], env=warehouse.environment, stdout=subprocess.DEVNULL)
    while loader.poll() is None and not is_there(folder, "started_jobs", ""):
        time.sleep(0.002)
    loader.send_signal(signal.SIGKILL)
    loader.wait()
    assert load(warehouse)["received"] == 10_000
    assert stored(warehouse, "cut_off")[0][:2] == (10_000, 10_000)
