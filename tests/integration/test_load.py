"""Loading files of events: every line accounted for, each file exactly once, whatever is killed on the way."""

from __future__ import annotations

import csv
import gzip
import hmac
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from ipaddress import IPv6Address
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.loading import event, loaded, stored, write_lines
from tests.support import MILLRACE, Instance


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("load") / "millrace") as own:
        own.up()
        yield own


def test_the_same_events_in_every_format_are_the_same_rows(warehouse: Instance, tmp_path: Path) -> None:
    rows = {}
    for kind in ("jsonl", "gz", "parquet", "csv"):
        events = [event(number, kind) for number in range(500)]
        path = tmp_path / f"events.{'jsonl.gz' if kind == 'gz' else kind}"
        if kind in ("jsonl", "gz"):
            write_lines(path, events)
        else:
            flat = [
                {**e, "properties": json.dumps(e["properties"]), "context": json.dumps(e["context"])} for e in events
            ]
            if kind == "parquet":
                pq.write_table(pa.Table.from_pylist(flat), path)
            else:
                with path.open("w", newline="") as file:
                    writer = csv.DictWriter(file, flat[0])
                    writer.writeheader()
                    writer.writerows(flat)
        result = loaded(warehouse, path)
        assert (result["received"], result["accepted"], result["rejected"]) == (500, 500, {})
        rows[kind] = warehouse.rows(
            "SELECT replaceOne(event_id, splitByChar('-', event_id)[1], ''), event, message_type, user_id, timestamp, "
            "original_timestamp, sent_at, received_at, toJSONString(properties), toJSONString(context) "
            f"FROM raw.events WHERE startsWith(event_id, '{kind}-') ORDER BY 1"
        )
    assert rows["jsonl"] == rows["gz"] == rows["parquet"] == rows["csv"]
    assert len(rows["jsonl"]) == 500
    # Corrected by hand: sent five seconds before it was received, by a clock that is five seconds late.
    first = next(row for row in rows["jsonl"] if row[0] == "-0")
    assert (first[4] - first[5]).total_seconds() == 5


def test_a_view_is_one_also_where_the_line_does_not_say_so(warehouse: Instance, tmp_path: Path) -> None:
    said = [
        ("page_viewed", None, "page"),
        ("screen_viewed", None, "screen"),
        ("page_viewed", "track", "track"),  # what a line says holds
        ("signed_up", None, "track"),
        ("identify", None, "track"),  # what is said of people is only what says so
        ("nobody_knows_it", None, "track"),
    ]
    events = [event(number, "view", event=name, message_type=kind) for number, (name, kind, _) in enumerate(said)]
    for line in events:
        if line["message_type"] is None:
            del line["message_type"]
    assert loaded(warehouse, write_lines(tmp_path / "views.jsonl", events))["accepted"] == len(said)
    stored_ = warehouse.rows(
        "SELECT event, toString(message_type) FROM raw.events WHERE startsWith(event_id, 'view-') ORDER BY event_id"
    )
    assert stored_ == [(name, kind) for name, _, kind in said]


def test_a_parquet_file_with_native_timestamps(warehouse: Instance, tmp_path: Path) -> None:
    events = [event(number, "native") for number in range(10)]
    table = pa.Table.from_pylist([{k: v for k, v in e.items() if isinstance(v, str)} for e in events])
    instants = pa.array([1767261600123 + n for n in range(10)], pa.timestamp("ms", tz="UTC"))
    table = table.set_column(table.schema.get_field_index("original_timestamp"), "original_timestamp", instants)
    pq.write_table(table, tmp_path / "native.parquet")
    assert loaded(warehouse, tmp_path / "native.parquet")["accepted"] == 10
    assert warehouse.rows(
        "SELECT toUnixTimestamp64Milli(min(original_timestamp)) FROM raw.events WHERE startsWith(event_id, 'native-')"
    ) == [(1767261600123,)]


def test_a_file_is_loaded_once_also_under_another_name(warehouse: Instance, tmp_path: Path) -> None:
    events = [event(number, "once") for number in range(100)]
    original, copy = write_lines(tmp_path / "a.jsonl", events), write_lines(tmp_path / "b.jsonl", events)
    assert loaded(warehouse, original)["accepted"] == 100
    for path in (original, copy):
        again = loaded(warehouse, path)
        assert (again["received"], again["loaded_before"]) == (0, [str(path)])
    assert stored(warehouse, "once") == (100, 100)


