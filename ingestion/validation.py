"""Checks one event against the contract and the registry, and says what is wrong with it.

validation_sql makes the same checks in ClickHouse; tests/integration/test_event_validation_agrees.py compares them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingestion.contract import (
    ABOUT_PEOPLE,
    BROKEN_OFF,
    BROKEN_OFF_EXPECTED,
    BROKEN_OFF_GOT,
    CONSENTS,
    EARLIEST_INSTANT,
    FUTURE_TOLERANCE,
    INSTANTS,
    MAX_DEPTH,
    MAX_LINE_BYTES,
    MAX_NAME_LENGTH,
    MAX_PROPERTIES,
    NUMBER_BOUND,
    OBJECTS,
    TEXTS,
    MessageType,
    Reason,
    event_time,
    is_event_name,
    parse_instant,
)
from ingestion.wire.values import deeper_than
from warehouse.projects import Project, Refused, Silent

if TYPE_CHECKING:
    from ingestion.registry import Registry, Schema

SHOWN_CHARACTERS = 40
CONSENT_VALUES = ("true", "false", "1", "0")
INSTANT_IN_WORDS = "an instant like 2026-01-31T12:00:00.000Z"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# An integer this long is text to ClickHouse; orjson takes it for infinity and refuses it.
LONG_INTEGER = re.compile(r"\d{300,}")


@dataclass(frozen=True)
class Problem:
    reason: Reason
    path: str  # of the key in the line; empty where it is the line itself
    expected: str  # empty where a payload cannot be decoded
    got: str

    @property
    def detail(self) -> str:
        if not self.expected:
            return self.got
        return f"{self.path}{': ' if self.path else ''}expected {self.expected}, got {self.got}"


def line_problems(
    line: bytes,
    registry: Registry,
    projects: Collection[str] | None = None,
    now: datetime | None = None,
    default_project: str = "",
) -> list[Problem]:
    """What is wrong with a line as received; the first problem's reason is the one it is rejected for."""
    if len(line) > MAX_LINE_BYTES:
        size = f"{len(line):,} bytes"
        return [Problem(Reason.TOO_LARGE, "", f"at most {MAX_LINE_BYTES:,} bytes", size)]
    if line == BROKEN_OFF.encode():
        return [Problem(Reason.INVALID_JSON, "", BROKEN_OFF_EXPECTED, BROKEN_OFF_GOT)]
    text = line.removeprefix(BYTE_ORDER_MARK)
    try:
        event = _read(text.decode())
    except (ValueError, RecursionError) as error:
        return [Problem(Reason.INVALID_JSON, "", "one JSON object", _shown_text(str(error)))]
    if not isinstance(event, dict) or not event:
        return [Problem(Reason.INVALID_JSON, "", "one JSON object", _shown_text(text.decode()))]
    if isinstance(event, _Repeating):
        return [Problem(Reason.INVALID_JSON, event.repeated, "each key once", "it twice")]
    if deeper_than(event, MAX_DEPTH):
        return [Problem(Reason.INVALID_JSON, "", f"at most {MAX_DEPTH} levels", "more")]
    if default_project and event.get("project_id") in (None, ""):
        event["project_id"] = default_project
    return event_problems(event, registry, projects, now)


def consent_problems(line: bytes, projects: Mapping[str, Project], default_project: str = "") -> list[Problem]:
    """Why a line without other problems is not kept: for want of consent, as its project's settings say."""
    event = _read(line.removeprefix(BYTE_ORDER_MARK).decode())
    consent = projects[event.get("project_id") or default_project].consent
    said = event.get("consent_analytics")
    if consent.silent is Silent.GRANTED if said is None else str(said).lower() in ("true", "1"):
        return []
    if consent.refused is Refused.ANONYMISE and event.get("message_type") not in ABOUT_PEOPLE:
        return []
    return [Problem(Reason.NO_CONSENT, "consent_analytics", "consent to analytics", shown(said))]


def event_name(line: bytes) -> str:
    """The event of a line without problems."""
    return str(_read(line.removeprefix(BYTE_ORDER_MARK).decode())["event"])


def event_problems(
    event: Mapping[str, Any],
    registry: Registry,
    projects: Collection[str] | None = None,
    now: datetime | None = None,
) -> list[Problem]:
    """What is wrong with an event, by the order of the contract's reasons. `projects` None: any project."""
    problems = [*_who_and_what(event), *_when(event, now or datetime.now(UTC))]
    project = event.get("project_id")
    if projects is not None and not (isinstance(project, str) and project in projects):
        problems.append(Problem(Reason.UNKNOWN_PROJECT, "project_id", "a project of projects.yaml", shown(project)))
    properties = _object(event.get("properties"))
    if properties and len(properties) > MAX_PROPERTIES:
        count = f"{len(properties):,}"
        problems.append(Problem(Reason.TOO_MANY_PROPERTIES, "properties", f"at most {MAX_PROPERTIES} keys", count))
    return problems + _fields(event) + property_problems(event.get("event"), properties, registry)


