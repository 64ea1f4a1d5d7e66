"""What the history of questions tells an analytics engineer: words to add as synonyms, what is refused, slow or bad."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from semantic_layer.ask.history import MASKED
from semantic_layer.metrics.catalogue import Catalogue
from warehouse.connection import endpoint, query_text
from warehouse.errors import MillraceError
from warehouse.settings import Settings

ROLE = "engineer"  # who may read ops
SECONDS = 30.0
MOST = 20
SLOW_MILLISECONDS = 2000

Report = dict[str, Any]


def read_report(settings: Settings, catalogue: Catalogue | None, project: str | None) -> Report:
    """`catalogue`: whose words are near to those that were not understood."""
    where = f"WHERE project_id = {_literal(project)}" if project else ""
    words = _known_words(catalogue) if catalogue else {}

    def rows(sql: str) -> list[dict[str, Any]]:
        return _rows(settings, sql.format(questions=f"(SELECT * FROM ops.questions FINAL {where})"))

    (sums,) = rows(
        "SELECT toUInt32(count()) AS questions, toUInt32(countIf(outcome = 'answered')) AS answered, "
        "toUInt32(countIf(outcome = 'empty')) AS empty, toUInt32(countIf(outcome = 'refused')) AS refused, "
        "toUInt32(countIf(outcome = 'failed')) AS failed, toUInt32(countIf(route = 'llm')) AS by_language_model, "
        "toUInt32(sum(tokens)) AS tokens, toUInt32(countIf(feedback = 'good')) AS good, "
        "toUInt32(countIf(feedback = 'bad')) AS bad, toString(min(asked_at)) AS first_asked_at FROM {questions}"
    )
    unknown = rows(
        "SELECT word, toUInt32(count()) AS questions, argMax(question, asked_at) AS example FROM {questions} "
        f"ARRAY JOIN arrayDistinct(arrayMap(w -> lower(w), unknown_words)) AS word WHERE word != '{MASKED}' "
        "AND match(word, '\\pL') GROUP BY word ORDER BY questions DESC, word"
    )
    # A word that is known needs no synonym: it stood where it did not fit, as `not` or `customers`.
    missing = [row for row in unknown if not _is_known(row["word"], catalogue)][:MOST]
    return {
        **sums,
        "unknown_words": [{**row, "nearest": _nearest(row["word"], words)} for row in missing],
        # What stands in quotation marks is of one question; the reason is the rest.
        "refusals": rows(
            "SELECT replaceRegexpAll(reason, $$'[^']*'(, '[^']*')*$$, '…') AS why, toUInt32(count()) AS questions, "
            "argMax(question, asked_at) AS example FROM {questions} WHERE outcome IN ('refused', 'failed') "
            f"GROUP BY why ORDER BY questions DESC, why LIMIT {MOST}"
        ),
        "slow": rows(
            "SELECT question, milliseconds, route, toString(asked_at) AS asked_at FROM {questions} "
            f"WHERE milliseconds >= {SLOW_MILLISECONDS} ORDER BY milliseconds DESC LIMIT {MOST}"
        ),
        "disliked": rows(
            "SELECT question, structure, toString(asked_at) AS asked_at FROM {questions} "
            f"WHERE feedback = 'bad' ORDER BY asked_at DESC LIMIT {MOST}"
        ),
    }


def _is_known(phrase: str, catalogue: Catalogue | None) -> bool:
    """Whether it holds questions together, says when, or is what something is called in a project."""
    from semantic_layer.ask.items import METRIC_KINDS, cut
    from semantic_layer.ask.lexicon import lexicon_of
    from semantic_layer.ask.phrases import OF_FOLLOW_UPS, OF_JOURNEYS, roles
    from semantic_layer.ask.time_points import Unreadable
    from semantic_layer.ask.tokens import tokenise

    tokens = tokenise(phrase)
    known = roles(OF_JOURNEYS, OF_FOLLOW_UPS)
    if catalogue is None or all((token.text,) in known for token in tokens):
        return all((token.text,) in known for token in tokens)
    kinds = METRIC_KINDS | {"event"}
    try:
        return any(
            all(item.is_known for item in cut(tokens, lexicon_of(catalogue, project), date.today(), kinds, known))
            for project in catalogue.projects
        )
    except Unreadable:  # a time, and none that can be asked for
        return True


def _rows(settings: Settings, sql: str) -> list[dict[str, Any]]:
    try:
        text = query_text(endpoint(settings, ROLE), f"{sql} FORMAT JSONEachRow", SECONDS)
    except OSError as error:
        raise MillraceError(
            "The history of questions cannot be read.",
            hint="Is the schema there (`millrace migrate`), and may the engineer read ops (`millrace access apply`)?",
        ) from error
    return [json.loads(line) for line in text.splitlines()]


def _known_words(catalogue: Catalogue) -> dict[str, str]:
    """Every word and phrase that a question may use, in small letters, and what it names."""
    found: dict[str, str] = {}
    things: Iterable[tuple[str, Iterable[str]]] = [
        *((m.name, (m.name.replace("_", " "), m.label, *m.synonyms)) for m in catalogue.metrics.values()),
        *((d.name, (d.label, *d.synonyms)) for d in catalogue.dimensions.values()),
        *(
            (f"{d.name} = {value}", (value, *d.value_synonyms.get(value, ())))
            for d in catalogue.dimensions.values()
            for value in dict.fromkeys(value for values in d.values.values() for value in values)
        ),
        *((event, (event.replace("_", " "),)) for facts in catalogue.projects.values() for event in facts.events),
    ]
    for name, phrases in things:
        for phrase in phrases:
            found.setdefault(phrase.lower(), name)
    return found


def _nearest(word: str, words: dict[str, str]) -> list[str]:
    from difflib import get_close_matches

    return [f"{near} ({words[near]})" for near in get_close_matches(word, words, n=3, cutoff=0.6)]


def _literal(text: str) -> str:
    from semantic_layer.journeys.rendering import literal

    return literal(text)
