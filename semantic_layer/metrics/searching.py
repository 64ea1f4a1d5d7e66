"""Looking for metrics by words."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from semantic_layer.metrics.catalogue import Catalogue, Metric


def found(catalogue: Catalogue, words: Sequence[str]) -> list[Metric]:
    """Those that every word is about: by name and label first, then by synonyms, then by all that is said of them."""
    ranked = []
    for metric in catalogue.metrics.values():
        ranks = [_rank(metric, word.lower()) for word in words]
        if all(rank is not None for rank in ranks):
            ranked.append((max((rank for rank in ranks if rank is not None), default=0), metric))
    return [metric for _, metric in sorted(ranked, key=lambda pair: pair[0])]


def similar(catalogue: Catalogue, words: Sequence[str]) -> str:
    """` Did you mean …?` for the names that are written like the words."""
    known = {word.lower(): metric.name for metric in catalogue.metrics.values() for word in _words(metric)}
    close = get_close_matches(" ".join(words).lower()[:200], known, n=3, cutoff=0.5)
    names = list(dict.fromkeys(known[word] for word in close))
    return f" Did you mean {' or '.join(names)}?" if names else ""


def _rank(metric: Metric, word: str) -> int | None:
    texts = (
        (metric.name, metric.label),
        metric.synonyms,
        (metric.description, metric.owner, metric.made_of, metric.kind),
    )
    return next((rank for rank, of in enumerate(texts) if any(word in text.lower() for text in of)), None)


def _words(metric: Metric) -> tuple[str, ...]:
    return metric.name, metric.label, *metric.synonyms
