"""The registry of event types: one YAML file each in event_types/, read and checked as a whole.

From it come the typed paths of `properties` (typed_paths), the validation (validation, validation_sql), the guide
(event_guide) and `millrace events`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from ingestion.contract import MAX_NAME_LENGTH, NUMBER_BOUND, MessageType
from ingestion.wire.names import snake_case
from warehouse.errors import MillraceError, nearest

EVENT_TYPES_FOLDER = Path(__file__).parent / "event_types"

# Of properties: they become words of SQL and of configuration. An event type is called as its events are.
PROPERTY_NAME = re.compile(f"[a-z][a-z0-9_]{{0,{MAX_NAME_LENGTH - 1}}}", re.ASCII)
EVENT_KEYS = {"name", "owner", "description", "synonyms", "message_type", "properties", "required", "deprecated"}
EVENT_KEYS |= {"example"}
SCHEMA_KEYS = {"description", "pii", "type", "enum", "minimum", "maximum", "pattern", "format", "items", "properties"}
SCHEMA_KEYS |= {"required", "deprecated"}
TYPES = ("string", "number", "integer", "boolean", "array", "object")
# What a keyword may stand beside. `type` itself and the words for people go with everything.
KEYWORD_TYPES = {
    "enum": ("string", "integer"),
    "minimum": ("number", "integer"),
    "maximum": ("number", "integer"),
    "pattern": ("string",),
    "format": ("string",),
    "items": ("array",),
    "properties": ("object",),
    "required": ("object",),
}


class Pii(StrEnum):
    """What a property says about a person; the project's privacy setting decides what is kept of it."""

    NONE = "none"
    PERSONAL = "personal"  # says who: e-mail, name, free text
    SENSITIVE = "sensitive"  # says more than anybody else needs to know: birth year, health, beliefs


