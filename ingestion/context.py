"""The context of an event, from JSON text into the column of raw.events: a named tuple of the contract's keys, and what
an SDK sends besides as JSON in `other`.

Not one JSON column with typed paths: ClickHouse takes about half a microsecond per path to parse into JSON, and nearly
every event has some twenty of these. `python -m bench.context` prints the difference.
"""

from __future__ import annotations

from ingestion.contract import CONTEXT_KEYS

OTHER = "other"
MAX_OTHER_PATHS = 64

Groups = dict[str, dict[str, str]]  # page -> {url: type, …}; locale -> {'': type}


def _groups() -> Groups:
    groups: Groups = {}
    for key in CONTEXT_KEYS:
        group, _, name = key.path.partition(".")
        groups.setdefault(group, {})[name] = key.clickhouse_type
    return groups


def _known_elements() -> list[str]:
    return [
        f"{group} {names['']}"
        if "" in names
        else f"{group} Tuple({', '.join(f'{name} {kind}' for name, kind in names.items())})"
        for group, names in _groups().items()
    ]


def context_type() -> str:
    return f"Tuple({', '.join(_known_elements())}, {OTHER} JSON(max_dynamic_paths={MAX_OTHER_PATHS}))"


def known_context(text: str) -> str:
    """The contract's keys out of a JSON text."""
    return f"JSONExtract({text}, 'Tuple({', '.join(_known_elements())})')"


def whole_context(text: str, known: str) -> str:
    """The value of the column; `known` is what known_context has made of `text`."""
    return (
        f"CAST(tupleConcat({known}, tuple(if({_count_of_keys(known)} = countSubstrings({text}, '\":'), '{{}}', "
        f"{_besides(text)}))), '{context_type()}')"
    )


def _count_of_keys(known: str) -> str:
    """How many keys the JSON has at least. With exactly as many there is nothing else in it: what has more, or a `":`
    in one of its texts, is looked at closely."""
    counts = []
    for group, names in _groups().items():
        given = [f"notEmpty({known}.{group}{'.' if name else ''}{name})" for name in names]
        counts += given if "" in names else [*given, f"({' OR '.join(given)})"]
    return " + ".join(counts)


def _besides(text: str) -> str:
    """The JSON without the contract's keys."""
    whole = ", ".join(f"'{key.path}'" for key in CONTEXT_KEYS if "." not in key.path)
    inner = ", ".join(f"'{key.path}'" for key in CONTEXT_KEYS if "." in key.path)
    others = f"arrayFilter(key -> NOT has([{inner}], concat(pair.1, '.', key.1)), JSONExtractKeysAndValuesRaw(pair.2))"
    value = f"if(startsWith(pair.2, '{{'), {_object(others, 'key')}, pair.2)"
    pairs = f"arrayFilter(pair -> NOT has([{whole}], pair.1), JSONExtractKeysAndValuesRaw({text}))"
    return _object(f"arrayMap(pair -> (pair.1, {value}), {pairs})", "pair")


def _object(pairs: str, pair: str) -> str:
    members = f"arrayMap({pair} -> concat(toJSONString({pair}.1), ':', {pair}.2), {pairs})"
    return f"concat('{{', arrayStringConcat({members}, ','), '}}')"
