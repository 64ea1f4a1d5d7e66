"""Broken canonical lines, and broken gzip around them, through the real loader.

No crash, no lost line, a reason for each, and no poison left. Everything is made by seeded chance.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.helpers import SEED, deep, line, lines_in, load, load_and_check, mutated, properties, sample
from tests.support import Instance


def test_a_gzip_cut_anywhere(warehouse: Instance, tmp_path: Path) -> None:
    random = Random(SEED)
    content = b"".join(line(n, properties={"noise": random.random()}) + b"\n" for n in range(400))
    whole = gzip.compress(content)
    cuts = sorted({1, 2, 5, 9, 10, 11, *random.sample(range(12, len(whole)), 12), *range(len(whole) - 9, len(whole))})
    files = {}
    for cut in cuts:
        part = whole[:cut]
        readable = zlib.decompressobj(31).decompress(part) if cut > 1 else part
        mark = int(cut > 1)  # where it breaks off is told by one rejected line
        files[tmp_path / f"cut{cut}.jsonl.gz"] = part, lines_in(readable) + mark
    verdicts = load_and_check(warehouse, files, "canonical")
    for path, (content, received) in files.items():
        accepted = verdicts[path][1]
        assert accepted in (max(received - 1, 0), max(received - 2, 0)), "all but the mark and the line that is cut"
        assert accepted <= 400
        assert len(content) < len(whole)


def test_gzip_of_gzip_and_what_only_begins_like_gzip(warehouse: Instance, tmp_path: Path) -> None:
    random = Random(SEED)
    inner = gzip.compress(b"\n".join(line(n) for n in range(50)), mtime=0)
    noise = bytes(random.randrange(256) for _ in range(5_000))
    plain = b"\n".join(line(n, event="plain") for n in range(5))
    files = {
        tmp_path / "twice.jsonl.gz": (gzip.compress(inner, mtime=0), lines_in(inner)),
        tmp_path / "noise.jsonl.gz": (b"\x1f\x8b" + noise, 1),
        tmp_path / "noise.jsonl": (noise, lines_in(noise)),
        tmp_path / "not_zipped.jsonl.gz": (plain, 5),
        tmp_path / "zipped.jsonl": (gzip.compress(plain + b"\n" + line(9)), 6),
        tmp_path / "empty.jsonl.gz": (gzip.compress(b""), 0),
        tmp_path / "members.jsonl.gz": (gzip.compress(plain + b"\n" + line(7)[:40]) + gzip.compress(line(7)[40:]), 6),
    }
    verdicts = load_and_check(warehouse, files, "canonical")
    assert [verdicts[tmp_path / name][1] for name in ("not_zipped.jsonl.gz", "zipped.jsonl", "members.jsonl.gz")] == [
        5,
        6,
        6,
    ]


def test_a_gzip_damaged_in_the_middle_gives_what_is_before_the_damage(warehouse: Instance, tmp_path: Path) -> None:
    random = Random(SEED)
    files = {}
    for number in range(5):
        content = b"".join(line(n, properties={"noise": random.random(), "file": number}) + b"\n" for n in range(300))
        damaged = bytearray(gzip.compress(content))
        at = random.randrange(len(damaged) // 3, len(damaged) - 8)
        damaged[at] ^= 1 << random.randrange(8)
        reader, readable = zlib.decompressobj(31), b""
        try:
            for byte in damaged:
                readable += reader.decompress(bytes([byte]))
        except zlib.error:
            readable += b"\n(broken)\n"
        files[tmp_path / f"damaged{number}.jsonl.gz"] = bytes(damaged), lines_in(readable)
    verdicts = load_and_check(warehouse, files, "canonical")
    assert sum(verdict[1] for verdict in verdicts.values()) > 500


ODD_LINES: list[tuple[bytes, str | None]] = [  # and the reason; '' accepted
    (line(properties={"x": "y" * 33 * 1024}), "too_large"),
    (line(properties={f"p{n}": n for n in range(10_000)}), "too_large"),
    (properties("{" + ",".join(f'"{n}":1' for n in range(3_000)) + "}"), "too_many_properties"),
    (line() + b" " * (5 * 1024**2), "too_large"),
    (deep(10_000), "too_large"),
    (deep(5_000), "invalid_json"),
    (properties(deep(98).decode()), ""),
    (properties(deep(99).decode()), ""),
    (properties(deep(100).decode()), "invalid_json"),
    (properties('{"x":' + "[" * 900 + "]" * 900 + "}"), "invalid_json"),
    (line(properties='{"x":' + "[" * 900 + "]" * 900 + "}"), "schema_violation"),
    (line(user_id="Müller").decode().encode("latin-1"), "invalid_json"),
    (line(user_id="Müller").decode().encode("utf-16").replace(b"\n", b""), "invalid_json"),
    (line(user_id="\ud800"), "invalid_json"),
    (line(user_id="x").replace(b'"x"', b'"\\ud800"'), "invalid_json"),
    (line(user_id="x").replace(b'"x"', b'"\\ud83d\\ude00"'), ""),
    (line(user_id="a\0b"), ""),  # escaped as JSON wants it
    (line(user_id="x").replace(b'"x"', b'"a\0b"'), "invalid_json"),
    (b"\0" + line(), "invalid_json"),
    (line() + b"\0", "invalid_json"),
    (line().replace(b'"event":', b'"event":"again","event":'), "invalid_json"),
    (properties('{"a":1,"a":2}'), "schema_violation"),
    (properties('{"a":{"b":1,"b":"x"}}'), ""),
    (properties('{"a":[{"b":1,"b":"x"}]}'), ""),
    (line(context={}).replace(b'"context": {}', b'"context": {"page":{"url":"a","url":5},"locale":1,"locale":2}'), ""),
    (properties('{"a":NaN}'), "invalid_json"),
    (properties('{"a":Infinity}'), "invalid_json"),
    (properties('{"a":-Infinity}'), "invalid_json"),
    (properties('{"a":1e400}'), "invalid_json"),
    (properties('{"price":1e400}'), "invalid_json"),
    (properties(f'{{"a":{2**70},"b":-{2**70},"c":{"9" * 5000},"d":-0.0,"e":1e-400,"f":{2**64 - 1}}}'), ""),
    (properties(f'{{"price":{2**70}}}'), "schema_violation"),
    (properties(f'{{"price":{2**53}}}'), "schema_violation"),
    (properties('{"price":-0.0,"quantity":-0}'), ""),
    (properties('{"a.b":1,"a":{"b":2}}'), ""),
    (properties('{"a":{"b":2},"a.b":1,"a.b.c":[]}'), ""),
    (properties('{"price.x":"y","products.price":"y","products":[{"price":1}]}'), ""),
    (properties('{"":1,".":2,"..":{"":3},"x.":4,".y":5,"`":6,"\\u0000":7,"\\"":8,"\\\\":9}'), ""),
    (properties('{"Price":"x","PRICE":[1],"price":2}'), ""),
    (properties('{"' + "k" * 10_000 + '":1}'), ""),
    (properties('{"a":[1,"x",null,[2.5],{"b":true}],"b":[[],[[]],{}]}'), ""),
    (line(context={"page": "x", "os": [1], "device": {"id": {"a": 1}}, "locale": [{"b": 2}]}), ""),
    (line(event=17), "missing_event"),
    (line(event=True), "missing_event"),
    (line(event=None), "missing_event"),
    (line(event=["a"]), "missing_event"),
    (line(event="17"), ""),
    (line(event="2fa_enabled"), ""),
    (line(event="größe_gewählt"), ""),
    (line(event="サインアップ"), ""),
    (line(event="🎉"), ""),
    (line(event="x" * 129), "missing_event"),
    (line(event="checkout:started"), "missing_event"),
    (line(message_type="group", event="group", user_id="", group_id="g1"), ""),
    (line(message_type="group", event="group", user_id=""), "missing_identity"),
    (line(user_id="", group_id="g1"), "missing_identity"),
    *(
        (line(timestamp=when), reason)
        for when, reason in [
            ("0000-01-01T00:00:00Z", "bad_timestamp"),
            ("0001-01-01T00:00:00Z", "bad_timestamp"),
            ("9999-12-31T23:59:59Z", "bad_timestamp"),
            ("2299-12-31T23:59:59Z", "future_timestamp"),
            ("1970-01-01T00:00:00Z", "bad_timestamp"),
            ("2026-02-30T00:00:00Z", "bad_timestamp"),
            ("2016-12-31T23:59:60Z", "bad_timestamp"),
            ("2026-03-01T24:00:00Z", "bad_timestamp"),
            ("2026-03-01", "bad_timestamp"),
            ("2026-03-01T12:00:00", "bad_timestamp"),
            ("2026-03-01T12:00:00.123456789+14:59", ""),
            (1772359200, "bad_timestamp"),
            (-1, "bad_timestamp"),
            (1772359200123456789, "bad_timestamp"),
            ("", "bad_timestamp"),
        ]
    ),
    (b"[" + line() + b"]", "invalid_json"),
    (b"[]", "invalid_json"),
    (b"17", "invalid_json"),
    (b'"text"', "invalid_json"),
    (b"null", "invalid_json"),
    (b"true", "invalid_json"),
    (b"{}", "invalid_json"),
    (line() + line(), "invalid_json"),
    (line() + b",", "invalid_json"),
    (b"\t " + line() + b" ", ""),
    (b" ", "invalid_json"),
    (b"\xef\xbb\xbf" + line(), ""),
]


def test_odd_lines_each_have_their_verdict(warehouse: Instance, tmp_path: Path) -> None:
    """All in one file, by each of the endings, and each in a file of its own beside the others'."""
    files = {}
    for name, ending in (("together", b"\n"), ("of_windows", b"\r\n")):
        files[tmp_path / f"{name}.jsonl"] = ending.join(one for one, _ in ODD_LINES), len(ODD_LINES)
    for number, (one, _) in enumerate(ODD_LINES):
        files[tmp_path / f"{number}.jsonl"] = one + (b"\n", b"\r\n")[number % 2] * (number + 1), 1
    verdicts = load_and_check(warehouse, files, "canonical")
    alone = [verdicts[tmp_path / f"{number}.jsonl"] for number in range(len(ODD_LINES))]
    found = [next(iter(rejected), "") for _, _, rejected in alone]
    differing = [(one[:90], reason, was) for (one, reason), was in zip(ODD_LINES, found, strict=True) if reason != was]
    assert differing == []
    for name in ("together", "of_windows"):
        assert verdicts[tmp_path / f"{name}.jsonl"][1] == found.count("")