def test_a_large_file_is_cut_into_pieces_and_arrives_whole(warehouse: Instance, tmp_path: Path) -> None:
    """More lines than a block of the server, and sent a second time as after a crash that lost the ledger."""
    path = tmp_path / "large.jsonl"
    with path.open("w") as file:
        for number in range(1_200_000):
            day = f"2026-01-0{1 + number % 9}T00:00:00Z"
            file.write(f'{{"event_id":"large-{number}","event":"x","user_id":"u","timestamp":"{day}"}}\n')
    assert loaded(warehouse, path, project="demo")["accepted"] == 1_200_000
    warehouse.client().command("TRUNCATE TABLE raw.loaded_files")
    assert loaded(warehouse, path, project="demo")["accepted"] == 1_200_000
    assert stored(warehouse, "large") == (1_200_000, 1_200_000)


def faulty_lines() -> list[tuple[bytes, str]]:
    """Lines and the reason each must be rejected for; '' for those to be accepted."""
    fine = json.dumps(event(0, "fuzz")).encode()
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    many = {f"p{n}": n for n in range(10_000)}
    return [
        (fine, ""),
        (b"\xef\xbb\xbf" + fine, ""),
        (b"{broken", "invalid_json"),
        (b"null", "invalid_json"),
        (b"[1, 2]", "invalid_json"),
        (b"\x00\x01\x02\xff\xfe", "invalid_json"),
        ("{'event': 'ä'}".encode("latin-1"), "invalid_json"),
        (deep, "invalid_json"),
        (fine.replace(b'"number": 0', b'"number": NaN'), "invalid_json"),
        (json.dumps(event(1, "fuzz", properties={"x": "y" * 33_000})).encode(), "too_large"),
        (b'{"x": "' + b"y" * 3_000_000 + b'"}', "too_large"),
        (json.dumps(event(2, "fuzz", properties=many, context={}))[:-1].encode() + b"}", "too_large"),
        (json.dumps(event(3, "fuzz", event="")).encode(), "missing_event"),
        (json.dumps(event(4, "fuzz", user_id="")).encode(), "missing_identity"),
        (json.dumps(event(5, "fuzz", original_timestamp="yesterday")).encode(), "bad_timestamp"),
        (json.dumps(event(6, "fuzz", original_timestamp="0001-01-01T00:00:00.000Z")).encode(), "bad_timestamp"),
        (json.dumps(event(7, "fuzz", original_timestamp="2099-01-01T00:00:00.000Z")).encode(), "future_timestamp"),
        (json.dumps(event(10, "fuzz", original_timestamp="9999-01-01T00:00:00.000Z")).encode(), "bad_timestamp"),
        (json.dumps(event(8, "fuzz", project_id="nobody")).encode(), "unknown_project"),
        (
            json.dumps(event(9, "fuzz", event="order_completed", properties={"revenue": "much"})).encode(),
            "schema_violation",
        ),
    ]


def test_every_line_of_a_faulty_file_has_its_verdict(warehouse: Instance, tmp_path: Path) -> None:
    lines = faulty_lines()
    path = tmp_path / "faulty.jsonl"
    path.write_bytes(b"\n\r\n" + b"\r\n".join(line for line, _ in lines) + b"\n\n")
    result = loaded(warehouse, path, dialect="canonical")
    expected: dict[str, int] = {}
    for _, reason in lines:
        expected[reason] = expected.get(reason, 0) + 1
    assert result["accepted"] == expected.pop("")
    assert result["rejected"] == expected
    assert result["received"] == len(lines)
    kept = {
        row[0] for row in warehouse.rows("SELECT line FROM raw.events_rejected WHERE source = 'canonical:faulty.jsonl'")
    }
    assert len(kept) == len(lines) - 2  # two are accepted
    assert "{broken" in kept
    assert "x" * 10 not in kept


def test_random_bytes_lose_no_line(warehouse: Instance, tmp_path: Path) -> None:
    random = Random(11)
    lines = [
        bytes(random.choices([b for b in range(256) if b not in (10, 13)], k=random.randint(1, 400)))
        for _ in range(3000)
    ]
    (tmp_path / "noise.jsonl").write_bytes(b"\n".join(lines))
    result = loaded(warehouse, tmp_path / "noise.jsonl", dialect="canonical")
    assert (result["received"], result["accepted"]) == (3000, 0)
    assert sum(result["rejected"].values()) == 3000


