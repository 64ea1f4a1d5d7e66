"""The checks of `validation` as a ClickHouse query, made from the contract and the registry.

Shaped for speed: the properties are parsed once, into pairs of key and raw value; each pair is looked up by its key
(the type) and by event and key (the rule); words are put together only for the rows that fail. Steps are nested
selects, not one expression with names for its parts: ClickHouse puts the whole part where its name stands, and the
query becomes too big to plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ingestion.contract import (
    BROKEN_OFF,
    BROKEN_OFF_EXPECTED,
    BROKEN_OFF_GOT,
    COLUMNS,
    CONSENTS,
    EARLIEST_INSTANT,
    EVENT_NAME_PATTERN,
    FUTURE_TOLERANCE,
    INSTANT_PATTERN,
    INSTANTS,
    MAX_DEPTH,
    MAX_LINE_BYTES,
    MAX_NAME_LENGTH,
    MAX_PROPERTIES,
    NUMBER_BOUND,
    TEXTS,
    MessageType,
    Reason,
)
from ingestion.validation import CONSENT_VALUES, INSTANT_IN_WORDS, SHOWN_CHARACTERS, rule_in_words

if TYPE_CHECKING:
    from ingestion.registry import Registry, Schema

# The parts of a JSON text that tell how deep it is; a bracket inside of a text is none.
TEXTS_AND_BRACKETS = r'"(?:[^"\\]|\\.)*"|[\[\]{}]'
# What JSONExtract reads a canonical line into. All text: a value of another kind arrives as its JSON, and can be named.
LINE_TYPE = f"Tuple({', '.join(f'{column.name} Nullable(String)' for column in COLUMNS if column.sent)})"


def with_violation(registry: Registry, source: str, event: str = "event", properties: str = "properties") -> str:
    """A select of the columns of `source` and `violation`: '' or the first broken rule of the properties.

    It reads as `price: expected number, got "abc"`. `event` and `properties` are columns or expressions; the properties
    are the object as JSON text, '' and null stand for an absent one.
    """
    return _nested(source, *_property_steps(registry, event, properties))


def with_rejection(registry: Registry, source: str, known_project: str = "1", now: str = "now64(3)") -> str:
    """A select of the columns of `source` and what its `line`s hold: fields, ip, happened_at, reason and detail.

    `fields` is the tuple LINE_TYPE; `ip` what its context calls so; `happened_at` the corrected time of the event;
    `reason` is '' for a line that is accepted. `known_project` is a condition on `fields.project_id`.
    """
    checks = [*_line_checks(), *_who_and_what(), *_when(), *_project_and_size(known_project), *_fields()]
    checks.append(("violation != ''", Reason.SCHEMA_VIOLATION, "violation"))
    instants = [f"{_instant(f'fields.{key}')} AS check_{key}" for key in INSTANTS]
    return _nested(
        source,
        f"JSONExtract(line, '{LINE_TYPE}') AS fields",
        f"JSONLength(line) AS check_line_length, {', '.join(instants)}, "
        f"JSONExtractString({_whole('fields.context')}, 'ip') AS ip",
        f"{_HAPPENED_AT} AS happened_at, least(ifNull(check_received_at, {now}), {now}) AS check_received",
        *_property_steps(registry, _given("fields.event"), _whole("fields.properties")),
        f"{_first_true([condition for condition, _, _ in checks])} AS check_line",
        f"[{_texts(reason for _, reason, _ in checks)}][check_line] AS reason, "
        f"{_choose('check_line', [detail for _, _, detail in checks])} AS detail",
    )


# As contract.event_time has it; NULL where no time is given.
_HAPPENED_AT = (
    "coalesce(check_timestamp, check_original_timestamp - "
    "toIntervalMillisecond(dateDiff('millisecond', check_received_at, check_sent_at)), check_original_timestamp)"
)

Check = tuple[str, Reason, str]  # condition, reason, detail


def _property_steps(registry: Registry, event: str, properties: str) -> list[str]:
    repeated = "arrayFirst(key -> countEqual(check_keys, key) > 1, check_keys)"
    checks = [
        ("length(check_keys) != length(arrayDistinct(check_keys))", _detail(repeated, "'each key once'", "'it twice'")),
        ("check_mistyped.2 != ''", _mistyped_detail(registry)),
        ("check_missing != ''", _detail("check_missing", _expected(registry, "check_missing"), "'nothing'")),
        ("check_ruleless.2 != ''", _ruleless_detail(registry)),
    ]
    return [
        f"{event} AS check_event, JSONExtractKeysAndValuesRaw({properties}) AS check_pairs",
        "arrayMap(pair -> pair.1, check_pairs) AS check_keys, "
        f"{_mistyped(registry)} AS check_mistyped, "
        f"{_lookup('check_event', _numbered(registry))} AS check_registered, "
        f"{_missing(registry)} AS check_missing, "
        f"{_ruleless(registry)} AS check_ruleless",
        f"{_first_true([condition for condition, _ in checks])} AS check_properties",
        f"{_choose('check_properties', [detail for _, detail in checks])} AS violation",
    ]


def _line_checks() -> list[Check]:
    given = " + ".join(f"isNotNull(fields.{column.name})" for column in COLUMNS if column.sent)
    distinct = "length(arrayDistinct(JSONExtractKeys(line)))"
    no_object = "(NOT startsWith(line, '{') AND JSONType(line) != 'Object')"
    broken_off = _text(BROKEN_OFF)
    size = _detail("", f"'at most {MAX_LINE_BYTES:,} bytes'", "concat(toString(length(line)), ' bytes')")
    return [
        (f"length(line) > {MAX_LINE_BYTES}", Reason.TOO_LARGE, size),
        (
            f"check_line_length = 0 OR {no_object}",
            Reason.INVALID_JSON,
            # Told apart here only, where few lines come: each condition more costs every line.
            _detail(
                "",
                f"if(line = {broken_off}, {_text(BROKEN_OFF_EXPECTED)}, 'one JSON object')",
                f"if(line = {broken_off}, {_text(BROKEN_OFF_GOT)}, 'something else')",
            ),
        ),
        (
            # Where every value is of another field, no key is there twice: most lines need no list of their keys.
            f"check_line_length != {given} AND {distinct} != check_line_length",
            Reason.INVALID_JSON,
            _detail("", "'each key once'", "'one twice'"),
        ),
        (_is_deep("line"), Reason.INVALID_JSON, _detail("", f"'at most {MAX_DEPTH} levels'", "'more'")),
    ]


def _who_and_what() -> list[Check]:
    event = _given("fields.event")
    named = f"check_registered != 0 OR match({event}, {_text(f'^{EVENT_NAME_PATTERN}$')})"
    # As text, 17 and "17" are one; only where it may be the first is the line looked at again.
    no_text = (
        f"if(check_registered = 0 AND match({event}, '^([0-9]+|true|false)$'), JSONType(line, 'event') != 'String', 0)"
    )
    kind = f"fields.message_type NOT IN ({_texts(MessageType)})"
    nobody = f"{_given('fields.user_id')} = '' AND {_given('fields.anonymous_id')} = ''"
    a_group = f"{_given('fields.message_type')} = '{MessageType.GROUP}' AND {_given('fields.group_id')} != ''"
    return [
        (f"NOT ({named}) OR {no_text}", Reason.MISSING_EVENT, _field_detail("event", "a snake_case name")),
        (
            f"lengthUTF8({event}) > {MAX_NAME_LENGTH}",
            Reason.MISSING_EVENT,
            _field_detail("event", f"at most {MAX_NAME_LENGTH} characters"),
        ),
        (kind, Reason.MISSING_EVENT, _field_detail("message_type", f"one of {', '.join(MessageType)}")),
        (
            f"{nobody} AND NOT ({a_group})",
            Reason.MISSING_IDENTITY,
            _detail("'user_id'", "'user_id or anonymous_id'", "'neither'"),
        ),
    ]


def _when() -> list[Check]:
    earliest = f"toDateTime64('{EARLIEST_INSTANT:%Y-%m-%d %H:%M:%S}', 3, 'UTC')"
    latest = f"check_received + toIntervalSecond({FUTURE_TOLERANCE.total_seconds():.0f})"
    unreadable = [
        (
            f"fields.{key} IS NOT NULL AND check_{key} IS NULL",
            Reason.BAD_TIMESTAMP,
            _field_detail(key, INSTANT_IN_WORDS),
        )
        for key in INSTANTS
    ]
    happened = "toString(happened_at)"
    none = _detail("'timestamp'", "'timestamp or original_timestamp'", "'neither'")
    too_early = _detail("'timestamp'", f"'{EARLIEST_INSTANT.year} or later'", happened)
    too_late = _detail("'timestamp'", "'a time before it was received'", happened)
    return [
        *unreadable,
        ("happened_at IS NULL", Reason.BAD_TIMESTAMP, none),
        (f"happened_at < {earliest}", Reason.BAD_TIMESTAMP, too_early),
        (f"happened_at > {latest}", Reason.FUTURE_TIMESTAMP, too_late),
    ]


def _project_and_size(known_project: str) -> list[Check]:
    size = _detail("'properties'", f"'at most {MAX_PROPERTIES} keys'", "toString(length(check_pairs))")
    return [
        (
            f"NOT ifNull({known_project}, 0)",
            Reason.UNKNOWN_PROJECT,
            _field_detail("project_id", "a project of projects.yaml"),
        ),
        (f"length(check_pairs) > {MAX_PROPERTIES}", Reason.TOO_MANY_PROPERTIES, size),
    ]


def _fields() -> list[Check]:
    # The text of an id may begin with a brace, {3F25-…}; only what is JSON was an object or an array.
    checks = [
        (
            f"(startsWith(fields.{key}, '{{') OR startsWith(fields.{key}, '[')) AND isValidJSON(fields.{key})",
            _detail(_text(key), "'text'", "'an array or an object'"),
        )
        for key in TEXTS
    ]
    checks += [
        (f"lower(fields.{key}) NOT IN ({_texts(CONSENT_VALUES)})", _field_detail(key, "true or false"))
        for key in CONSENTS
    ]
    checks += [
        (
            f"fields.{key} != '' "
            f"AND (NOT (startsWith(fields.{key}, '{{') AND ({read} OR isValidJSON(fields.{key}))) "
            f"OR {_is_deep(_whole(f'fields.{key}'))})",
            _field_detail(key, "an object"),
        )
        # What something could be read from is valid JSON; only the rest is looked at again.
        for key, read in (("properties", "notEmpty(check_pairs)"), ("context", "ip != ''"))
    ]
    return [(condition, Reason.SCHEMA_VIOLATION, detail) for condition, detail in checks]


def _is_deep(text: str) -> str:
    """Whether valid JSON nests too deep: a walk over its brackets, of the few texts that have enough of them."""
    tokens = f"extractAll({text}, {_text(TEXTS_AND_BRACKETS)})"
    step = "multiIf(token IN ('{', '['), 1, token IN ('}', ']'), -1, 0)"
    many = f"countSubstrings({text}, '{{') + countSubstrings({text}, '[') > {MAX_DEPTH}"
    small = f"length({text}) <= {MAX_LINE_BYTES}"
    return f"if({small} AND {many}, arrayMax(arrayCumSum(token -> {step}, {tokens})) > {MAX_DEPTH}, 0)"


def _mistyped(registry: Registry) -> str:
    """The first pair whose value does not go into its typed path."""
    schemas = {schema.clickhouse_type: schema for schema in registry.paths.values()}
    numbers = _numbered(schemas)
    number = _lookup("pair.1", {path: numbers[schema.clickhouse_type] for path, schema in registry.paths.items()})
    return _first_pair_against(number, [_has_type(schema, "pair.2") for schema in schemas.values()])


def _mistyped_detail(registry: Registry) -> str:
    return _detail("check_mistyped.1", _expected(registry, "check_mistyped.1"), _got("check_mistyped", registry))


def _missing(registry: Registry) -> str:
    """The first name that the event requires and that is not given."""
    lists = [f"[{_texts(sorted(event_type.schema.required))}]" for event_type in registry.values()]
    # The first list is that of event types nobody registered.
    here = f"[CAST([], 'Array(String)'), {', '.join(lists)}][1 + check_registered]"
    given = "arrayMap(pair -> pair.1, arrayFilter(pair -> pair.2 != 'null', check_pairs))"
    return f"arrayFirst(name -> NOT has({given}, name), {here})"


def _ruleless(registry: Registry) -> str:
    """The first pair that breaks its event's rule."""
    rules = {key: _rule(schema, "pair.2") for key, schema in _ruled(registry).items()}
    numbers = _numbered(rules.values())
    number = _lookup("concat(check_event, '/', pair.1)", {key: numbers[rule] for key, rule in rules.items()})
    return _first_pair_against(number, list(numbers))