@dataclass(frozen=True)
class Schema:
    """What a value must be: the part of JSON Schema that both Python and ClickHouse check alike."""

    type: str
    description: str = ""
    pii: Pii = Pii.NONE
    is_instant: bool = False  # format: date-time
    enum: tuple[str | int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""  # without its anchors: it is matched against the whole text
    items: Schema | None = None
    properties: Mapping[str, Schema] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    deprecated: str = ""

    @property
    def clickhouse_type(self) -> str:
        """The typed path's type. Absent is NULL, never 0 or an empty text; an absent array is empty."""
        if self.type == "array":
            assert self.items is not None
            return f"Array({self.items.clickhouse_element})"
        return self.clickhouse_element if self.type == "object" else _NULLABLE[self.scalar]

    @property
    def clickhouse_element(self) -> str:
        """The type inside an array, where there is no absent value."""
        if self.type == "object":
            parts = [f"max_dynamic_paths={_NESTED_DYNAMIC_PATHS}"]
            parts += [f"{name} {schema.clickhouse_type}" for name, schema in sorted(self.properties.items())]
            return f"JSON({', '.join(parts)})"
        return _PLAIN[self.scalar] if self.type != "array" else self.clickhouse_type

    @property
    def scalar(self) -> str:
        return "date-time" if self.is_instant else self.type

    @property
    def expected(self) -> str:
        """The type in words."""
        return _WORDS.get(self.scalar) or self._expected_container()

    def _expected_container(self) -> str:
        if self.items is not None:
            return f"array of {self.items.expected}"
        fields = ", ".join(f"{name} ({schema.expected})" for name, schema in sorted(self.properties.items()))
        return f"object with {fields}" if fields else "object"


# Text as LowCardinality(Nullable(String)): docs/decisions has the measurements.
_NULLABLE = {
    "string": "LowCardinality(Nullable(String))",
    "number": "Nullable(Float64)",
    "integer": "Nullable(Int64)",
    "boolean": "Nullable(Bool)",
    "date-time": "Nullable(DateTime64(3, 'UTC'))",
}
_PLAIN = {
    "string": "LowCardinality(String)",
    "number": "Float64",
    "integer": "Int64",
    "boolean": "Bool",
    "date-time": "DateTime64(3, 'UTC')",
}
_WORDS = {
    "string": "text",
    "number": "number",
    "integer": "integer",
    "boolean": "true or false",
    "date-time": "instant like 2026-01-31T12:00:00.000Z",
}
_NESTED_DYNAMIC_PATHS = 16


@dataclass(frozen=True)
class EventType:
    name: str
    owner: str
    description: str
    schema: Schema  # of the properties object
    message_type: MessageType = MessageType.TRACK
    deprecated: str = ""
    example: Mapping[str, Any] = field(default_factory=dict)
    synonyms: tuple[str, ...] = ()  # what people call it in questions

    @property
    def properties(self) -> Mapping[str, Schema]:
        return self.schema.properties


class Registry(Mapping[str, EventType]):
    """The event types by name."""

    def __init__(self, event_types: Iterable[EventType]) -> None:
        self._types = {event_type.name: event_type for event_type in event_types}
        # One type each over all event types, and the strictest of their PII classes.
        self.paths: dict[str, Schema] = {}
        for event_type in self._types.values():
            for path, schema in event_type.properties.items():
                first = self.paths.setdefault(path, schema)
                strictest = max(first.pii, schema.pii, key=list(Pii).index)
                self.paths[path] = replace(first, pii=strictest)

    def __getitem__(self, name: str) -> EventType:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def get_type(self, name: str) -> EventType:
        """The event type of that name, or an error that names the nearest ones."""
        if name not in self._types:
            raise MillraceError(
                f"No event type {name!r} is registered{nearest(name, self._types)}",
                hint="See `millrace events list`.",
            )
        return self._types[name]


def load_registry(folder: Path = EVENT_TYPES_FOLDER) -> Registry:
    """Read and check every file of the folder; the first mistake is an error that says where it is."""
    from ingestion.validation import value_problems

    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise MillraceError(f"{folder} holds no event types.", hint="Each is one YAML file; see docs/events.md.")
    if stray := sorted(path.name for path in folder.iterdir() if path.suffix == ".yml"):
        raise MillraceError(f"{folder / stray[0]} is not read: event types end in .yaml.")
    event_types = []
    first_use: dict[str, tuple[str, Schema]] = {}
    for path in files:
        event_type = _Reader(path).event_type()
        for name, schema in event_type.properties.items():
            file, first = first_use.setdefault(name, (path.name, schema))
            if first.clickhouse_type != schema.clickhouse_type:
                raise MillraceError(
                    f"{path.name}: properties.{name}: is {schema.expected} here and {first.expected} in {file}; "
                    "a name has one type in all events.",
                    hint=f"Make it {first.expected}, or give it another name.",
                )
        if problems := value_problems(event_type.example, event_type.schema):
            raise MillraceError(f"{path.name}: example: {problems[0].detail}.")
        event_types.append(event_type)
    return Registry(event_types)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C parser is 8 times as fast
    """YAML that refuses a key given twice, where the standard loader lets the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise yaml.constructor.ConstructorError(None, None, f"key {repeated[0]!r} is given twice", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


class _Reader:
    """One file into one event type; every refusal names file, key and the nearest right thing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, key: str, message: str, hint: str = "") -> MillraceError:
        stop = "" if message.endswith("?") else "."
        return MillraceError(f"{self.path.name}: {key}{': ' if key else ''}{message}{stop}", hint=hint)

    def event_type(self) -> EventType:
        try:
            document = yaml.load(self.path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader
        except yaml.YAMLError as error:
            raise self.fail("", f"not valid YAML: {' '.join(str(error).split())}") from error
        except UnicodeDecodeError as error:
            raise self.fail("", "not UTF-8") from error
        mapping = self.mapping("", document)
        self.known_keys("", mapping, EVENT_KEYS)
        name = self.text(mapping, "", "name")
        if name != (spelled := snake_case(name)):
            raise self.fail("name", f"{name!r} is not snake_case{_meant(spelled)}")
        if len(name) > MAX_NAME_LENGTH:
            raise self.fail("name", f"is longer than {MAX_NAME_LENGTH} characters")
        if name != self.path.stem:
            raise self.fail("name", f"{name!r} is not the file's name; rename the file to {name}.yaml")
        schema = self.schema(
            "",
            {"type": "object", **{key: mapping[key] for key in ("properties", "required") if key in mapping}},
        )
        return EventType(
            name=name,
            owner=self.text(mapping, "", "owner"),
            description=self.text(mapping, "", "description"),
            schema=schema,
            message_type=MessageType(self.one_of(mapping, "", "message_type", list(MessageType), MessageType.TRACK)),
            deprecated=self.deprecation(mapping, ""),
            example=self.mapping("example", mapping.get("example", {})),
            synonyms=self.synonyms(mapping),
        )

    def schema(self, where: str, given: Any) -> Schema:
        mapping = self.mapping(where, given)
        self.known_keys(where, mapping, SCHEMA_KEYS)
        kind = self.one_of(mapping, where, "type", TYPES)
        for keyword in mapping:
            if kind not in KEYWORD_TYPES.get(keyword, TYPES):
                allowed = " or ".join(KEYWORD_TYPES[keyword])
                raise self.fail(_join(where, keyword), f"belongs to type {allowed}, not to {kind}")
        if "enum" in mapping and (beside := {"minimum", "maximum", "pattern"} & mapping.keys()):
            raise self.fail(_join(where, "enum"), f"already says which values are allowed; remove {min(beside)}")
        if kind == "array" and "items" not in mapping:
            raise self.fail(where, "an array says of what: items: {type: …}")
        if "format" in mapping:
            self.one_of(mapping, where, "format", ("date-time",))
        properties = {
            self.property_name(_join(where, "properties"), name): self.schema(_join(where, f"properties.{name}"), entry)
            for name, entry in self.mapping(_join(where, "properties"), mapping.get("properties", {})).items()
        }
        return Schema(
            type=kind,
            description=self.text(mapping, where, "description", required=False),
            pii=Pii(self.one_of(mapping, where, "pii", list(Pii), Pii.NONE)),
            is_instant="format" in mapping,
            enum=self.enum(mapping, where, kind),
            minimum=self.number(mapping, where, "minimum"),
            maximum=self.number(mapping, where, "maximum"),
            pattern=self.pattern(mapping, where),
            items=self.schema(_join(where, "items"), mapping["items"]) if kind == "array" else None,
            properties=properties,
            required=self.required(mapping, where, properties),
            deprecated=self.deprecation(mapping, where),
        )

    def mapping(self, where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.fail(where, f"must be a mapping of keys to values, not {_shown(value)}")
        for key in value:
            if not isinstance(key, str):
                raise self.fail(where, f"key {key!r} is not text; quote it")
        return value

    def known_keys(self, where: str, mapping: Mapping[str, Any], known: Iterable[str]) -> None:
        for key in mapping:
            if key not in known:
                raise self.fail(_join(where, key), f"unknown key{nearest(key, known)}")

    def text(self, mapping: Mapping[str, Any], where: str, key: str, required: bool = True) -> str:
        value = mapping.get(key, "")
        if not isinstance(value, str):
            raise self.fail(_join(where, key), f"must be text, not {_shown(value)}; quote it")
        if required and not value.strip():
            raise self.fail(_join(where, key), "is missing")
        return value.strip()

    def one_of(
        self, mapping: Mapping[str, Any], where: str, key: str, known: Sequence[str], default: str | None = None
    ) -> str:
        if key not in mapping and default is not None:
            return default
        value = str(mapping.get(key, ""))
        if value not in known:
            raise self.fail(
                _join(where, key), f"must be one of {', '.join(known)}, not {_shown(value)}{nearest(value, known)}"
            )
        return value

    def property_name(self, where: str, name: str) -> str:
        # Without dots: ClickHouse reads a dot in a key as a path, and two spellings would be one column.
        if not PROPERTY_NAME.fullmatch(name):
            spelled = snake_case(name)
            meant = _meant(spelled if PROPERTY_NAME.fullmatch(spelled) else "")
            raise self.fail(_join(where, name), f"is not snake_case in plain letters{meant}")
        return name

    def enum(self, mapping: Mapping[str, Any], where: str, kind: str) -> tuple[str | int, ...]:
        if "enum" not in mapping:
            return ()
        values, wanted = mapping["enum"], str if kind == "string" else int
        if not isinstance(values, list) or not values:
            raise self.fail(_join(where, "enum"), "must be a list of the allowed values")
        for value in values:
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise self.fail(_join(where, "enum"), f"{_shown(value)} is not of type {kind}; quote a text")
        if len(set(values)) < len(values):
            raise self.fail(_join(where, "enum"), "names a value twice")
        return tuple(values)

    def number(self, mapping: Mapping[str, Any], where: str, key: str) -> float | None:
        value = mapping.get(key)
        if key in mapping and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self.fail(_join(where, key), f"must be a number, not {_shown(value)}")
        if value is not None and not abs(value) < NUMBER_BOUND:
            raise self.fail(_join(where, key), "must be smaller than 2^53, where numbers stop being exact")
        if key == "maximum" and value is not None and value < mapping.get("minimum", value):
            raise self.fail(_join(where, key), f"{value} is below the minimum, {mapping['minimum']}")
        return value

    def pattern(self, mapping: Mapping[str, Any], where: str) -> str:
        pattern = self.text(mapping, where, "pattern", required=False)
        if not pattern:
            return ""
        key = _join(where, "pattern")
        if not (pattern.startswith("^") and pattern.endswith("$") and not pattern.endswith(r"\$")):
            raise self.fail(key, f"matches the whole text, so it begins with ^ and ends with $: '^{pattern}$'")
        if re.search(r"\(\?(?!:)|\\[1-9]", pattern):
            raise self.fail(key, "looks around or back, which ClickHouse's expressions cannot")
        try:
            re.compile(pattern)
        except re.error as error:
            raise self.fail(key, f"is no regular expression: {error}") from error
        return pattern[1:-1]

    def required(self, mapping: Mapping[str, Any], where: str, properties: Mapping[str, Schema]) -> frozenset[str]:
        names = mapping.get("required", [])
        if not isinstance(names, list):
            raise self.fail(_join(where, "required"), "must be a list of property names")
        for name in names:
            if name not in properties:
                raise self.fail(
                    _join(where, "required"), f"{name!r} is not among the properties{nearest(str(name), properties)}"
                )
        return frozenset(names)

    def synonyms(self, mapping: Mapping[str, Any]) -> tuple[str, ...]:
        words = mapping.get("synonyms", [])
        if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
            raise self.fail("synonyms", "must be a list of what people call it")
        return tuple(word.strip() for word in words)

    def deprecation(self, mapping: Mapping[str, Any], where: str) -> str:
        value = mapping.get("deprecated", "")
        if not isinstance(value, str):
            raise self.fail(_join(where, "deprecated"), "says in words since when and what takes its place")
        return value.strip()


def _meant(name: str) -> str:
    return f"; did you mean {name!r}?" if name else ""


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "") else repr(value)
