"""What becomes of the context of an event: the contract's keys one by one, and all else in `other`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingestion.contract import CONTEXT_KEYS
from tests.integration.loading import event
from tests.support import Instance

# The context as sent, as JSON; the known keys that are told; what else there was.
CASES: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "nothing": ("{}", {}, {}),
    "known": (
        '{"page":{"url":"https://a.example/b","title":"T"},"locale":"de"}',
        {"page.url": "https://a.example/b", "page.title": "T", "locale": "de"},
        {},
    ),
    "numbers": (
        '{"screen":{"width":412,"density":1.5},"locale":true}',
        {"screen.width": "412", "screen.density": "1.5", "locale": "true"},
        {},
    ),
    "spaces": ('{ "page" : { "url" : "u" } ,\t "ip" : "203.0.113.9" }', {"page.url": "u", "ip": "203.0.113.0"}, {}),
    "another key": (
        '{"locale":"de","wallet":{"coins":3,"tags":["a","b"]}}',
        {"locale": "de"},
        {"wallet": {"coins": 3, "tags": ["a", "b"]}},
    ),
    "another key of a group": (
        '{"device":{"type":"ios","battery":0.5}}',
        {"device.type": "ios"},
        {"device": {"battery": 0.5}},
    ),
    "a group that is a text": ('{"campaign":"spring","locale":"de"}', {"locale": "de"}, {"campaign": "spring"}),
    "a text that is an object": ('{"locale":{"a":1}}', {"locale": '{"a":1}'}, {}),
    "a dot in a key": ('{"page.url":"dotted","page":{"url":"u"}}', {"page.url": "u"}, {"page": {"url": "dotted"}}),
    "a key called other": ('{"other":{"a":1}}', {}, {"other": {"a": 1}}),
    "a key within a text": (
        r'{"locale":"x\":y","page":{"title":"{\"a\":1}"}}',
        {"locale": 'x":y', "page.title": '{"a":1}'},
        {},
    ),
    "null": ('{"locale":null,"page":{"url":null},"wallet":null}', {}, {}),
    "twice": ('{"locale":"x","locale":"y","page":{"url":"a","url":"b"}}', {"locale": "x", "page.url": "a"}, {}),
    "empty": ('{"page":{},"locale":"","wallet":{}}', {}, {}),
    "an address within": (
        '{"client":{"ip":"203.0.113.9"},"ip":"203.0.113.8"}',
        {"ip": "203.0.113.0"},
        {"client": {"ip": "203.0.113.9"}},
    ),
}


@pytest.fixture(scope="module")
def contexts(clickhouse: Instance, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    lines = []
    for number, (text, _, _) in enumerate(CASES.values()):
        line = json.dumps({**event(number, "context"), "context": "HERE"})
        lines.append(line.replace('"HERE"', text))
    path = tmp_path_factory.mktemp("contexts") / "contexts.jsonl"
    path.write_text("\n".join(lines) + "\n")
    told = clickhouse.json("load", str(path))
    assert (told["accepted"], told["rejected"]) == (len(CASES), {})
    rows = clickhouse.rows(
        "SELECT toUInt32(splitByChar('-', event_id)[-1]), toJSONString(context) FROM raw.events "
        "WHERE startsWith(event_id, 'context-')"
    )
    found = {int(number): json.loads(str(context)) for number, context in rows}
    return {name: found[number] for number, name in enumerate(CASES)}


@pytest.mark.parametrize("case", CASES)
def test_each_key_is_in_its_place(contexts: dict[str, dict[str, Any]], case: str) -> None:
    _, known, other = CASES[case]
    context = contexts[case]
    told = {}
    for key in CONTEXT_KEYS:
        group, _, name = key.path.partition(".")
        if value := (context[group][name] if name else context[group]):
            told[key.path] = value
    assert told == known
    assert context["other"] == other