def _ruleless_detail(registry: Registry) -> str:
    words = {key: rule_in_words(schema) or schema.expected for key, schema in _ruled(registry).items()}
    expected = _words("concat(check_event, '/', check_ruleless.1)", words)
    return _detail("check_ruleless.1", expected, _got("check_ruleless", registry))


def _ruled(registry: Registry) -> dict[str, Schema]:
    return {
        f"{event_type.name}/{path}": schema
        for event_type in registry.values()
        for path, schema in event_type.properties.items()
        if _rule(schema, "pair.2")
    }


def _first_pair_against(number: str, conditions: Sequence[str]) -> str:
    """The first pair that fails the condition of its number; pairs of number 0 have none."""
    holds = _choose("check_number", conditions, otherwise="1", definition=number)
    return f"arrayFirst(pair -> pair.2 != 'null' AND NOT {holds}, check_pairs)"


def _has_type(schema: Schema, raw: str, depth: int = 0) -> str:
    """Whether a raw JSON value, not null, goes into the schema's typed path."""
    if schema.is_instant:
        return f"({_instant(f'JSONExtractString({raw})')} IS NOT NULL AND startsWith({raw}, '\"'))"
    if schema.type == "string":
        return f"startsWith({raw}, '\"')"
    if schema.type == "boolean":
        return f"{raw} IN ('true', 'false')"
    if schema.type in ("number", "integer"):
        exact = f"ifNull(abs(toFloat64OrNull({raw})) < {NUMBER_BOUND}, 0)"
        return exact if schema.type == "number" else f"({exact} AND toInt64OrNull({raw}) IS NOT NULL)"
    inner = f"inner{depth}"
    if schema.items is not None:
        items = _has_type(schema.items, inner, depth + 1)
        return f"(startsWith({raw}, '[') AND arrayAll({inner} -> {items}, JSONExtractArrayRaw({raw})))"
    fits = _by_key(inner, {key: _has_type(value, f"{inner}.2", depth + 1) for key, value in schema.properties.items()})
    return f"(startsWith({raw}, '{{') AND arrayAll({inner} -> {fits}, JSONExtractKeysAndValuesRaw({raw})))"


