"""Questions that can be answered: near one that cannot, or that follow an answer."""

from __future__ import annotations

from collections.abc import Sequence

from semantic_layer.ask.lexicon import Lexicon
from semantic_layer.ask.tokens import Token
from semantic_layer.metrics.catalogue import Catalogue, Metric

MOST = 3
# They name nothing.
JOINING = frozenset(("in", "of", "by", "per", "the", "a", "an", "and", "to", "from", "for", "with", "on", "at"))
TIMES = ("last month", "per week", "this quarter")


def nearest_questions(tokens: Sequence[Token], lexicon: Lexicon) -> tuple[str, ...]:
    """About the metrics one of whose names shares the most words with the question, and has the fewest others."""
    catalogue, said = lexicon.catalogue, {token.stem for token in tokens} - JOINING
    scored = sorted(
        (
            (_shared(words, said), -number, name)
            for number, (name, words) in enumerate(lexicon.words_of_metrics.items())
        ),
        reverse=True,
    )
    return tuple(
        _question(catalogue.metrics[name], catalogue, number) for number, (_, _, name) in enumerate(scored[:MOST])
    )


def _shared(words: tuple[tuple[frozenset[str], ...], frozenset[str]], said: set[str]) -> float:
    names, near = words
    named = max(len(own & said) - 0.2 * len(own - said - JOINING) for own in names)
    return named + 0.1 * len(near & said)


def _question(metric: Metric, catalogue: Catalogue, number: int) -> str:
    is_word = metric.label[1:2].islower()  # no abbreviation
    label = f"{metric.label[0].lower()}{metric.label[1:]}" if is_word else metric.label
    dimension = next(
        (catalogue.dimensions[name].label.lower() for name in metric.dimensions if name in catalogue.dimensions), ""
    )
    if number == 1 and dimension:
        return f"{label} by {dimension} last month"
    return f"{label} {TIMES[number % len(TIMES)]}"
