"""Questions that can be answered: near one that cannot, or that follow an answer."""

from __future__ import annotations

from collections.abc import Sequence

from semantic_layer.ask.tokens import Token, singular, words_of
from semantic_layer.metrics.catalogue import Catalogue, Metric

MOST = 3
TIMES = ("last month", "per week", "this quarter")


def nearest_questions(tokens: Sequence[Token], catalogue: Catalogue) -> tuple[str, ...]:
    """About the metrics that share the most words with the question."""
    said = {token.stem for token in tokens}
    scored = sorted(
        ((_shared(metric, said), -number, metric) for number, metric in enumerate(catalogue.metrics.values())),
        key=lambda entry: entry[:2],
        reverse=True,
    )
    return tuple(_question(metric, catalogue, number) for number, (_, _, metric) in enumerate(scored[:MOST]))


def _shared(metric: Metric, said: set[str]) -> float:
    own = {singular(word) for phrase in (metric.name, metric.label, *metric.synonyms) for word in words_of(phrase)}
    near = {singular(word) for word in words_of(metric.description)}
    return len(own & said) + 0.3 * len(near & said) - 0.01 * len(own)


def _question(metric: Metric, catalogue: Catalogue, number: int) -> str:
    label = metric.label if metric.label.isupper() else f"{metric.label[0].lower()}{metric.label[1:]}"
    dimension = next(
        (catalogue.dimensions[name].label.lower() for name in metric.dimensions if name in catalogue.dimensions), ""
    )
    if number == 1 and dimension:
        return f"{label} by {dimension} last month"
    return f"{label} {TIMES[number % len(TIMES)]}"