def _rule(schema: Schema, raw: str, depth: int = 0) -> str:
    """Whether a raw JSON value of the right type keeps the schema's rule; '' for a schema without rules."""
    inner = f"inner{depth}"
    rules = []
    if schema.enum:
        rules.append(f"{raw} IN ({_texts(_json(value) for value in schema.enum)})")
    if schema.pattern:
        rules.append(f"match(JSONExtractString({raw}), {_text(f'^(?:{schema.pattern})$')})")
    if schema.minimum is not None:
        rules.append(f"toFloat64OrZero({raw}) >= {schema.minimum}")
    if schema.maximum is not None:
        rules.append(f"toFloat64OrZero({raw}) <= {schema.maximum}")
    if schema.items is not None and (rule := _rule(schema.items, inner, depth + 1)):
        rules.append(f"arrayAll({inner} -> {rule}, JSONExtractArrayRaw({raw}))")
    # The properties' own required keys are looked at by event, see _missing; `depth` 0 is a property.
    pairs = f"JSONExtractKeysAndValuesRaw({raw})"
    if schema.required:
        given = f"arrayMap({inner} -> {inner}.1, arrayFilter({inner} -> {inner}.2 != 'null', {pairs}))"
        rules.append(f"hasAll({given}, [{_texts(sorted(schema.required))}])")
    inside = {key: _rule(value, f"{inner}.2", depth + 1) for key, value in schema.properties.items()}
    if ruled := {key: rule for key, rule in inside.items() if rule}:
        rules.append(f"arrayAll({inner} -> {_by_key(inner, ruled)}, {pairs})")
    return f"({' AND '.join(rules)})" if rules else ""


