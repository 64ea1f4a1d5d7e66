"""`validation` (Python) and `validation_sql` (ClickHouse) give one verdict, on ten thousands of good and broken lines.

`millrace events validate` must say what a load will do: the first in Python, the second in the warehouse.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from ingestion.contract import MAX_DEPTH, MAX_LINE_BYTES, MAX_PROPERTIES, Reason
from ingestion.registry import EventType, Registry, Schema, load_registry
from ingestion.typed_paths import properties_type, typed_paths
from ingestion.validation import Problem, line_problems
from ingestion.validation_sql import with_rejection
from tests.support import Instance

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROJECTS = ("demo", "demo_mobile")
SEED = 20_261_120

# Values that no rule of the registry has in mind.
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 1.0, 1.5, -0.5, 1e15, 1e16, 2**53 - 1, 2**53, -(2**53), 2**63, 2**64 - 1, 2**64,
    -(2**63), -(2**63) - 1, 2**70, 1e300, -1e-300,
    "", " ", "abc", "1", "1.5", "true", "null", "free", "FREE", "EUR", "DE", "de", "DEU", "DE\n", "a\nb", 'a"b', "a\\b",
    "é", "日本", "😀", "\u0000", "\u2028", "a" * 100, "{}", "[]", "2026-01-31", "2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.123456789+02:00", "2026-02-30T12:00:00Z", "2028-02-29T00:00:00Z", "2026-01-31T24:00:00Z",
    "2026-01-31T12:00:00z", "2026-01-31 12:00:00Z", "1899-12-31T23:59:59Z", "2300-01-01T00:00:00Z",
    "2026-01-31T12:00:00+15:00", " 2026-01-31T12:00:00Z", "٢٠٢٦-01-31T12:00:00Z",
    [], [1], ["a"], [None], [[]], [{}], {}, {"a": 1}, {"price": "x"},
    [{"product_id": "P1", "quantity": 1, "price": 2.5}],
    [{"product_id": "P1", "quantity": 0, "price": 2}], [{"product_id": 5, "quantity": 1, "price": 2}],
    [{"product_id": "P1", "quantity": 1.5, "price": 2}], [{"product_id": "P1", "quantity": 1, "price": None}],
    "12ab", "١٢ab", "12éb", "12a\n", 30, 30.0, [0.5, 1.5], [True, False], [[1, 2], [3]], [[1], [10]], [[1, "x"]],
    ["2026-01-31T12:00:00Z"], ["2026-02-31T12:00:00Z"], {"nick": "é"}, {"nick": '"', "age": -1}, {"age": 3},
    {"nick": "a", "home": {"zip": "1"}}, {"nick": "a", "home": {}}, {"nick": "a", "home": 5}, {"nick": None},
    [{"product_id": "P1", "quantity": 1, "price": 2, "more": {"deep": [1]}}], [{"product_id": "P1"}, 5],
)  # fmt: skip
ODD_TIMES: tuple[Any, ...] = (
    *(value for value in ODD_VALUES if isinstance(value, str)), 1700000000, 1700000000000, True, [], {},
    "2026-11-21T11:59:59.999Z", "2026-11-21T12:00:00.000Z", "2026-11-21T12:00:00.001Z", "1999-12-31T23:59:59.999Z",
    "2000-01-01T00:00:00.000Z", "2000-01-01T00:00:00+00:01", "1970-01-01T00:00:00Z", "2099-01-01T00:00:00.000Z",
)  # fmt: skip
ODD_IDS: tuple[Any, ...] = (None, "", "u-1", 5, 0, 1.5, False, [], {}, ["u"], {"a": 1}, "{3F25-04E0}", "[x", "é")


# What the demo product's registry has no use for, so that every rule is tried.
PROBE = EventType(
    "probe",
    "tests",
    "Every rule there is.",
    Schema(
        "object",
        properties={
            "code": Schema("string", pattern=r"\d{2}\w."),
            "level": Schema("integer", enum=(1, 2, 30)),
            "ratios": Schema("array", items=Schema("number", minimum=0, maximum=1)),
            "moments": Schema("array", items=Schema("string", is_instant=True)),
            "flags": Schema("array", items=Schema("boolean")),
            "grid": Schema("array", items=Schema("array", items=Schema("integer", maximum=9))),
            "person": Schema(
                "object",
                properties={
                    "nick": Schema("string", enum=("a", "é", '"')),
                    "age": Schema("integer", minimum=0),
                    "home": Schema("object", properties={"zip": Schema("string")}, required=frozenset({"zip"})),
                },
                required=frozenset({"nick"}),
            ),
        },
        required=frozenset({"code"}),
    ),
)
PATTERN_EXAMPLES = {"[A-Z]{2}": ("DE", "PL"), "[A-Z]{3}": ("EUR", "JPY"), r"\d{2}\w.": ("12ab", "00_é", "99Z\n")}


class Lines:
    """Canonical lines, right and wrong, always the same ones."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.random = random.Random(SEED)

    def __iter__(self) -> Iterator[bytes]:
        yield from (
            b"",
            b" ",
            b"null",
            b"5",
            b'"x"',
            b"[]",
            b"[{}]",
            b"{}",
            b"{",
            b"}",
            b"{}{}",
            b"nonsense",
            b"\x00",
            b"\xff\xfe",
        )
        yield b"\xef\xbb\xbf" + self.text(self.right())
        yield from (self.text(self.right()).replace(b"demo", bytes([byte])) for byte in (0x00, 0x1F, 0x7F, 0x80, 0xFF))
        yield b"[" * 900 + b"]" * 900
        yield self.text({**self.right(), "properties": {f"k{n}": n for n in range(MAX_PROPERTIES)}})
        yield self.text({**self.right(), "properties": {f"k{n}": n for n in range(MAX_PROPERTIES + 1)}})
        for size in (MAX_LINE_BYTES, MAX_LINE_BYTES + 1):
            line = self.text({**self.right(), "event": "unheard_of", "properties": {}, "filler": "?"})
            yield line.replace(b"?", b"x" * (size - len(line) + 1))
        for line in self.deep():
            yield line
        for number in ("1e400", "NaN", "Infinity", "01", "1.", ".5", "+1", "0x10", "-", "1e5", "-0", "-0.0", "1E-5",
            "1e-400", "-1e400", str(2**64), str(-(2**70)), "9" * 100, "9" * 310, "-" + "9" * 310, "9" * 5000, "0" * 400,
        ):  # fmt: skip
            yield self.text(self.right()).replace(b'"demo"', number.encode())
            yield self.text({**self.right(), "event": "nps_answered", "properties": {"score": "?"}}).replace(
                b'"?"', number.encode()
            )
            yield self.text({**self.right(), "properties": {"unheard_of": "?"}}).replace(b'"?"', number.encode())
            yield self.text({**self.right(), "event": "?"}).replace(b'"?"', number.encode())
        for escape in (rb"\ud800", rb"\udc00\ud800", rb"\ud83d\ude00", rb"\x41", rb"\u00", rb"\/"):
            yield self.text(self.right()).replace(b"demo", escape)
        yield self.text(self.right()).replace(b'"event":', b'"event":"again","event":')
        yield self.text(self.right()).replace(b'"properties":{', b'"properties":{"twice":1,"twice":1,')
        yield self.text(self.right()).replace(b'"properties":{', b'"properties":{"deep":{"twice":1,"twice":"x"},')
        yield self.text(self.right()).replace(b'"properties":{', b'"properties":{"deep":[{"twice":1,"twice":"x"}],')
        yield self.text(self.right()).replace(b'"context":{', b'"context":{"locale":"x","locale":5,')
        for kind in ("group", "identify", "track", "Group", None):
            for group in ("g1", "", 5, 0, [], {}, False, None):
                nobody = {**self.right(), "message_type": kind, "group_id": group}
                del nobody["anonymous_id"]
                yield self.text(nobody)
                yield self.text({**nobody, "user_id": "", "anonymous_id": None})
        for _ in range(6000):
            yield self.text(self.right())
        for _ in range(9000):
            yield self.text(self.with_odd_property(self.right()))
        for _ in range(5000):
            yield self.text(self.with_odd_field(self.right()))
        for _ in range(1000):
            yield self.damaged(self.text(self.right()))

    def deep(self) -> Iterator[bytes]:
        """Around the limit and around those of the readers; brackets inside of texts do not count."""
        event = {**self.right(), "event": "unheard_of"}
        for levels in (MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 900, 990, 1000, 1021, 1025, 5000):
            for start, end in (("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")):
                value = start * levels + "1" + end * levels
                yield self.text({**event, "properties": {"x": "?"}}).replace(b'"?"', value.encode())
                yield self.text({**event, "context": {"x": "?"}}).replace(b'"?"', value.encode())
                yield self.text({**event, "unknown_key": "?"}).replace(b'"?"', value.encode())
                yield self.text({**event, "properties": {"x": value}})
                yield self.text({**event, "properties": f'{{"x":{value}}}', "context": f'{{"x":{value}}}'})
        yield self.text({**event, "properties": {"x": '"' * 70 + "[{" * 70 + "\\" * 7, "y": [[]] * 200}})

    def right(self) -> dict[str, Any]:
        event_type = self.random.choice([*self.registry.values(), *[PROBE] * 6])
        month, day, fraction = (self.random.randrange(1, end) for end in (11, 29, 1000))
        return {
            "project_id": "demo",
            "event": event_type.name,
            "message_type": str(event_type.message_type),
            "anonymous_id": f"a{self.random.randrange(1000)}",
            "original_timestamp": f"2026-{month:02}-{day:02}T12:00:00.{fraction:03}Z",
            "properties": self.right_object(event_type.schema),
            "context": {"locale": "de-DE"},
            "consent_analytics": self.random.random() < 0.5,
        }

    def right_object(self, schema: Schema) -> dict[str, Any]:
        return {
            name: self.right_value(inner)
            for name, inner in schema.properties.items()
            if name in schema.required or self.random.random() < 0.6
        }

    def right_value(self, schema: Schema) -> Any:
        if schema.enum:
            return self.random.choice(schema.enum)
        if schema.pattern:
            return self.random.choice(PATTERN_EXAMPLES[schema.pattern])
        if schema.is_instant:
            return self.random.choice(["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00"])
        if schema.type == "array":
            assert schema.items is not None
            return [self.right_value(schema.items) for _ in range(self.random.randrange(4))]
        low = int(schema.minimum) if schema.minimum is not None else -1000
        high = int(schema.maximum) if schema.maximum is not None else low + 2000
        return {
            "string": lambda: self.random.choice(["abc", "é", "a b", "", '"', "\n"]),
            "integer": lambda: self.random.choice([low, high, float(low), self.random.randint(low, high)]),
            "number": lambda: round(self.random.uniform(low, high), 2),
            "boolean": lambda: self.random.random() < 0.5,
            "object": lambda: self.right_object(schema),
        }[schema.type]()

    def with_odd_property(self, event: dict[str, Any]) -> dict[str, Any]:
        properties = dict(event["properties"])
        choice = self.random.random()
        own = list(self.registry[event["event"]].properties)
        if choice < 0.45 and own:
            properties[self.random.choice(own)] = self.random.choice(ODD_VALUES)
        elif choice < 0.75:
            properties[self.random.choice(list(self.registry.paths))] = self.random.choice(ODD_VALUES)
            event["event"] = self.random.choice([event["event"], "unheard_of"])
        elif choice < 0.9 and properties:
            del properties[self.random.choice(list(properties))]
        else:
            properties[
                self.random.choice(
                    [
                        "new_one",
                        "",
                        "a.b",
                        "Price",
                        "préis",
                        "price.x",
                        ".",
                        "person.age",
                        "person.nick.x",
                        "grid.size0",
                        "k" * 10_000,
                    ]
                )
            ] = self.random.choice(ODD_VALUES)
        return {**event, "properties": properties}

    def with_odd_field(self, event: dict[str, Any]) -> dict[str, Any]:
        pick = self.random.choice
        names: tuple[Any, ...] = (
            "",
            "Product Viewed",
            "product_viewed",
            "_x",
            "x" * 128,
            "x" * 129,
            "x\n",
            "é",
            "é" * 129,
            "購入",
            5,
            0,
            1.0,
            1.5,
            1e20,
            True,
            None,
            "5",
            "true",
            "null",
            [],
            {},
            "2x",
            "2fa_enabled",
            "größe_gewählt",
            "サインアップ",
            "🎉",
            "checkout:started",
            "$autocapture",
            "aB",
            "`",
        )
        wholes: tuple[Any, ...] = ({}, "", "{}", '{"score":3}', '{"price":"x"}', "{", " {}", "text", [], 5, True)
        odd = {
            "event": names,
            "message_type": ("track", "page", "Track", "", "purchase", 1, [], {}),
            "properties": wholes,
            "context": wholes,
            "consent_marketing": (True, 0, 1, 1.0, 2, "true", "FALSE", "yes", "", [], {}),
            "project_id": (*PROJECTS, "other", "", 5, [], {}),
            "unknown_key": ODD_VALUES,
            **dict.fromkeys(("user_id", "anonymous_id", "event_id", "session_id"), ODD_IDS),
            **dict.fromkeys(("timestamp", "original_timestamp", "sent_at", "received_at"), ODD_TIMES),
        }
        key = pick([*odd, "pair"])
        if key == "pair":  # a skewed clock
            return {**event, "sent_at": pick(ODD_TIMES), "received_at": pick(ODD_TIMES)}
        if pick((True, False, False, False)):
            return {name: value for name, value in event.items() if name != key}
        return {**event, key: pick(odd[key])}

    def damaged(self, line: bytes) -> bytes:
        place = self.random.randrange(len(line))
        kind = self.random.randrange(4)
        if kind == 0:
            return line[:place]
        if kind == 1:
            return line[:place] + line[place + 1 :]
        if kind == 2:
            return line[:place] + bytes([self.random.randrange(256)]) + line[place:]
        return line[:place] + bytes([self.random.randrange(256)]) + line[place + 1 :]

    def text(self, event: dict[str, Any]) -> bytes:
        return json.dumps(event, ensure_ascii=self.random.random() < 0.5, separators=(",", ":")).encode()


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry([*load_registry().values(), PROBE])


