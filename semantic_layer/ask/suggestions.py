"""Questions near one that cannot be answered: they share what was understood of it, and are answered themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from semantic_layer.ask.items import Item
from semantic_layer.ask.lexicon import Lexicon
from semantic_layer.ask.phrases import Role
from semantic_layer.ask.time_phrases import Each, Range
from semantic_layer.ask.tokens import Token, stem, words_of
from semantic_layer.ask.wording import inside
from semantic_layer.metrics.catalogue import Metric

MOST = 3
MOST_METRICS = 6  # that are looked at
# Where nothing that is measured is near.
FIRST = ("revenue", "active_users", "sessions", "orders", "sign_ups")
# They name nothing.
JOINING = frozenset(("in", "of", "by", "per", "the", "a", "an", "and", "to", "from", "for", "with", "on", "at"))
JOINING |= {"how", "many", "much", "what", "which", "do", "we", "our", "day", "week", "month", "quarter", "year"}
JOINING |= {"did", "does", "is", "are", "was", "were", "been", "has", "have", "had", "us", "i", "it", "that", "who"}


def nearest_questions(
    tokens: Sequence[Token], items: Sequence[Item], lexicon: Lexicon, answers: Callable[[str, str], bool]
) -> tuple[str, ...]:
    """Of each of the nearest metrics what shares the most with the question: the dimension, the value, the days.
    `answers`: whether a text is understood as a question for that metric."""
    catalogue = lexicon.catalogue
    wanted = {m.name for item in items for m in item.meanings if m.kind in ("dimension", "value")}
    found: list[str] = []
    spare: list[str] = []
    weekdays = any(token.stem in ("weekend", "weekday") for token in tokens)
    for name in _nearest(tokens, items, lexicon, wanted)[:MOST_METRICS]:
        own = (text for text in _questions(catalogue.metrics[name], items, lexicon, weekdays) if text not in found)
        good = (text for text in own if answers(text, name))
        found += [text for text in [next(good, "")] if text]
        spare += [text for text in [next(good, "")] if text and not spare]
        if len(found) == MOST:
            return tuple(found)
    return tuple(dict.fromkeys([*found, *spare]))[:MOST]


def _nearest(tokens: Sequence[Token], items: Sequence[Item], lexicon: Lexicon, wanted: set[str]) -> list[str]:
    """Metrics that are named first, people of whom others are asked last; then those one of whose names shares the most
    words with the question and has the fewest others."""
    metrics = lexicon.catalogue.metrics
    named = [(item, m) for item in items for m in item.named("metric")]
    meant = [m.name for item, m in named if not item.has(Role.PEOPLE)] or [m.name for _, m in named]
    times = {at for item in items if item.time for at in range(item.start, item.end)}
    said = {token.stem for at, token in enumerate(tokens) if at not in times} - JOINING
    said |= {stem(word) for name in meant for word in words_of(metrics[name].label)}
    scored = []
    for at, (name, (names, near)) in enumerate(lexicon.words_of_metrics.items()):
        if name not in meant and (metrics[name].needs_time or metrics[name].kind == "cumulative"):
            continue  # of the last 7 days, which the question has not named
        score = max(len(own & said) - 0.3 * len(own - said - JOINING) for own in names) + 0.1 * len(near & said)
        is_near = name in meant or any(own & said for own in names)
        score = score + 0.7 * bool(wanted & {*metrics[name].dimensions}) if is_near else 0
        place = FIRST.index(name) if name in FIRST else len(FIRST)
        scored.append((name not in meant, not is_near, -score, place, at, name))
    return [name for *_, name in sorted(scored)]


def _questions(metric: Metric, items: Sequence[Item], lexicon: Lexicon, weekdays: bool) -> Iterator[str]:
    label, dimensions = inside(metric.label), lexicon.catalogue.dimensions
    if weekdays and any(name.endswith("__weekday") for name in metric.dimensions):
        yield f"{label} by day of the week"
    days = [_said(item) for item in items if isinstance(item.time, Range)][:1]
    every = [_said(item) for item in items if isinstance(item.time, Each) and not item.text.startswith("a ")][:1]
    by = [
        f"by {item.text}"
        for item in items
        if any(meaning.name in metric.dimensions for meaning in item.named("dimension"))
    ][:1]
    of, of_all = _conditions(metric, items, lexicon)
    for parts in (
        (of_all, by, every, days),
        (of, by, every, days),
        (by, every, days),
        (of, days),
        (by, days),
        (by,),
        (every, days),
        (days,),
    ):
        if any(parts):
            yield " ".join((label, *(text for part in parts for text in part)))
    yield f"{label} last month"
    for name in metric.dimensions[:1]:
        yield f"{label} by {inside(dimensions[name].label)} last month"
    yield f"{label} per week"
    yield label


def _conditions(metric: Metric, items: Sequence[Item], lexicon: Lexicon) -> tuple[list[str], list[str]]:
    """The first of them, and all together, each value of one dimension: that which the metric has first."""
    told = []
    for item in items:
        fits = [
            meaning
            for meaning in item.named("value")
            if meaning.name in metric.dimensions and not (item.is_grammar or meaning.needs_dimension)
        ]
        if fits:
            best = min(fits, key=lambda one: (one.rank, metric.dimensions.index(one.name)))
            told.append(f"{inside(lexicon.catalogue.dimensions[best.name].label)} {best.value}")
    return [f"for {one}" for one in told[:1]], [f"for {' and '.join(told)}"] if len(told) > 1 else []


def _said(item: Item) -> str:
    return item.raw.strip()