def _by_key(pair: str, conditions: Mapping[str, str]) -> str:
    """The condition of the pair's key; true for other keys and for null."""
    branches = "".join(f"{pair}.1 = {_text(key)}, {condition}, " for key, condition in conditions.items())
    return f"multiIf({pair}.2 = 'null', 1, {branches}1)"


def _instant(text: str) -> str:
    """The DateTime64 a text names, cut to milliseconds; NULL for anything else."""
    parsed = f"parseDateTime64BestEffortOrNull({text}, 3, 'UTC')"
    return f"if(match(ifNull({text}, ''), {_text(f'^{INSTANT_PATTERN}$')}), {parsed}, NULL)"


def _lookup(key: str, numbers: Mapping[str, int]) -> str:
    """The key's number by hash, 0 for one that is not there."""
    if not numbers:
        return "0"
    return f"transform({key}, [{_texts(numbers)}], [{', '.join(map(str, numbers.values()))}], 0)"


def _choose(number: str, results: Sequence[str], otherwise: str = "''", definition: str = "") -> str:
    """The first result for 1, the second for 2 …; `definition` is what `number` stands for, where it is a new name."""
    first = f"({definition} AS {number})" if definition else number
    branches = "".join(f"{number} = {place}, {result}, " for place, result in enumerate(results, start=1))
    return f"multiIf({first} = 0, {otherwise}, {branches}{otherwise})"