def test_a_gzip_that_breaks_off_gives_what_can_be_read(warehouse: Instance, tmp_path: Path) -> None:
    random = Random(5)
    events = [event(n, "cut", properties={"noise": str(random.random())}) for n in range(5000)]
    whole = gzip.compress("".join(json.dumps(e) + "\n" for e in events).encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) * 2 // 3])
    result = loaded(warehouse, tmp_path / "cut.jsonl.gz")
    assert 3000 < result["accepted"] < 4000
    assert 1 <= sum(result["rejected"].values()) <= 2  # the line that is cut, and the mark of the break
    assert stored(warehouse, "cut") == (result["accepted"], result["accepted"])


def test_gzip_members_one_after_another_and_gzip_without_its_name(warehouse: Instance, tmp_path: Path) -> None:
    halves = [
        b"".join(json.dumps(event(n, "members")).encode() + b"\n" for n in part) for part in (range(10), range(10, 30))
    ]
    (tmp_path / "members.jsonl").write_bytes(b"".join(gzip.compress(half) for half in halves))
    assert loaded(warehouse, tmp_path / "members.jsonl")["accepted"] == 30


def test_events_without_an_id_get_the_same_one_each_time(warehouse: Instance, tmp_path: Path) -> None:
    bare = {k: v for k, v in event(1, properties={"bare": True}).items() if k != "event_id"}
    write_lines(tmp_path / "bare1.jsonl", [bare])
    write_lines(
        tmp_path / "bare2.jsonl",
        [{**bare, "received_at": "2026-06-30T11:00:00.000Z", "sent_at": "2026-06-30T10:59:55.000Z"}],
    )
    loaded(warehouse, tmp_path / "bare1.jsonl", tmp_path / "bare2.jsonl")
    ids = warehouse.rows(
        "SELECT count(), uniqExact(event_id), min(length(event_id)) FROM raw.events "
        "WHERE toString(properties.bare) = 'true'"
    )
    assert ids == [(2, 1, 32)]


def test_a_dialect_finds_its_project_by_its_write_key(warehouse: Instance, tmp_path: Path) -> None:
    added = warehouse.run("projects", "add", "keyed").stdout
    warehouse.run("migrate")
    key = added.rsplit(maxsplit=1)[1]
    payload = {
        "type": "track",
        "event": "Gadget Turned",
        "userId": "u1",
        "messageId": "m-1",
        "timestamp": "2026-03-01T10:00:00.000Z",
        "sentAt": "2026-03-01T10:00:00.000Z",
        "properties": {"product_id": "p1"},
    }
    mine, theirs = {**payload, "writeKey": key}, {**payload, "messageId": "m-2", "writeKey": "mk_unknown"}
    write_lines(
        tmp_path / "segment.jsonl", [{"batch": [mine], "writeKey": key}, {"batch": [theirs], "writeKey": "mk_unknown"}]
    )
    result = loaded(warehouse, tmp_path / "segment.jsonl", dialect="segment")
    assert (result["accepted"], result["rejected"]) == (1, {"unknown_project": 1})
    assert warehouse.rows("SELECT project_id, event, user_id FROM raw.events WHERE event_id = 'm-1'") == [
        ("keyed", "gadget_turned", "u1")
    ]
    assert warehouse.rows("SELECT count() FROM raw.events WHERE toJSONString(properties) LIKE '%mk_%'") == [(0,)]


def test_an_undeclared_project_is_rejected_unless_a_setting_accepts_it(warehouse: Instance, tmp_path: Path) -> None:
    lines = [event(n, "stranger", project_id="nobody_knows") for n in range(3)]
    refused = loaded(warehouse, write_lines(tmp_path / "stranger.jsonl", lines))
    assert (refused["accepted"], refused["rejected"]) == (0, {"unknown_project": 3})
    more = write_lines(tmp_path / "more.jsonl", [*lines, event(3, "stranger", project_id="nobody_knows")])
    done = warehouse.run("load", str(more), MILLRACE_ACCEPT_UNKNOWN_PROJECTS="1")
    assert done.returncode == 0, done.stderr
    assert stored(warehouse, "stranger") == (4, 4)


def _keyed(salt: bytes, address: str) -> str:
    return hmac.new(salt, IPv6Address(address).packed, "sha256").hexdigest()[:32]