def property_problems(event: Any, properties: Mapping[str, Any] | None, registry: Registry) -> list[Problem]:
    """What is wrong with the properties: types hold for every event, the other rules for the registered one.

    Types hold everywhere because the column has one type per path: a price that is text, sent by an event type that
    nobody registered, could not be stored beside the registered prices.
    """
    properties = properties or {}
    problems = [_violation(name, "each key once", "it twice") for name in _repeated(properties)]
    for name, value in properties.items():
        if name in registry.paths:
            problems += type_problems(name, value, registry.paths[name])
    if not problems and isinstance(event, str) and event in registry:
        problems += value_problems(properties, registry[event].schema)
    return problems


def type_problems(path: str, value: Any, schema: Schema) -> list[Problem]:
    """Where a value has another type than the typed path it goes into. NULL counts as absent, except in an array."""
    if value is None:
        return []
    if schema.type == "array":
        assert schema.items is not None
        if not isinstance(value, list):
            return [_mismatch(path, value, schema)]
        found: list[Problem] = []
        for index, item in enumerate(value):
            inner = f"{path}[{index}]"
            found += (
                [_mismatch(inner, item, schema.items)] if item is None else type_problems(inner, item, schema.items)
            )
        return found
    if schema.type == "object":
        if not isinstance(value, dict):
            return [_mismatch(path, value, schema)]
        known = ((name, schema.properties[name]) for name in value if name in schema.properties)
        return [problem for name, inner in known for problem in type_problems(_inside(path, name), value[name], inner)]
    return [] if _has_type(value, schema) else [_mismatch(path, value, schema)]


def value_problems(value: Any, schema: Schema, path: str = "") -> list[Problem]:
    """Type and rules of a value: what is required, allowed values, bounds and patterns."""
    if mistyped := type_problems(path, value, schema):
        return mistyped
    if isinstance(value, dict):
        missing = [
            _violation(_inside(path, name), inner.expected, "nothing")
            for name, inner in schema.properties.items()
            if name in schema.required and value.get(name) is None
        ]
        given = ((name, inner) for name, inner in schema.properties.items() if value.get(name) is not None)
        return missing + [
            found for name, inner in given for found in value_problems(value[name], inner, _inside(path, name))
        ]
    if isinstance(value, list):
        assert schema.items is not None
        return [
            found
            for index, item in enumerate(value)
            for found in value_problems(item, schema.items, f"{path}[{index}]")
        ]
    rule = rule_in_words(schema)
    return [] if _keeps_rule(value, schema) else [_violation(path, rule, _got(value, schema))]


def rule_in_words(schema: Schema) -> str:
    """The rule of a value beyond its type, or nothing."""
    if schema.enum:
        return f"one of {', '.join(str(value) for value in schema.enum)}"
    if schema.pattern:
        return f"{schema.expected} like {schema.pattern}"
    if schema.minimum is not None and schema.maximum is not None:
        return f"{schema.expected} from {schema.minimum} to {schema.maximum}"
    if schema.minimum is not None:
        return f"{schema.expected} of at least {schema.minimum}"
    return f"{schema.expected} of at most {schema.maximum}" if schema.maximum is not None else ""