def test_validating_says_what_loading_does(warehouse: Instance, tmp_path: Path) -> None:
    (tmp_path / "odd.jsonl").write_bytes(b"\n".join(one for one, _ in ODD_LINES))
    done = warehouse.run("events", "validate", str(tmp_path / "odd.jsonl"), "--format", "json")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    first: dict[int, str] = {}
    for problem in said["problems"]:
        first.setdefault(problem["line"], problem["reason"])
    assert [first.get(number, "") for number in range(1, len(ODD_LINES) + 1)] == [reason for _, reason in ODD_LINES]
    assert said["received"] == len(ODD_LINES)


def test_what_is_rejected_is_kept_as_it_was_received(tmp_path: Path) -> None:
    """Where no project is strict: a broken line may be anybody's."""
    with Instance(tmp_path / "millrace") as own:
        projects = own.project_dir / "projects.yaml"
        projects.write_text(projects.read_text().replace("privacy: strict", "privacy: standard"))
        own.up()
        (tmp_path / "in").mkdir()
        _is_kept_as_received(own, tmp_path / "in")


def _is_kept_as_received(warehouse: Instance, tmp_path: Path) -> None:
    lines = [b'{"broken":1', b"\xff\xfe\x00\x01 not UTF-8", line(event=17, session_id="kept"), b"x\ry", b"\0"]
    (tmp_path / "kept.jsonl").write_bytes(b"\n".join(lines))
    assert load(warehouse, tmp_path, "canonical") == {
        str(tmp_path / "kept.jsonl"): (5, 0, {"invalid_json": 4, "missing_event": 1})
    }
    kept = warehouse.rows("SELECT hex(line) FROM raw.events_rejected WHERE source LIKE '%kept.jsonl'")
    assert sorted(bytes.fromhex(one) for (one,) in kept) == sorted(lines)


