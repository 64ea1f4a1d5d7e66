"""Files of other sources into raw: exact whatever comes, however often, and whoever is killed on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.in_process import json_here, run_here
from tests.integration.tickets import counts, declare, is_there, lines, load, own_source, stored, ticket
from tests.support import MILLRACE, Instance

NAMES = ("customers", "subscriptions", "invoices", "marketing_spend", "nps_answers", "products", "currency_rates")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("sources") / "millrace") as own:
        own.up()
        yield own


def test_a_changed_row_takes_the_place_of_the_old_one(warehouse: Instance, tmp_path: Path) -> None:
    own_source(warehouse, "changed")
    first = lines(tmp_path / "a.jsonl", [ticket(n) for n in range(10)])
    assert counts(load(warehouse, "--file", f"changed={first}", "--project", "demo")) == (10, 10, 0, 0)
    later = [ticket(0, day=2, hours="100"), ticket(1), ticket(2, hours="7"), ticket(10)]
    assert counts(load(warehouse, "--file", f"changed={lines(tmp_path / 'b.jsonl', later)}", "--project", "demo")) == (
        *(4, 1, 2, 1),
    )
    hours = Decimal("100") + Decimal("1.25") + 7 + sum(Decimal(f"{n}.25") for n in range(3, 11))
    assert stored(warehouse, "changed") == [(11, 11, hours)]
    # An older version that comes late is no news; of two versions in one file the later row stands.
    again = [ticket(0, hours="1"), ticket(5, hours="1"), ticket(5, hours="2")]
    load(warehouse, "--file", f"changed={lines(tmp_path / 'c.jsonl', again)}", "--project", "demo")
    assert stored(warehouse, "changed") == [(11, 11, hours - Decimal("5.25") + 2)]
    # Back to what it was: a value that was there before is news again.
    load(warehouse, "--file", f"changed={lines(tmp_path / 'd.jsonl', [ticket(5)])}", "--project", "demo")
    assert stored(warehouse, "changed") == [(11, 11, hours)]


def test_rejected_rows_are_listed_in_groups_and_singly(warehouse: Instance, tmp_path: Path) -> None:
    own_source(warehouse, "listed")
    rows = [ticket(0), *(ticket(n, hours="many") for n in (1, 2, 3)), ticket(4, ticket_id=None)]
    path = lines(tmp_path / "listed.jsonl", rows)
    done = warehouse.run("sources", "load", "--file", f"listed={path}", "--project", "demo")
    assert "3 rows rejected: bad_value (`millrace sources rejected list`)." in done.stdout

    listing = ("sources", "rejected", "list", "--source", "listed")
    groups = json_here(warehouse, *listing)
    assert [(g["rows"], g["feed"], g["project"], g["reason"], g["detail"], g["origin"]) for g in groups] == [
        (3, "listed", "demo", "bad_value", "hours is not a number with at most 4 digits after the point", str(path)),
        (1, "listed", "demo", "missing_value", "ticket_id is absent", str(path)),
    ]
    singly = json_here(warehouse, *listing, "--rows", "--reason", "bad_value", "--project", "demo", "--feed", "listed")
    assert {json.loads(row["row"])["ticket_id"] for row in singly} == {"t1", "t2", "t3"}
    assert len(json_here(warehouse, *listing, "--rows", "--limit", "2")) == 2
    table = run_here(warehouse, *listing).stdout
    assert "4 rows in all." in table
    assert run_here(warehouse, *listing, "--project", "demo_mobile").stdout == "Nothing was rejected.\n"
    wrong = run_here(warehouse, *listing, "--reason", "bad_valu")
    assert (wrong.returncode, "did you mean 'bad_value'" in wrong.stderr) == (2, True)
    assert "there is no source 'listd'; did you mean 'listed'" in run_here(warehouse, *listing[:-1], "listd").stderr


def test_every_row_is_accepted_or_rejected_with_its_reason(warehouse: Instance, tmp_path: Path) -> None:
    own_source(warehouse, "judged")
    path = lines(
        tmp_path / "mixed.jsonl",
        [
            *(ticket(n) for n in range(5)),
            ticket(5, hours="many"),
            ticket(5, hours="many"),
            ticket(6, ticket_id=None),
            ticket(7, updated_at="2026-02-30T00:00:00Z"),
            ticket(8, project_id="nobody"),
        ],
    )
    with path.open("a") as file:
        file.write('{"ticket_id": \nnull\n')
    expected = {"bad_value": 3, "missing_value": 1, "unknown_project": 1, "unreadable": 2}
    for _ in range(2):  # the second time changes nothing
        result = load(warehouse, "--file", f"judged={path}", "--project", "demo")
        assert (result["received"], result["accepted"], result["rejected"]) == (12, 5, expected)
        rejected = warehouse.rows(
            "SELECT reason, detail, JSONExtractString(row, 'ticket_id'), origin FROM raw.source_rows_rejected FINAL "
            "WHERE source = 'judged' ORDER BY ALL"
        )
        assert rejected == [
            *[("bad_value", "hours is not a number with at most 4 digits after the point", "t5", str(path))] * 2,
            ("bad_value", "updated_at is not an instant like 2026-01-31T12:00:00.000Z", "t7", str(path)),
            ("missing_value", "ticket_id is absent", "", str(path)),
            ("unknown_project", "its project is not declared", "t8", str(path)),
            *[("unreadable", "it is no JSON object", "", str(path))] * 2,
        ]
    assert stored(warehouse, "judged") == [(5, 5, sum(Decimal(f"{n}.25") for n in range(5)))]


def test_columns_that_come_and_go_are_drift(warehouse: Instance, tmp_path: Path) -> None:
    own_source(warehouse, "drifting")

    def loaded(*rows: dict[str, Any]) -> None:
        load(warehouse, "--file", f"drifting={lines(tmp_path / 'a.jsonl', list(rows))}", "--project", "demo")

    def drift() -> set[tuple[str, str, int]]:
        rows = [row for row in json_here(warehouse, "sources", "drift") if row["source"] == "drifting"]
        return {(row["column"], row["kind"], row["loads"]) for row in rows}

    loaded(ticket(1, requester="a"))
    assert drift() == set()
    loaded(ticket(1, requester="a", Severity=3))
    loaded(ticket(2, severity="high"))  # another type: it is text, and no row is lost
    assert drift() == {("severity", "undeclared", 2), ("requester", "missing", 1)}
    assert warehouse.rows("SELECT ticket_id, severity, requester FROM raw.drifting FINAL ORDER BY 1") == [
        ("t1", "3", "a"),
        ("t2", "high", None),
    ]
    kind, comment = warehouse.rows(
        "SELECT type, comment FROM system.columns WHERE database = 'raw' AND table = 'drifting' AND name = 'severity'"
    )[0]
    assert (kind, comment) == ("Nullable(String)", "Not declared: text, as it came")
    loaded(ticket(3, requester="b"))
    assert drift() == set()
    assert warehouse.rows("SELECT count() FROM system.columns WHERE database = 'raw' AND name LIKE '%v_text'") == [(0,)]
    shown = run_here(warehouse, "sources", "drift").stdout
    assert "drifting" not in shown


def test_a_definition_may_change(warehouse: Instance, tmp_path: Path) -> None:
    """A column is declared that was text before; one whose values do not fit is refused; a key stays."""
    columns = {
        "ticket_id": {"type": "text", "required": True, "description": "Id"},
        "updated_at": {"type": "instant", "required": True, "description": "Last change"},
    }
    own_source(warehouse, "growing", columns=columns)
    path = lines(tmp_path / "a.jsonl", [ticket(n, seats=n, note="x") for n in range(3)])
    arguments = ("--file", f"growing={path}", "--project", "demo")
    load(warehouse, *arguments)
    declared = {**columns, "seats": {"type": "integer", "description": "How many"}}
    own_source(warehouse, "growing", columns=declared)
    lines(path, [ticket(n, seats=n + (n == 2), note="x") for n in range(4)])
    assert counts(load(warehouse, *arguments))[0] == 4
    assert warehouse.rows("SELECT sum(seats), toTypeName(any(seats)) FROM raw.growing FINAL") == [
        (0 + 1 + 3 + 3, "Nullable(Int64)")
    ]
    own_source(warehouse, "growing", columns={**declared, "note": {"type": "integer", "description": "Text"}})
    refused = warehouse.run("sources", "load", *arguments)
    assert refused.returncode == 1
    assert "raw.growing: note is Nullable(String) and cannot become Int64: 4 rows have another value" in refused.stderr
    own_source(warehouse, "growing", columns=columns, key=["ticket_id", "updated_at"])
    refused = warehouse.run("sources", "load", *arguments)
    assert "has the key (project_id, ticket_id), and its definition now says (project_id, ticket_id, updated_at)" in (
        refused.stderr
    )
    assert warehouse.rows("SELECT sum(seats) FROM raw.growing FINAL") == [(7,)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("ticket,updated_at\nt1,2026-03-01\n", "has no column 'ticket_id'"),
        ("", "is empty: it has no header"),
        ("ticket_id,Ticket ID,updated_at\n1,2,3\n", "would both be 'ticket_id'"),
    ],
)
def test_a_file_that_is_refused_leaves_nothing(warehouse: Instance, tmp_path: Path, content: str, said: str) -> None:
    own_source(warehouse, "refused")
    (tmp_path / "1.csv").write_text("ticket_id,updated_at\ngood,2026-03-01\n")
    (tmp_path / "2.csv").write_text(content)
    done = warehouse.run("sources", "load", "--file", f"refused={tmp_path}", "--project", "demo")
    assert done.returncode == 1
    assert said in done.stderr
    assert stored(warehouse, "refused")[0][0] == 0
    assert warehouse.rows("SELECT count() FROM raw.source_loads WHERE source = 'refused'") == [(0,)]


def test_a_feed_that_fails_does_not_keep_the_others(warehouse: Instance, tmp_path: Path) -> None:
    own_source(warehouse, "several")
    lines(warehouse.project_dir / "good.jsonl", [ticket(1)])
    feed = {"source": "several", "project": "demo"}
    declare(warehouse, bad={**feed, "file": "missing/*.csv"}, good={**feed, "file": "*.jsonl"})
    done = warehouse.run("sources", "load", "--format", "json")
    assert done.returncode == 1
    assert "bad: There is no file" in done.stderr
    assert [(r["feed"], r["accepted"], r["error"] != "") for r in json.loads(done.stdout)] == [
        ("bad", 0, True),
        ("good", 1, False),
    ]
    assert "There is no feed 'goood'" in warehouse.run("sources", "load", "goood").stderr
    assert warehouse.run("sources", "load", "good", "--file", "a=b").returncode == 2


def test_rows_that_name_their_project_are_not_those_of_several(warehouse: Instance, tmp_path: Path) -> None:
    own_source(warehouse, "owned")
    path = lines(tmp_path / "a.jsonl", [ticket(1, project_id="demo")])
    refused = warehouse.run(
        *("sources", "load", "--file", f"owned={path}", "--project", "demo", "--project", "demo_mobile")
    )
    assert refused.returncode == 1
    assert "its rows cannot be those of several projects" in refused.stderr


@pytest.mark.parametrize("cut", range(5))
def test_a_load_that_is_killed_and_run_again_is_exact(warehouse: Instance, tmp_path: Path, cut: int) -> None:
    """kill -9 of the loader at the first sign of its working folder, of extracted rows, of its table, of its rows."""
    name = f"killed{cut}"
    own_source(warehouse, name)
    path = lines(tmp_path / "a.jsonl", [ticket(n) for n in range(20_000)] + [ticket(n, hours="x") for n in range(500)])
    folder = warehouse.data_dir / "loads" / "sources"

    def reached() -> bool:
        if cut == 0:
            return any(folder.iterdir())
        if cut == 1:
            return is_there(folder, "extracted", ".parquet")
        if cut == 2:
            return is_there(folder, "started_jobs", "")
        table = "source_rows_rejected" if cut == 3 else name
        where = f"WHERE source = '{name}'" if cut == 3 else ""
        return int(warehouse.rows(f"SELECT count() FROM raw.{table} {where}")[0][0]) > 0

    folder.mkdir(parents=True, exist_ok=True)
    warehouse.run("sources", "load", "--file", f"{name}={lines(tmp_path / 'none.jsonl', [])}", "--project", "demo")
    loader = subprocess.Popen(
        [MILLRACE, "sources", "load", "--file", f"{name}={path}", "--project", "demo"],
        env=warehouse.environment,
        stdout=subprocess.DEVNULL,
    )
    while loader.poll() is None and not reached():
        time.sleep(0.002)
    loader.send_signal(signal.SIGKILL)
    loader.wait()
    result = load(warehouse, "--file", f"{name}={path}", "--project", "demo")
    assert (result["accepted"], result["rejected"]) == (20_000, {"bad_value": 500})
    assert stored(warehouse, name) == [(20_000, 20_000, sum(Decimal(f"{n}.25") for n in range(20_000)))]
    assert warehouse.rows(f"SELECT count() FROM raw.source_rows_rejected FINAL WHERE source = '{name}'") == [(500,)]
    assert list(folder.iterdir()) == []


def test_two_loaders_at_once_lose_and_double_nothing(warehouse: Instance, tmp_path: Path) -> None:
    """Two on the same file, a third on one that shares half of the keys; the first load ever of this source."""
    own_source(warehouse, "shared")
    rows = [ticket(n, extra=n) for n in range(20_000)]
    left = lines(tmp_path / "left.jsonl", [*rows, ticket(1, hours="x")])
    right = lines(tmp_path / "right.jsonl", [ticket(n, other=n) for n in range(10_000, 30_000)])
    loaders = [
        subprocess.Popen(
            [MILLRACE, "sources", "load", "--file", f"shared={path}", "--project", "demo"],
            env=warehouse.environment,
            stdout=subprocess.DEVNULL,
        )
        for path in (left, left, right)
    ]
    assert [loader.wait() for loader in loaders] == [0, 0, 0]
    assert stored(warehouse, "shared") == [(30_000, 30_000, sum(Decimal(f"{n}.25") for n in range(30_000)))]
    assert warehouse.rows("SELECT count() FROM raw.source_rows_rejected FINAL WHERE source = 'shared'") == [(1,)]


def test_the_first_loads_of_a_warehouse_may_run_at_once(instance: Instance, tmp_path: Path) -> None:
    instance.up()
    own_source(instance, "first")
    path = lines(tmp_path / "a.jsonl", [ticket(n) for n in range(100)])
    loaders = [
        subprocess.Popen(
            [MILLRACE, "sources", "load", "--file", f"first={path}", "--project", "demo"],
            env=instance.environment,
            stdout=subprocess.DEVNULL,
        )
        for _ in range(4)
    ]
    assert [loader.wait() for loader in loaders] == [0] * 4
    assert stored(instance, "first")[0][:2] == (100, 100)


def test_the_sources_are_listed_and_shown(warehouse: Instance) -> None:
    own_source(warehouse, "listed")
    declare(warehouse, some_feed={"source": "listed", "project": "demo", "file": "x.csv"})
    listed = {row["name"]: row for row in json_here(warehouse, "sources", "list")}
    assert set(NAMES) < set(listed)
    assert (listed["listed"]["feeds"], listed["listed"]["lag_seconds"]) == (["some_feed"], 86400)
    shown = json_here(warehouse, "sources", "show", "listed")
    assert shown["key"] == ["project_id", "ticket_id"]
    assert [c["column_type"] for c in shown["columns"] if c["name"] == "hours"] == ["Nullable(Decimal(18, 4))"]
    assert "One row per project_id, ticket_id; read from the last updated_at on, and 1 day before it." in (
        run_here(warehouse, "sources", "show", "listed").stdout
    )
    assert "did you mean 'customers'" in run_here(warehouse, "sources", "show", "custmers").stderr
    declare(warehouse)
    assert "nothing to load" in warehouse.run("sources", "load").stderr