@pytest.fixture
def any_number_of_digits() -> Iterator[None]:
    """Python reads and writes whole numbers of at most 4,300 digits; a property nobody declared may have more."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


@pytest.fixture(scope="module")
def lines(registry: Registry) -> list[bytes]:
    return list(Lines(registry))


@pytest.fixture(scope="module")
def client(clickhouse: Instance) -> Client:
    client = clickhouse.client("admin")
    client.command("CREATE DATABASE IF NOT EXISTS validation ENGINE = Atomic")
    return client


@pytest.fixture(scope="module")
def verdicts(client: Client, registry: Registry, lines: list[bytes]) -> list[tuple[str, str]]:
    """(reason, detail) of each line, by ClickHouse."""
    client.command(
        "CREATE OR REPLACE TABLE validation.lines (number UInt32, line String) ENGINE = MergeTree ORDER BY number"
    )
    _insert(client, "validation.lines", lines)
    known = f"fields.project_id IN ({', '.join(map(repr, PROJECTS))})"
    checked = with_rejection(
        registry, "validation.lines", known_project=known, now=f"toDateTime64('{NOW:%Y-%m-%d %H:%M:%S}', 3, 'UTC')"
    )
    return [tuple(row) for row in client.query(f"SELECT reason, detail FROM ({checked}) ORDER BY number").result_rows]


@pytest.fixture(scope="module")
def problems(registry: Registry, lines: list[bytes]) -> list[list[Problem]]:
    """The problems of each line, by Python."""
    return [line_problems(line, registry, PROJECTS, NOW) for line in lines]


def test_every_line_has_the_same_reason(
    lines: list[bytes], verdicts: list[tuple[str, str]], problems: list[list[Problem]]
) -> None:
    differing = [
        (line[:300], by_clickhouse, [problem.detail for problem in by_python])
        for line, by_clickhouse, by_python in zip(lines, verdicts, problems, strict=True)
        if by_clickhouse[0] != (by_python[0].reason if by_python else "")
    ]
    assert differing[:5] == []


def test_a_broken_schema_is_explained_alike(verdicts: list[tuple[str, str]], problems: list[list[Problem]]) -> None:
    differing = [
        (detail, [problem.detail for problem in by_python])
        for (reason, detail), by_python in zip(verdicts, problems, strict=True)
        if reason == Reason.SCHEMA_VIOLATION and not _explains(detail, by_python)
    ]
    assert differing[:5] == []


def test_the_lines_try_every_reason_and_most_are_of_interest(verdicts: list[tuple[str, str]]) -> None:
    """Guards the two tests above against a generator that makes only easy lines."""
    counts = Counter(reason for reason, _ in verdicts)
    assert set(counts) == {"", *Reason} - {Reason.NO_CONSENT}  # a verdict of the landing, not on the line
    assert counts[Reason.SCHEMA_VIOLATION] > 3000
    assert counts[""] > 8000


@pytest.mark.usefixtures("any_number_of_digits")
def test_what_is_accepted_goes_into_the_typed_column_without_loss(
    client: Client, registry: Registry, lines: list[bytes], verdicts: list[tuple[str, str]]
) -> None:
    """Validation is at least as strict as the column: no accepted line makes an insert fail or a value disappear."""
    accepted = [line for line, (reason, _) in zip(lines, verdicts, strict=True) if reason == ""]
    events = [json.loads(line.removeprefix(b"\xef\xbb\xbf")) for line in accepted]
    given = [event.get("properties") or {} for event in events]
    given = [json.loads(value) if isinstance(value, str) else value for value in given]
    columns = f"number UInt32, properties {properties_type(typed_paths(registry))}"
    client.command(f"CREATE OR REPLACE TABLE validation.typed ({columns}) ENGINE = MergeTree ORDER BY number")
    _insert(client, "validation.typed", [json.dumps(properties).encode() for properties in given])
    numbers = [path for path, kind in typed_paths(registry).items() if kind in ("Nullable(Float64)", "Nullable(Int64)")]
    sums = ", ".join(f"count(properties.`{path}`), round(sum(properties.`{path}`), 2)" for path in numbers)
    row = client.query(f"SELECT {sums} FROM validation.typed").result_rows[0]
    expected: list[Any] = []
    for path in numbers:
        values = [properties[path] for properties in given if properties.get(path) is not None]
        expected += [len(values), pytest.approx(sum(values), rel=1e-9)]
    assert sum(1 for value in row if value) > len(numbers)
    assert [value or 0 for value in row] == expected


def _explains(detail: str, problems: Sequence[Problem]) -> bool:
    """Whether one of the problems is the one that the detail tells of; inside an array ClickHouse names the whole."""
    path, _, expected = detail.partition(": expected ")
    expected = expected.rpartition(", got ")[0]
    return any(
        (problem.path == path and problem.expected == expected) or problem.path.startswith((f"{path}[", f"{path}."))
        for problem in problems
    )


def _insert(client: Client, table: str, texts: Sequence[bytes]) -> None:
    """As RowBinary: any byte may be in a line."""

    def varint(number: int) -> bytes:
        return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])

    rows = (number.to_bytes(4, "little") + varint(len(text)) + text for number, text in enumerate(texts))
    settings = {"input_format_binary_read_json_as_string": 1, "type_json_skip_duplicated_paths": 0}
    client.raw_insert(table, insert_block=b"".join(rows), fmt="RowBinary", settings=settings)