def _first_true(conditions: Sequence[str]) -> str:
    """The number of the first condition that holds, or 0.

    Not multiIf: it works each condition out for the rows that are left and copies their columns every time, which took
    15 times as long. An array is worked out as a whole.
    """
    return f"arrayFirstIndex(holds -> holds, [{', '.join(f'ifNull({condition}, 0)' for condition in conditions)}])"


def _nested(source: str, *steps: str) -> str:
    """Selects around each other, each adding columns for the next ones. The last one lets only its own out."""
    for step in steps[:-1]:
        source = f"(SELECT *, {step} FROM {source})"
    return f"SELECT * EXCEPT ('^(check_|violation$)'), {steps[-1]} FROM {source}"


def _words(key: str, words: Mapping[str, str]) -> str:
    return f"transform({key}, [{_texts(words)}], [{_texts(words.values())}], '')" if words else "''"


def _got(pair: str, registry: Registry) -> str:
    """The value cut short; only its kind where it says something about a person."""
    private = [path for path, schema in registry.paths.items() if schema.pii != "none"]
    kind = (
        f"multiIf(startsWith({pair}.2, '\"'), 'a text', startsWith({pair}.2, '['), 'an array', "
        f"startsWith({pair}.2, '{{'), 'an object', {pair}.2 IN ('true', 'false'), 'true or false', 'a number')"
    )
    return f"if({pair}.1 IN ({_texts(private)}), {kind}, {_cut(f'{pair}.2')})" if private else _cut(f"{pair}.2")


def _cut(text: str) -> str:
    start = f"substringUTF8({text}, 1, {SHOWN_CHARACTERS})"
    return f"if(lengthUTF8({text}) > {SHOWN_CHARACTERS}, concat({start}, '…'), {text})"


def _expected(registry: Registry, path: str) -> str:
    return _words(path, {name: schema.expected for name, schema in registry.paths.items()})


def _field_detail(key: str, expected: str) -> str:
    return _detail(_text(key), _text(expected), f"ifNull({_cut(f'fields.{key}')}, 'nothing')")


def _detail(path: str, expected: str, got: str) -> str:
    where = f"{path}, ': expected '" if path else "'expected '"
    return f"concat({where}, {expected}, ', got ', {got})"


def _given(field: str) -> str:
    return f"ifNull({field}, '')"


def _whole(field: str) -> str:
    """A long text, '' where it is NULL, as it lies there: ifNull would copy it."""
    return f"assumeNotNull({field})"


def _numbered(values: Iterable[str]) -> dict[str, int]:
    """1, 2, … by first appearance."""
    return {value: number for number, value in enumerate(dict.fromkeys(values), start=1)}


def _texts(values: Iterable[str]) -> str:
    return ", ".join(_text(value) for value in values)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _json(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False)
