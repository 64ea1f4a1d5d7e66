"""What the fuzz tests share: lines, broken bytes, loading, and counting by rules of their own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

from ingestion.contract import Reason
from tests.support import Instance

SEED = 20_261_121
NOON = "2026-03-01T12:00:00.000Z"
# Where the events are in a body of a dialect; a body without it is itself an event.
BATCH_KEYS = {
    "segment": ("batch",),
    "rudderstack": ("batch",),
    "posthog": ("batch",),
    "amplitude": ("events", "identification"),
    "snowplow": ("data",),
    "mixpanel": (),
    "canonical": ("events", "batch"),
}
SAYING = ("", "1", "-1", "1e999", "NaN", "[]", "{}", "null", '"', '"x"', "\\ud83d", "\\u0000", "[" * 300, '{"a":' * 9)


def line(number: int = 0, **changes: Any) -> bytes:
    event = {"project_id": "demo", "event_id": f"f-{number}", "event": "fuzzed", "user_id": "u1", "timestamp": NOON}
    return json.dumps({**event, **changes}, ensure_ascii=False).encode("utf-8", "surrogatepass")


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def properties(text: str) -> bytes:
    """A line with these properties, as they are written."""
    return line(properties="@").replace(b'"@"', text.encode("utf-8", "surrogatepass"))


Verdict = tuple[int, int, dict[str, int]]  # received, accepted, rejected


def load(warehouse: Instance, path: Path, dialect: str = "auto") -> dict[str, Verdict]:
    done = warehouse.run("load", str(path), "--dialect", dialect, "--project", "demo", "--format", "json")
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout)
    assert result["loaded_before"] == []
    return {file["path"]: (file["received"], file["accepted"], file["rejected"]) for file in result["files"]}


def load_and_check(
    warehouse: Instance, files: dict[Path, tuple[bytes, int]], dialect: str = "auto"
) -> dict[Path, Verdict]:
    """Write the files, load their folder, and compare with how many events are in each. No two files are alike."""
    folder = next(iter(files)).parent
    for path, (content, _) in files.items():
        path.write_bytes(content)
    before = warehouse.rows("SELECT count() FROM raw.events")[0][0]
    refused_before = warehouse.rows("SELECT count() FROM raw.events_rejected")[0][0]
    verdicts = {Path(path): verdict for path, verdict in load(warehouse, folder, dialect).items()}
    assert {path: verdict[0] for path, verdict in verdicts.items()} == {path: n for path, (_, n) in files.items()}
    for received, accepted, rejected in verdicts.values():
        assert accepted + sum(rejected.values()) == received
        assert set(rejected) <= set(Reason)
    accepted = sum(verdict[1] for verdict in verdicts.values())
    reasons = (item for verdict in verdicts.values() for item in verdict[2].items())
    refused = sum(lines for reason, lines in reasons if reason != "no_consent")  # those are counted and not kept
    assert warehouse.rows("SELECT count() FROM raw.events")[0][0] - before == accepted
    assert warehouse.rows("SELECT count() FROM raw.events_rejected")[0][0] - refused_before == refused
    assert warehouse.rows("SELECT count() FROM raw.events_rejected WHERE line = '' OR detail = ''") == [(0,)]
    # Whatever was accepted can be read.
    warehouse.rows("SELECT sum(length(toJSONString(properties)) + length(toJSONString(context))) FROM raw.events")
    return verdicts


def lines_in(content: bytes) -> int:
    """Lines end at \\n or \\r\\n; those with nothing in them do not count, nor does a byte order mark."""
    return sum(1 for one in content.removeprefix(b"\xef\xbb\xbf").split(b"\n") if one.removesuffix(b"\r"))


def events_in(payload: bytes, dialect: str) -> int:
    """What is no JSON is one thing that was received, and refused."""
    try:
        value = json.loads(payload.decode())
    except (ValueError, RecursionError):
        return 1
    if isinstance(value, dict):
        value = next((value[key] for key in BATCH_KEYS[dialect] if isinstance(value.get(key), list)), value)
    return len(value) if isinstance(value, list) else 1


def mutated(content: bytes, random: Random, but: bytes = b"\r\n") -> bytes:
    """Some bytes changed, lost, put in, moved or repeated; none of `but` is put in or touched."""
    out = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 5, 20))):
        at = random.randrange(len(out) + 1)
        size = random.choice((1, 1, 1, 2, 8, 40))
        if any(byte in but for byte in out[at : at + size]):
            continue
        kind = random.randrange(5)
        if kind == 0:
            del out[at : at + size]
        elif kind == 1:
            out[at:at] = bytes(random.choice([b for b in range(256) if b not in but]) for _ in range(size))
        elif kind == 2:
            out[at : at + 1] = bytes([random.choice([b for b in range(256) if b not in but])])
        elif kind == 3:
            out[at:at] = random.choice(SAYING).encode()
        else:
            out[at:at] = out[at : at + size]
    return bytes(out)


def sample(world: Path, pattern: str, count: int, longest: int = 60_000) -> list[bytes]:
    """Lines of a world's files."""
    found: list[bytes] = []
    for path in sorted(world.glob(pattern)):
        content = path.read_bytes()
        found += (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()
    fit = [one for one in found if len(one) < longest]
    return Random(SEED).sample(fit, min(count, len(fit)))
