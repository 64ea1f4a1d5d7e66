"""Broken payloads and recorded requests of every SDK, through the real loader.

No crash, no lost line, a reason for each, and no poison left. Everything is made by seeded chance.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.fuzz.helpers import (
    BATCH_KEYS,
    NOON,
    SEED,
    deep,
    events_in,
    load,
    load_and_check,
    mutated,
    sample,
)
from tests.support import Instance


@pytest.mark.parametrize("dialect", [name for name in BATCH_KEYS if name != "canonical"])
def test_payloads_of_an_sdk_with_changed_bytes(warehouse: Instance, world: Path, tmp_path: Path, dialect: str) -> None:
    random = Random(SEED)
    files = {}
    rows = dialect == "snowplow"  # of tab-separated columns
    lines = sample(world, f"{dialect}/*", 60)
    assert len(lines) > 10
    for number in range(3):
        payloads = [mutated(one, random) if random.random() < 0.7 else one for one in lines]
        payloads += [b"null", b"17", b'"text"', b"true", b"[]", b"{}", b"[[]]", b"[null, 17, {}]"]
        payloads = [one for one in payloads if one.strip()]
        received = sum(1 if rows and one[:1] not in (b"{", b"[") else events_in(one, dialect) for one in payloads)
        files[tmp_path / f"{number}.jsonl"] = b"\n".join(payloads) + b"\n" * number, received
    load_and_check(warehouse, files, dialect)


def wrappings() -> dict[str, Callable[[bytes], tuple[dict[str, str], bytes]]]:
    """How a body travels."""
    plain = {"content-type": "application/json"}
    return {
        "plain": lambda body: (plain, body),
        "gzip": lambda body: ({**plain, "content-encoding": "gzip"}, gzip.compress(body)),
        "unlabelled": lambda body: ({"content-type": "text/plain"}, gzip.compress(body)),
        "deflate": lambda body: ({"content-encoding": "deflate"}, zlib.compress(body)),
    }


PATHS = {
    "segment": "/v1/batch",
    "rudderstack": "/v1/batch",
    "posthog": "/batch/",
    "amplitude": "/2/httpapi",
    "mixpanel": "/track",
    "snowplow": "/com.snowplowanalytics.snowplow/tp2",
}


def batch(dialect: str) -> bytes:
    """A body of three events, as each SDK posts it."""
    events: Any = {
        "segment": [{"type": "track", "event": "A B", "userId": "u", "messageId": n, "timestamp": NOON} for n in "abc"],
        "rudderstack": [
            {"type": "track", "channel": "web", "event": "A", "userId": "u", "messageId": n} for n in "abc"
        ],
        "posthog": [
            {"event": "$pageview", "distinct_id": "u", "properties": {"$lib": "web"}, "uuid": n} for n in "abc"
        ],
        "amplitude": [{"event_type": "A", "user_id": "u", "time": 1772359200123, "insert_id": n} for n in "abc"],
        "mixpanel": [
            {"event": "A", "properties": {"token": "K", "distinct_id": "u", "time": 1772359200, "$insert_id": n}}
            for n in "abc"
        ],
        "snowplow": [
            {"e": "se", "se_ac": "A", "aid": "s", "uid": "u", "dtm": "1772359200123", "eid": n} for n in "abc"
        ],
    }[dialect]
    keys = BATCH_KEYS[dialect]
    schema = {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"}
    body = (
        {keys[0]: events, **(schema if dialect == "snowplow" else {"api_key": "K", "writeKey": "K"})}
        if keys
        else events
    )
    return json.dumps(body).encode()


@pytest.mark.parametrize("dialect", PATHS)
def test_recorded_requests_with_changed_bytes(warehouse: Instance, tmp_path: Path, dialect: str) -> None:
    """First the body, which is then wrapped well; then the wrapping, which may be anything afterwards."""
    random = Random(SEED)
    sent = batch(dialect)
    assert events_in(sent, dialect) == 3
    records: list[bytes] = []
    received = 0
    for _ in range(12):
        for wrap in wrappings().values():
            # A body begins as it did: whether it is JSON at all is what the next test tries.
            body = sent[:1] + mutated(sent[1:], random)
            headers, wire = wrap(body)
            record = {"method": "POST", "path": PATHS[dialect], "headers": headers, "received_at": NOON}
            records.append(json.dumps({**record, "body_b64": base64.b64encode(wire).decode()}).encode())
            received += events_in(body, dialect)
    content = b"\n".join(records)
    load_and_check(warehouse, {tmp_path / "bodies.jsonl": (content, received)}, dialect)

    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "records.jsonl").write_bytes(b"\n".join(mutated(one, random) for one in records))
    ((received, accepted, rejected),) = load(warehouse, broken, dialect).values()
    assert accepted + sum(rejected.values()) == received
    assert received >= len(records) * 0.9, "a record that cannot be read is one thing refused"


def test_broken_bodies_of_requests_are_one_thing_refused_each(warehouse: Instance, tmp_path: Path) -> None:
    sent = batch("segment")
    zipped = gzip.compress(sent)
    bodies = [zipped[:cut] for cut in range(3, len(zipped), 7)]
    bodies += [gzip.compress(gzip.compress(zipped)), b"\0\1\2", b"", b"\xff\xfe" + sent.decode().encode("utf-16-le")]
    bodies += [
        b"data=",
        b"data=%00%ff",
        b"data=e30",
        base64.b64encode(zipped)[:-9],
        sent[:-1],
        deep(10_000),
        b"%",
        b"=",
    ]
    bodies += [gzip.compress(b"[" * 33 * 1024**2)]  # a bomb
    record = {"method": "POST", "path": "/v1/batch", "headers": {}, "received_at": NOON}
    lines = [json.dumps({**record, "body_b64": base64.b64encode(body).decode()}).encode() for body in bodies]
    files = {tmp_path / "requests.jsonl": (b"\n".join(lines), len(bodies))}
    verdicts = load_and_check(warehouse, files, "auto")
    ((_, accepted, rejected),) = verdicts.values()
    assert accepted == 0
    assert set(rejected) == {"invalid_json", "too_large", "missing_event"}