def test_an_address_is_made_private_before_it_is_stored(warehouse: Instance, tmp_path: Path) -> None:
    """demo is standard, demo_mobile strict; nothing else of the context changes."""
    salt = warehouse.rows("SELECT salt FROM vault.salts WHERE project_id = 'demo_mobile'")[0][0].encode()
    v4, v6 = "203.0.113.77", "2001:db8:1:2:3:4:5:6"
    cases = {
        ("demo", v4): "203.0.113.0",
        ("demo", v6): "2001:db8:1::",
        ("demo", "no address"): "",
        ("demo_mobile", v4): _keyed(salt, f"::ffff:{v4}"),
        ("demo_mobile", v6): _keyed(salt, v6),
    }
    events = [
        event(n, "ip", project_id=project, context={"page": {"title": 'a "b" {c}'}, "ip": ip, "locale": "de"})
        for n, (project, ip) in enumerate(cases)
    ]
    write_lines(tmp_path / "ip.jsonl", events)
    assert loaded(warehouse, tmp_path / "ip.jsonl")["accepted"] == len(cases)
    found = warehouse.rows(
        "SELECT context.ip, context.page.title, context.locale FROM raw.events WHERE startsWith(event_id, 'ip-') "
        "ORDER BY event_id"
    )
    assert found == [(kept, 'a "b" {c}', "de") for kept in cases.values()]


@pytest.mark.parametrize("cut", range(6))
def test_a_load_that_is_killed_and_run_again_is_exact(warehouse: Instance, tmp_path: Path, cut: int) -> None:
    """kill -9 of the loader: before the first piece, after some of them, after the last."""
    prefix = f"kill{cut}"
    for number in range(8):
        write_lines(
            tmp_path / f"{number}.jsonl", [event(n, prefix) for n in range(number * 1000, number * 1000 + 1000)]
        )
    before = warehouse.rows("SELECT count() FROM raw.load_counts")[0][0]
    loader = subprocess.Popen([MILLRACE, "load", tmp_path], env=warehouse.environment, stderr=subprocess.DEVNULL)
    pieces = (0, 1, 2, 4, 6, 8)[cut]
    while warehouse.rows("SELECT count() FROM raw.load_counts")[0][0] - before < pieces and loader.poll() is None:
        time.sleep(0.002)
    loader.send_signal(signal.SIGKILL)
    loader.wait()
    result = loaded(warehouse, tmp_path)
    assert result["received"] + 1000 * len(result["loaded_before"]) == 8000
    assert stored(warehouse, prefix) == (8000, 8000)
    files = f"SELECT file_id FROM raw.loaded_files WHERE startsWith(path, '{tmp_path}/')"
    assert warehouse.rows(f"SELECT sum(lines) FROM raw.load_counts WHERE file_id IN ({files})") == [(8000,)]


@pytest.mark.parametrize("pieces", [1, 3, 5])
def test_a_server_killed_during_a_load_loses_and_doubles_nothing(
    warehouse: Instance, tmp_path: Path, pieces: int
) -> None:
    prefix = f"server{pieces}"
    for number in range(8):
        write_lines(
            tmp_path / f"{number}.jsonl", [event(n, prefix) for n in range(number * 2000, number * 2000 + 2000)]
        )
    before = warehouse.rows("SELECT count() FROM raw.load_counts")[0][0]
    command = [MILLRACE, "load", tmp_path]
    loader = subprocess.Popen(command, env=warehouse.environment, stderr=subprocess.PIPE, text=True)
    while warehouse.rows("SELECT count() FROM raw.load_counts")[0][0] - before < pieces and loader.poll() is None:
        time.sleep(0.002)
    os.kill(warehouse.state.server_pid, signal.SIGKILL)
    _, said = loader.communicate()
    # Whoever waits for a server that comes back need not see how.
    assert "Traceback" not in said
    assert "Unexpected" not in said
    deadline = time.monotonic() + 60
    while warehouse.run("status").returncode != 0:
        assert time.monotonic() < deadline
    loaded(warehouse, tmp_path)
    assert stored(warehouse, prefix) == (16000, 16000)