def json_kind(value: Any) -> str:
    """What a JSON value is, without saying what it says."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "an array" if isinstance(value, list) else "an object"


def shown(value: Any) -> str:
    """The value as JSON, cut short."""
    import orjson

    if value is None:
        return "nothing"
    try:
        return _shown_text(orjson.dumps(value).decode())
    except TypeError:  # of the registry's examples: an integer beyond 64 bits
        return _shown_text(str(value))


def _shown_text(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def _who_and_what(event: Mapping[str, Any]) -> list[Problem]:
    problems = []
    name, kind = event.get("event"), _as_text(event.get("message_type"))
    if not is_event_name(name):
        too_long = isinstance(name, str) and is_event_name(name[:MAX_NAME_LENGTH])
        expected = f"at most {MAX_NAME_LENGTH} characters" if too_long else "a snake_case name"
        problems.append(Problem(Reason.MISSING_EVENT, "event", expected, shown(name)))
    if kind not in (None, *MessageType):
        kinds = f"one of {', '.join(MessageType)}"
        problems.append(Problem(Reason.MISSING_EVENT, "message_type", kinds, shown(event["message_type"])))
    # What a group is about is the group; a person may be named beside it.
    about = ("user_id", "anonymous_id", *(("group_id",) if kind == MessageType.GROUP else ()))
    if not any(event.get(key) not in (None, "") for key in about):
        problems.append(Problem(Reason.MISSING_IDENTITY, "user_id", "user_id or anonymous_id", "neither"))
    return problems


def _when(event: Mapping[str, Any], now: datetime) -> list[Problem]:
    instants = {key: parse_instant(event.get(key)) for key in INSTANTS}
    unreadable = [key for key in INSTANTS if event.get(key) is not None and instants[key] is None]
    if unreadable:
        return [Problem(Reason.BAD_TIMESTAMP, key, INSTANT_IN_WORDS, shown(event[key])) for key in unreadable]
    happened = event_time(*instants.values())
    if happened is None:
        return [Problem(Reason.BAD_TIMESTAMP, "timestamp", "timestamp or original_timestamp", "neither")]
    if happened < EARLIEST_INSTANT:
        return [Problem(Reason.BAD_TIMESTAMP, "timestamp", f"{EARLIEST_INSTANT.year} or later", happened.isoformat())]
    if happened > min(instants["received_at"] or now, now) + FUTURE_TOLERANCE:
        return [Problem(Reason.FUTURE_TIMESTAMP, "timestamp", "a time before it was received", happened.isoformat())]
    return []


def _fields(event: Mapping[str, Any]) -> list[Problem]:
    problems = [
        _violation(key, "text", json_kind(event[key])) for key in TEXTS if isinstance(event.get(key), list | dict)
    ]
    problems += [
        _violation(key, "true or false", shown(event[key]))
        for key in CONSENTS
        if (given := _as_text(event.get(key))) is not None and given.lower() not in CONSENT_VALUES
    ]
    problems += [
        _violation(key, "an object", json_kind(event[key]))
        for key in OBJECTS
        if event.get(key) not in (None, "") and _object(event[key]) is None
    ]
    return problems


def _as_text(value: Any) -> str | None:
    """A value of the line as the load reads it: what is no text, as its JSON."""
    import json

    if value is None or isinstance(value, str):
        return value
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def _object(value: Any) -> dict[str, Any] | None:
    """An object, also as the text of one: exports of warehouses write it so."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = _read(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) and not deeper_than(value, MAX_DEPTH) else None


def _has_type(value: Any, schema: Schema) -> bool:
    if schema.is_instant:
        return parse_instant(value) is not None
    if schema.type == "string":
        return isinstance(value, str)
    if schema.type == "boolean":
        return isinstance(value, bool)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < NUMBER_BOUND
    # 2.0 is an integer, as in JSON Schema: many languages write it so.
    return is_number and (schema.type == "number" or value == int(value))


def _keeps_rule(value: Any, schema: Schema) -> bool:
    if schema.enum:
        return value in schema.enum
    if schema.pattern:
        return re.fullmatch(schema.pattern, value, re.ASCII | re.DOTALL) is not None
    return (schema.minimum is None or value >= schema.minimum) and (schema.maximum is None or value <= schema.maximum)


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _mismatch(path: str, value: Any, schema: Schema) -> Problem:
    return _violation(path, schema.expected, _got(value, schema))


def _got(value: Any, schema: Schema) -> str:
    # What says something about a person is not repeated in a message, which may be shown where the event may not.
    return shown(value) if schema.pii == "none" else json_kind(value)


def _violation(path: str, expected: str, got: str) -> Problem:
    return Problem(Reason.SCHEMA_VIOLATION, path, expected, got)


class _Repeating(dict[str, Any]):
    """A JSON object that names a key twice."""

    repeated = ""


def _repeated(properties: Mapping[str, Any]) -> list[str]:
    return [properties.repeated] if isinstance(properties, _Repeating) else []


def _read(text: str) -> Any:
    """JSON as ClickHouse's reader takes it, keeping repeats: no NaN, no lone surrogates; an integer beyond 64 bits is
    the text of its digits."""
    import json

    import orjson

    orjson.loads(LONG_INTEGER.sub("0", text))

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        plain = dict(pairs)
        if len(plain) == len(pairs):
            return plain
        repeating = _Repeating(plain)
        names = [name for name, _ in pairs]
        repeating.repeated = next(name for name in names if names.count(name) > 1)
        return repeating

    def integer(digits: str) -> int | str:
        fits = len(digits) <= 20 and -(2**63) <= int(digits) < 2**64
        return int(digits) if fits else digits

    return json.loads(text, object_pairs_hook=build, parse_int=integer)