def test_files_with_nothing_in_them(warehouse: Instance, tmp_path: Path) -> None:
    files = {
        tmp_path / "empty.jsonl": (b"", 0),
        tmp_path / "newlines.jsonl": (b"\n\r\n\n\n\r\n", 0),
        tmp_path / "mark.jsonl": (b"\xef\xbb\xbf", 0),
        tmp_path / "marked.jsonl": (b"\xef\xbb\xbf\r\n\n", 0),
        tmp_path / "header.csv": (b"event,user_id,timestamp\r\n", 0),
    }
    load_and_check(warehouse, files)


@pytest.mark.parametrize("size", [100, 3_000])
def test_canonical_lines_with_changed_bytes(warehouse: Instance, world: Path, tmp_path: Path, size: int) -> None:
    """Also newlines come and go. A small file and one of more than a block of the reader."""
    random = Random(SEED)
    lines = sample(world, "canonical/*.jsonl.gz", size)
    files = {}
    for number in range(4 if size == 100 else 1):
        content = b"\n".join(mutated(one, random, but=b"") if random.random() < 0.5 else one for one in lines)
        files[tmp_path / f"{number}.jsonl"] = content, lines_in(content)
    verdicts = load_and_check(warehouse, files, "canonical")
    received = sum(verdict[0] for verdict in verdicts.values())
    accepted = sum(verdict[1] for verdict in verdicts.values())
    assert received * 0.4 < accepted < received * 0.95, "some of both, or this tries nothing"