def test_two_loaders_at_once_lose_and_double_nothing(warehouse: Instance, tmp_path: Path) -> None:
    loaders = []
    for side in ("left", "right"):
        for number in range(6):
            (tmp_path / side).mkdir(exist_ok=True)
            write_lines(
                tmp_path / side / f"{number}.jsonl", [event(n, side) for n in range(number * 500, number * 500 + 500)]
            )
        loaders.append(subprocess.Popen([MILLRACE, "load", tmp_path / side], env=warehouse.environment))
    # And a third on the files of the first.
    loaders.append(subprocess.Popen([MILLRACE, "load", tmp_path / "left"], env=warehouse.environment))
    assert [loader.wait() for loader in loaders] == [0, 0, 0]
    assert stored(warehouse, "left") == (3000, 3000)
    assert stored(warehouse, "right") == (3000, 3000)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.jsonl",), "There is no file or folder nowhere.jsonl."),
        (("{}/a.jsonl", "--dialect", "segmnt"), "there is no dialect 'segmnt'; did you mean 'segment'"),
        (("{}/a.jsonl", "--project", "dmo"), "did you mean 'demo'"),
        (("{}/a.parquet",), "is not a Parquet file that can be read"),
        (("{}/a.csv",), "has no column `event`; did you mean 'events'"),
        (("{}/empty",), "There is no file in the folder"),
        (("{}/pipe",), "/pipe is neither a file nor a folder."),
        (("{}/linked",), "/linked/a.jsonl is a link to a file that is not there."),
        (("/proc/self/mem",), "/proc/self/mem cannot be read: Input/output error."),
    ],
)
def test_what_cannot_be_loaded_is_said_and_nothing_is_loaded(
    warehouse: Instance, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    write_lines(tmp_path / "a.jsonl", [event(1, "refused")])
    (tmp_path / "a.parquet").write_text("PAR1 not really")
    (tmp_path / "a.csv").write_text("events,user_id\nx,y\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "a.jsonl").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    done = warehouse.run("load", *(argument.format(tmp_path) for argument in arguments))
    assert done.returncode == 1
    assert said in done.stderr
    assert stored(warehouse, "refused") == (0, 0)


def test_a_file_that_is_none_of_events_is_left_out_and_the_others_are_loaded(
    warehouse: Instance, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_lines(folder / "a.jsonl", [event(1, "mixed")])
    (folder / "b.json").write_text('{"hello": "world"}')
    (folder / "c.csv").write_text("events,user_id\nx,y\n")
    (folder / "d.parquet").write_text("PAR1 not really")
    write_lines(folder / "e.jsonl", [event(2, "mixed")])
    dry = warehouse.run("load", str(folder), "--dry-run", "--format", "json")
    assert (dry.returncode, json.loads(dry.stdout)["accepted"]) == (1, 2)
    done = warehouse.run("load", str(folder), "--format", "json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["received"], told["accepted"]) == (2, 2)
    why = {Path(file["path"]).name: file["because"] for file in told["not_loaded"]}
    assert why == {Path(file["path"]).name: file["because"] for file in json.loads(dry.stdout)["not_loaded"]}
    assert list(why) == ["b.json", "c.csv", "d.parquet"]
    assert "no dialect recognises an event with the keys hello" in why["b.json"]
    assert "has no column `event`" in why["c.csv"]
    assert "is not a Parquet file that can be read" in why["d.parquet"]
    assert all(because in done.stderr for because in why.values())
    assert "Of 5 files 3 were left out." in done.stderr
    assert stored(warehouse, "mixed") == (2, 2)
    # Nothing of them is known: mended, they are loaded, and the others are not loaded again.
    for name in ("b.json", "c.csv", "d.parquet"):
        (folder / name).unlink()
    write_lines(folder / "b.jsonl", [event(3, "mixed")])
    again = loaded(warehouse, folder)
    assert (again["received"], len(again["loaded_before"]), again["not_loaded"]) == (1, 2, [])
    assert stored(warehouse, "mixed") == (3, 3)


def test_what_comes_before_the_damage_of_a_parquet_file_is_loaded_and_the_rest_is_counted(
    warehouse: Instance, tmp_path: Path
) -> None:
    path, rows = tmp_path / "damaged.parquet", 300_000
    table = pa.table(
        {
            "event_id": [f"hurt-{number}" for number in range(rows)],
            "event": ["x"] * rows,
            "user_id": ["u"] * rows,
            "timestamp": ["2026-01-01T00:00:00Z"] * rows,
        }
    )
    pq.write_table(table, path, row_group_size=50_000, use_dictionary=False)
    whole = bytearray(path.read_bytes())
    damaged = pq.ParquetFile(path).metadata.row_group(5).column(0).data_page_offset
    whole[damaged + 100 : damaged + 200] = bytes(100)
    path.write_bytes(whole)
    result = loaded(warehouse, path, project="demo")
    assert (result["received"], result["accepted"], result["rejected"]) == (250_001, 250_000, {"invalid_json": 1})
    assert stored(warehouse, "hurt") == (250_000, 250_000)


def test_what_was_loaded_before_is_no_reason_to_take_anything(warehouse: Instance, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "known.jsonl", [event(1, "known")])
    loaded(warehouse, path)
    assert "there is no dialect 'segmnt'" in warehouse.run("load", str(path), "--dialect", "segmnt").stderr
    (tmp_path / "empty.jsonl").touch()
    loaded(warehouse, tmp_path / "empty.jsonl")
    for name in ("empty.parquet", "empty.csv"):
        (tmp_path / name).touch()
        assert warehouse.run("load", str(tmp_path / name)).returncode == 1
