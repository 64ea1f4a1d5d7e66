"""`millrace events rejected`: what was rejected is listed by reason, and moved once when it is acceptable at last."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.loading import contents, event, loaded, stored, write_lines
from tests.support import MILLRACE, Instance


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("rejected") / "millrace") as own:
        own.up()
        yield own


def declare(warehouse: Instance, project: str) -> str:
    """What a person does after lines were rejected for an unknown project; returns its write key."""
    added = warehouse.run("projects", "add", project)
    assert added.returncode == 0, added.stderr
    assert warehouse.run("migrate").returncode == 0
    return added.stdout.rsplit(maxsplit=1)[1]


def retried(warehouse: Instance, *arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = warehouse.json("events", "rejected", "retry", *arguments)
    return result


def still_rejected(warehouse: Instance, project: str) -> int:
    return int(warehouse.rows(f"SELECT count() FROM raw.events_rejected WHERE project_id = '{project}'")[0][0])


def in_the_middle(warehouse: Instance) -> bool:
    return warehouse.rows("SELECT count() FROM raw.retried_lines")[0][0] > 0


def test_groups_and_lines_are_listed_by_what_is_asked_for(warehouse: Instance, tmp_path: Path) -> None:
    rejected = [
        *[event(n, "listed", project_id="unheard", event="page_viewed") for n in range(3)],
        event(9, "listed", event="order_completed", properties={"revenue": "much"}),
        event(8, "listed", project_id="unheard", received_at="2026-07-05T00:00:00.000Z"),
    ]
    loaded(warehouse, write_lines(tmp_path / "listed.jsonl", rejected))
    mine = ("--source", "canonical:listed")
    groups = warehouse.json("events", "rejected", "list", *mine)
    assert [(g["lines"], g["project"], g["reason"], g["event"], g["source"]) for g in groups] == [
        (4, "unheard", "unknown_project", "page_viewed", "canonical:listed.jsonl"),
        (1, "demo", "schema_violation", "order_completed", "canonical:listed.jsonl"),
    ]
    assert groups[0]["first_received_at"] == "2026-06-30T10:00:05+00:00"
    assert groups[0]["last_received_at"] == "2026-07-05T00:00:00+00:00"
    assert json.loads(groups[0]["line"])["event_id"] == "listed-8"
    for arguments, ids in (
        (("--project", "demo"), {"listed-9"}),
        (("--reason", "unknown_project", "--since", "2026-07-01"), {"listed-8"}),
        (("--limit", "2"), {"listed-8", "listed-9"}),
    ):
        lines = warehouse.json("events", "rejected", "list", "--lines", *mine, *arguments)
        if "--limit" in arguments:
            assert len(lines) == 2
        else:
            assert {json.loads(line["line"])["event_id"] for line in lines} == ids
    done = warehouse.run("events", "rejected", "list", "--reason", "unknown_projekt")
    assert (done.returncode, "did you mean 'unknown_project'" in done.stderr) == (2, True)


def test_lines_of_a_project_declared_since_are_moved_and_the_others_stay(warehouse: Instance, tmp_path: Path) -> None:
    lines = [event(n, "moved", project_id="late_shop") for n in range(50)]
    broken = [event(n, "moved", project_id="late_shop", user_id="", anonymous_id="") for n in range(50, 55)]
    loaded(warehouse, write_lines(tmp_path / "moved.jsonl", [*lines, *broken]))
    before = contents(warehouse)
    assert retried(warehouse, "--project", "late_shop")["accepted"] == 0
    declare(warehouse, "late_shop")
    kept = {name: value for name, value in contents(warehouse).items() if name != "projects"}
    dry = retried(warehouse, "--project", "late_shop", "--dry-run")
    assert dry == {"retried": 55, "accepted": 50, "rejected": {"missing_identity": 5}, "not_retried": {}}
    assert {name: value for name, value in contents(warehouse).items() if name != "projects"} == kept
    assert kept == {name: value for name, value in before.items() if name != "projects"}

    assert retried(warehouse, "--project", "late_shop") == dry
    assert stored(warehouse, "moved") == (50, 50)
    assert still_rejected(warehouse, "late_shop") == 5
    assert retried(warehouse, "--project", "late_shop")["accepted"] == 0
    assert stored(warehouse, "moved") == (50, 50)
    # When it was received stays what it was, and with it the correction of the clock: five seconds, as sent.
    assert warehouse.rows(
        "SELECT DISTINCT received_at = toDateTime64('2026-06-30 10:00:05', 3, 'UTC'), "
        "dateDiff('second', original_timestamp, timestamp) FROM raw.events WHERE startsWith(event_id, 'moved-')"
    ) == [(True, 5)]
    # The counts of the file say what is stored now; the ledger what the load found.
    of_file = "file_id = (SELECT file_id FROM raw.loaded_files WHERE endsWith(path, '/moved.jsonl'))"
    assert warehouse.rows(
        f"SELECT reason, sum(lines) AS n FROM raw.load_counts WHERE {of_file} GROUP BY reason HAVING n != 0 ORDER BY 1"
    ) == [("", 50), ("missing_identity", 5)]
    assert warehouse.rows(f"SELECT received, accepted, rejected FROM raw.loaded_files WHERE {of_file}") == [(55, 0, 55)]


def test_payloads_of_an_sdk_are_decoded_again_and_find_their_project(warehouse: Instance, tmp_path: Path) -> None:
    """One payload of a batch was rejected, the other accepted: only the first is moved."""
    track = {"type": "track", "event": "Gadget Turned", "userId": "u", "timestamp": "2026-03-01T10:00:00.000Z"}
    known = {**track, "messageId": "sdk-1", "writeKey": "mk_demo_world"}
    unknown = {**track, "messageId": "sdk-2", "writeKey": "mk_of_later"}
    write_lines(tmp_path / "sdk.jsonl", [{"batch": [known, unknown]}])
    result = loaded(warehouse, tmp_path / "sdk.jsonl", dialect="segment")
    assert (result["accepted"], result["rejected"]) == (1, {"unknown_project": 1})
    key = f"sha256:{hashlib.sha256(b'mk_of_later').hexdigest()}"
    with (warehouse.project_dir / "projects.yaml").open("a") as projects:
        projects.write(
            "\n  - {id: sdk_shop, name: Shop, timezone: Europe/Paris, retention: 1y, privacy: standard, "
            f"write_keys: ['{key}']}}\n"
        )
    assert warehouse.run("migrate").returncode == 0
    assert retried(warehouse, "--source", "segment:sdk")["accepted"] == 1
    assert warehouse.rows(
        "SELECT event_id, project_id FROM raw.events WHERE startsWith(event_id, 'sdk-') ORDER BY event_id"
    ) == [("sdk-1", "demo"), ("sdk-2", "sdk_shop")]


def test_a_line_that_stands_for_several_events_is_not_retried(warehouse: Instance, tmp_path: Path) -> None:
    """Nested so deep that the whole batch was kept for one of its payloads; the other one is in already."""
    track = {"type": "track", "event": "Nested", "userId": "u", "timestamp": "2026-03-01T10:00:00.000Z"}
    good = json.dumps({**track, "messageId": "deep-1"})
    deep = json.dumps({**track, "messageId": "deep-2", "properties": {"a": "DEEP"}})
    nested = '{"b":' * 280 + "1" + "}" * 280
    (tmp_path / "deep.jsonl").write_text(f'{{"batch":[{good},{deep}]}}\n'.replace('"DEEP"', nested))
    result = loaded(warehouse, tmp_path / "deep.jsonl", dialect="segment", project="demo")
    assert (result["accepted"], sum(result["rejected"].values())) == (1, 1)
    outcome = retried(warehouse, "--source", "segment:deep")
    assert (outcome["retried"], outcome["accepted"]) == (1, 0)
    assert outcome["not_retried"] == {"the line stands for 2 events": 1}
    assert stored(warehouse, "deep") == (1, 1)


PERSON = {"userId": "u", "timestamp": "2026-03-01T10:00:00.000Z", "type": "track", "event": "Gadget Turned"}
SEGMENT = [
    {"writeKey": "mk_demo_world", "batch": [{**PERSON, "messageId": f"DIALECT-{n}"} for n in (1, 2)]},
    {"writeKey": "mk_demo_world", "batch": [{**PERSON, "messageId": "DIALECT-3"}, {**PERSON, "userId": None}]},
]
POSTHOG = [
    {
        "api_key": "mk_demo_world",
        "batch": [
            {
                **{"event": "gadget turned", "properties": {"distinct_id": "u"}, "uuid": f"DIALECT-{n}"},
                "timestamp": "2026-03-01T10:00:00.000Z",
            }
            for n in (1, 2, 3)
        ],
    },
    {"api_key": "mk_demo_world", "batch": [{"event": "gadget turned", "timestamp": "2026-03-01T10:00:00.000Z"}]},
]


@pytest.mark.parametrize(
    ("sent", "wrong", "right", "rejected"),
    [(SEGMENT, "canonical", "segment", 2), (SEGMENT, "amplitude", "segment", 2), (POSTHOG, "segment", "posthog", 4)],
)
def test_what_was_loaded_as_another_dialect_is_read_anew(
    warehouse: Instance, tmp_path: Path, sent: list[dict[str, Any]], wrong: str, right: str, rejected: int
) -> None:
    """The load says how, so does a second one, which may not take the file again. Batches become their events."""
    prefix = f"{wrong}2{right}"
    path = tmp_path / f"{prefix} of may.jsonl"
    path.write_text("".join(json.dumps(payload) + "\n" for payload in sent).replace("DIALECT", prefix))
    first = warehouse.run("load", str(path), "--dialect", wrong)
    assert f"0 accepted, {rejected} rejected" in first.stdout
    way = f"millrace events rejected retry --source '{wrong}:{prefix} of may.jsonl' --as-dialect {right}"
    assert (
        f"was read as {wrong}, and looks like {right}. What was rejected of it is read anew by `{way}`" in first.stdout
    )
    second = warehouse.run("load", str(path), "--dialect", right)
    assert f"was loaded as {wrong}. What was rejected of it is read anew by `{way}`" in second.stdout
    assert stored(warehouse, prefix) == (0, 0)

    command = shlex.split(way)[1:]
    dry = warehouse.json(*command, "--dry-run")
    assert (dry["retried"], dry["accepted"]) == (rejected, 3)
    assert stored(warehouse, prefix) == (0, 0)
    assert warehouse.json(*command) == dry
    assert warehouse.rows(
        f"SELECT event_id, project_id, event, user_id, source FROM raw.events WHERE startsWith(event_id, '{prefix}-') "
        "ORDER BY 1"
    ) == [(f"{prefix}-{n}", "demo", "gadget_turned", "u", f"{right}:{prefix} of may.jsonl") for n in (1, 2, 3)]
    # The fourth has nobody; it is rejected by itself now, with its own reason.
    assert warehouse.rows(
        "SELECT reason, sum(lines) AS n FROM raw.load_counts WHERE file_id = (SELECT file_id FROM raw.loaded_files "
        f"WHERE endsWith(path, '/{prefix} of may.jsonl')) GROUP BY reason HAVING n != 0 ORDER BY 1"
    ) == [("", 3), ("missing_identity", 1)]
    assert warehouse.json(*command)["accepted"] == 0
    left = warehouse.json("events", "rejected", "list", "--source", f"{right}:{prefix}") or warehouse.json(
        "events", "rejected", "list", "--source", f"{wrong}:{prefix}"
    )
    assert [(group["reason"], group["lines"]) for group in left] == [("missing_identity", 1)]
    assert stored(warehouse, prefix) == (3, 3)


def test_a_dialect_that_is_none_is_no_way_to_read_lines_anew(warehouse: Instance) -> None:
    done = warehouse.run("events", "rejected", "retry", "--as-dialect", "segmnt")
    assert (done.returncode, "there is no dialect 'segmnt'; did you mean 'segment'" in done.stderr) == (1, True)


@pytest.mark.parametrize("after", range(4))
def test_a_retry_killed_and_run_again_moves_every_line_once(warehouse: Instance, tmp_path: Path, after: int) -> None:
    """kill -9 when the batch is written down, and a little later; whoever comes next finishes it."""
    project = f"killed_{after}"
    lines = [event(n, f"retry{after}", project_id=project) for n in range(3000)]
    loaded(warehouse, write_lines(tmp_path / "killed.jsonl", lines))
    declare(warehouse, project)
    process = subprocess.Popen(
        [MILLRACE, "events", "rejected", "retry", "--project", project],
        env=warehouse.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not in_the_middle(warehouse) and process.poll() is None:
        time.sleep(0.001)
    time.sleep(0.04 * after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if after % 2:
        loaded(warehouse, write_lines(tmp_path / "another.jsonl", [event(0, f"another{after}")]))
    else:
        retried(warehouse, "--project", project)
    assert stored(warehouse, f"retry{after}") == (3000, 3000)
    assert still_rejected(warehouse, project) == 0
    assert not in_the_middle(warehouse)
    assert warehouse.rows(
        f"SELECT reason, sum(lines) AS n FROM raw.load_counts WHERE project_id = '{project}' GROUP BY reason "
        "HAVING n != 0"
    ) == [("", 3000)]


def test_lines_that_name_no_project_are_given_one(warehouse: Instance, tmp_path: Path) -> None:
    """And the others stay: a line is not taken from the project that it names."""
    lines = [event(n, "nameless", project_id=None) for n in range(3)] + [event(3, "nameless", project_id="nobody")]
    assert loaded(warehouse, write_lines(tmp_path / "nameless.jsonl", lines))["rejected"] == {"unknown_project": 4}
    only = ("--source", "canonical:nameless.jsonl", "--as-project")
    assert warehouse.run("events", "rejected", "retry", *only, "dmo").returncode == 1
    done = warehouse.json("events", "rejected", "retry", *only, "demo")
    assert (done["accepted"], done["rejected"]) == (3, {"unknown_project": 1})
    assert stored(warehouse, "nameless") == (3, 3)


def test_a_line_that_masking_made_short_was_too_large(warehouse: Instance, tmp_path: Path) -> None:
    """demo_mobile is strict."""
    line = event(1, "shrunk", project_id="demo_mobile", properties={"note": "203.0.113.177 " * 2800})
    assert loaded(warehouse, write_lines(tmp_path / "shrunk.jsonl", [line]))["rejected"] == {"too_large": 1}
    kept = "SELECT max(length(line)) FROM raw.events_rejected WHERE source = 'canonical:shrunk.jsonl'"
    assert 0 < warehouse.rows(kept)[0][0] < 32 * 1024
    done = warehouse.json("events", "rejected", "retry", "--source", "canonical:shrunk.jsonl")
    assert (done["accepted"], done["not_retried"]) == (0, {"the line was longer when it came": 1})


def test_a_server_killed_during_a_retry_loses_and_doubles_nothing(warehouse: Instance, tmp_path: Path) -> None:
    loaded(warehouse, write_lines(tmp_path / "c.jsonl", [event(n, "rc", project_id="crashed") for n in range(3000)]))
    declare(warehouse, "crashed")
    process = subprocess.Popen(
        [MILLRACE, "events", "rejected", "retry"], env=warehouse.environment, stderr=subprocess.DEVNULL
    )
    while not in_the_middle(warehouse) and process.poll() is None:
        time.sleep(0.001)
    os.kill(warehouse.state.server_pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 60
    while warehouse.run("status").returncode != 0:
        assert time.monotonic() < deadline
    retried(warehouse)
    assert stored(warehouse, "rc") == (3000, 3000)
    assert still_rejected(warehouse, "crashed") == 0


def test_retries_at_once_move_every_line_once(warehouse: Instance, tmp_path: Path) -> None:
    lines = [event(n, "together", project_id="together") for n in range(5000)]
    loaded(warehouse, write_lines(tmp_path / "together.jsonl", lines))
    declare(warehouse, "together")
    processes = [
        subprocess.Popen(
            [MILLRACE, "events", "rejected", "retry", *filters, "--format", "json"],
            env=warehouse.environment,
            stdout=subprocess.PIPE,
        )
        for filters in ((), ("--project", "together"), ("--project", "together", "--limit", "3000"))
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum(json.loads(output)["accepted"] for output in outputs) == 5000
    assert stored(warehouse, "together") == (5000, 5000)
    assert still_rejected(warehouse, "together") == 0
