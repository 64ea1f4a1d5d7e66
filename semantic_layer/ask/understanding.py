"""From a question in plain English to what is asked, or to why it is not answered. No model of language, no SQL: every
word that says something must be known, and the pieces must fit together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from semantic_layer.ask.aggregations import NotMade
from semantic_layer.ask.attempts import Attempt
from semantic_layer.ask.countries import name_of, names_everywhere
from semantic_layer.ask.country_codes import is_placed, with_codes
from semantic_layer.ask.declined import declined
from semantic_layer.ask.following import FollowUpReader, amended
from semantic_layer.ask.items import EVENT_KINDS, JOURNEY_KINDS, METRIC_KINDS, Item, cut
from semantic_layer.ask.journey_following import JourneyFollowUpReader, amended_journey
from semantic_layer.ask.journey_questions import QUESTIONS
from semantic_layer.ask.lexicon import Lexicon, lexicon_of
from semantic_layer.ask.metric_questions import NOTHING_MEASURED, build
from semantic_layer.ask.metric_reader import MetricReader
from semantic_layer.ask.missing_values import without_such_a_value
from semantic_layer.ask.phrases import OF_FOLLOW_UPS, OF_JOURNEYS, Role, roles
from semantic_layer.ask.resolution import Assumptions, Unclear
from semantic_layer.ask.spelling import mend
from semantic_layer.ask.suggestions import MOST, nearest_questions
from semantic_layer.ask.time_phrases import Against, Range
from semantic_layer.ask.time_points import Unreadable
from semantic_layer.ask.tokens import LONGEST_QUESTION, Token, fold, key_of, tokenise
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.journeys.models import Journey
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import Compare, MetricQuery

MOST_WORDS = 80
HANGING = ("by", "in", "of", "for", "on", "at")  # on a word that may be unknown
QUANTILES = ("p50", "p75", "p90", "p95", "p99")


NEGATING = {"never", "but", "but not"}
UNCHANGED = "It is not clear what of the question before it changes."


@dataclass(frozen=True)
class Context:
    """Of whom and when a question is asked. `today` is the newest day that can be asked for: the day in the project's
    timezone, or the last one with data."""

    project: str
    today: date
    previous: Understood | None = None  # the question before, which this one may amend


def understand(question: str, catalogue: Catalogue, context: Context) -> Understood | Refusal:
    if len(question) > LONGEST_QUESTION:
        return Refusal(f"The question is longer than {LONGEST_QUESTION} characters: ask for one thing at a time.")
    tokens, lexicon = with_codes(tokenise(question)), lexicon_of(catalogue, context.project)
    if not tokens or len(tokens) > MOST_WORDS:
        reason = "There is no question." if not tokens else f"The question has more than {MOST_WORDS} words."
        return Refusal(reason, suggestions=_suggested((), lexicon, context))
    if reason := declined(tokens, lexicon):
        return Refusal(reason, suggestions=_suggested(tokens, lexicon, context), is_final=True)
    try:
        attempts = _attempts(tokens, lexicon, context)
        if found := _first(attempts):
            return found
        mended = [(way, _attempts(way.tokens, lexicon, context)) for way in mend(tokens, lexicon)]
    except Unreadable as error:
        return Refusal(str(error), suggestions=_suggested(tokens, lexicon, context))
    read = [(way, found) for way, attempts in mended if (found := _first(attempts, way.corrections))]
    if len({found.query for _, found in read}) > 1:
        ways = [f"{wrong!r} as {right!r}" for way, _ in read for wrong, right in way.corrections]
        return Refusal(f"It is not clear whether to read {' or '.join(dict.fromkeys(ways))}.", (), ())
    if read:
        return read[0][1]
    if len(mended) == 1:
        ((way, nearly),) = mended
        return _refusal(tokens, nearly, lexicon, context, {right: wrong for wrong, right in way.corrections})
    return _refusal(tokens, attempts, lexicon, context)


def _first(attempts: list[Attempt], corrections: tuple[tuple[str, str], ...] = ()) -> Understood | None:
    """The likeliest way of reading it that leaves nothing open."""
    for attempt in attempts:
        if attempt.succeeded and attempt.query:
            corrected = [f"Read {wrong!r} as {right!r}." for wrong, right in corrections]
            sureness = round(attempt.sureness * 0.9 ** len(corrections), 3)
            return Understood(attempt.query, sureness, "matcher", (*corrected, *attempt.remarks))
    return None


def _attempts(tokens: list[Token], lexicon: Lexicon, context: Context) -> list[Attempt]:
    """Every way of reading it, the likeliest first: journeys show by words that metrics do not have, and what amends
    the question before by how it begins, or by saying too little to stand alone."""
    alone = _alone(tokens, lexicon, context)
    if context.previous is None:
        return alone
    follow_up = _follow_up(tokens, lexicon, context, context.previous)
    if not _leans(tokens, lexicon, context):
        return [*alone, follow_up]
    if follow_up.problem and not follow_up.uncovered:
        # "and MRR?" of what was by country is not MRR of everything, because it is not known by country.
        alone = [attempt for attempt in alone if not _says_a_metric_only(attempt.query)]
    return [follow_up, *alone]


def _says_a_metric_only(query: MetricQuery | Journey | None) -> bool:
    if not isinstance(query, MetricQuery):
        return False
    return not (query.by or query.where or query.first_day or query.last_day or query.compare)


def _alone(tokens: list[Token], lexicon: Lexicon, context: Context) -> list[Attempt]:
    items = cut(tokens, lexicon, context.today, JOURNEY_KINDS, roles(OF_JOURNEYS))
    sure: list[Attempt] = []
    others: list[Attempt] = []
    for kind in QUESTIONS:
        assumed = Assumptions()
        question = kind(items, lexicon.catalogue, context.project, context.today, assumed)
        attempt = Attempt(kind.kind, uncovered=question.read().uncovered, remarks=assumed.remarks)
        if question.is_meant():
            _complete(attempt, assumed, question.made)
            (sure if question.is_sure() else others).append(attempt)
    metrics = _metrics(tokens, lexicon, context)
    is_name = metrics.succeeded and _is_named(tokens, lexicon, context)
    found = [metrics, *sure, *others] if is_name else [*sure, metrics, *others]
    if not any(attempt.succeeded for attempt in found):
        found += _events(tokens, lexicon, context)
    return found


def _is_named(tokens: list[Token], lexicon: Lexicon, context: Context) -> bool:
    """ "trial to paid conversion in May" has the name of a metric, whatever events trial and paid are."""
    if any(meaning.kind == "metric" for meaning in lexicon.meanings(key_of(t.stem for t in tokens), tokens)):
        return True
    named = [item for item in _cut_before_values(tokens, lexicon, context) if item.named("metric")]
    return any("to" in item.text.split()[1:-1] for item in named)


def _events(tokens: list[Token], lexicon: Lexicon, context: Context) -> list[Attempt]:
    """Events that are named and no metric is called after: how many there were."""
    items = cut(tokens, lexicon, context.today, EVENT_KINDS, roles())
    return [_metrics_of(items, lexicon, context)] if MetricReader(items).read().events else []


def _complete(attempt: Attempt, assumed: Assumptions, made: Callable[[], MetricQuery | Journey]) -> None:
    if attempt.uncovered or attempt.problem:
        return
    try:
        attempt.query = made()
    except Unclear as error:
        attempt.problem, attempt.suggestions = error.reason, error.suggestions
        attempt.is_settled = isinstance(error, NotMade)
    attempt.remarks, attempt.sureness = assumed.remarks, assumed.sureness


def _metrics(tokens: list[Token], lexicon: Lexicon, context: Context) -> Attempt:
    items = _cut_before_values(tokens, lexicon, context)
    leads = any(role is Role.LEADS for role, _ in roles(OF_FOLLOW_UPS).get((tokens[0].text,), ()))
    if context.previous is None and leads and not _names_metric(items):
        return Attempt("metrics", problem=NOTHING_MEASURED)
    # "revenue of the last 28 days" are days, though a running total is called so.
    if spans := [(item.start, item.end) for item in items if item.named("metric") and _names_days(tokens, item)]:
        of_days = cut(tokens, lexicon, context.today, METRIC_KINDS, roles(), without=spans)
        if (attempt := _metrics_of(of_days, lexicon, context)).succeeded:
            return attempt
    # Of "revenue growth year over year" revenue is compared, not its growth in a month.
    if spans := _growths_compared(items, lexicon):
        of_levels = cut(tokens, lexicon, context.today, METRIC_KINDS, roles(), without=spans)
        if (attempt := _metrics_of(of_levels, lexicon, context)).succeeded:
            return attempt
    attempt = _metrics_of(items, lexicon, context)
    if attempt.succeeded or attempt.is_settled:
        return attempt
    if joined := _quantile_joined(tokens, items, lexicon):
        again = cut(joined, lexicon, context.today, METRIC_KINDS, roles())
        if (other := _metrics_of(again, lexicon, context)).succeeded:
            return other
    # "which pages load slowest": page loads are a metric as well, and hide the pages.
    for item in items:
        ends = (tokens[item.start : item.start + 1], tokens[item.end - 1 : item.end])
        if item.end - item.start > 1 and item.named("metric") and any(map(lexicon.dimensions_named, ends)):
            again = cut(tokens, lexicon, context.today, METRIC_KINDS, roles(), without=[(item.start, item.end)])
            if (other := _metrics_of(again, lexicon, context)).succeeded:
                return other
    return attempt


def _quantile_joined(tokens: list[Token], items: list[Item], lexicon: Lexicon) -> list[Token]:
    """ "p95 on mobile of page load time" is the page load time p95 on mobile."""
    for at, token in enumerate(tokens):
        for item in items if token.text in QUANTILES else ():
            words = [one.text for one in tokens[item.start : item.end]]
            apart = item.named("metric") and not item.start <= at < item.end
            if apart and lexicon.metrics_named([*words, token.text]):
                return [
                    one
                    for i, other in enumerate(tokens)
                    if i != at
                    for one in ([other, token] if i == item.end - 1 else [other])
                ]
    return []


def _cut_before_values(tokens: list[Token], lexicon: Lexicon, context: Context) -> list[Item]:
    """ "orders with coupon SPRING10" are orders with that coupon, not orders with a coupon."""
    without: list[tuple[int, int]] = []
    while True:
        items = cut(tokens, lexicon, context.today, METRIC_KINDS, roles(), without)
        for item, following in itertools.pairwise(items):
            last = lexicon.dimensions_named(tokens[item.end - 1 : item.end])
            values = {meaning.name for meaning in following.named("value")}
            own = {meaning.name for meaning in item.named("dimension")}
            if item.end - item.start > 1 and item.meanings and last & values and not own & values:
                without.append((item.start, item.end))
                break
        else:
            return items


def _names_days(tokens: list[Token], item: Item) -> bool:
    words = [token.text for token in tokens[item.start : item.end]]
    return bool({"last", "past"} & {*words}) and words[-1] in ("days", "weeks", "months")


def _growths_compared(items: list[Item], lexicon: Lexicon) -> list[tuple[int, int]]:
    """Metrics that are growth from period to period, where the question says what to compare with by itself."""
    against = next((item.time for item in items if isinstance(item.time, Against)), None)
    ranges = any(isinstance(item.time, Range) for item in items)
    if against is None or (ranges and against.compare is not Compare.YEAR):
        return []
    metrics = lexicon.catalogue.metrics
    return [
        (item.start, item.end)
        for item in items
        if "growth" in item.text.split() and any(metrics[meaning.name].needs_time for meaning in item.named("metric"))
    ]


def _names_metric(items: list[Item]) -> bool:
    """Beside the people of whom something may be asked."""
    return any(item.named("metric") and not item.has(Role.PEOPLE) for item in items)


def _metrics_of(items: list[Item], lexicon: Lexicon, context: Context) -> Attempt:
    slots = MetricReader(items).read()
    assumed = Assumptions()
    attempt = Attempt("metrics", uncovered=slots.uncovered, problem=next(iter(slots.problems), ""))
    _complete(attempt, assumed, lambda: build(slots, lexicon, context.project, context.today, assumed))
    return attempt


def _leans(tokens: list[Token], lexicon: Lexicon, context: Context) -> bool:
    """Whether it begins as a question that follows another."""
    words = tuple(token.text for token in tokens)
    grammar = roles(OF_FOLLOW_UPS)
    begins = {n: {role for role, _ in grammar.get(words[:n], ())} & {Role.CUE, Role.LEADS} for n in range(1, 5)}
    said = [n for n, found in begins.items() if found]
    if not said:
        return False
    # "and how many orders were there in May" is a whole question.
    rest = words[said[-1] :]
    if any(role in (Role.COUNT, Role.WHICH) for n in (1, 2) for role, _ in grammar.get(rest[:n], ())):
        return False
    leads = any(Role.LEADS in found for found in begins.values())
    return leads or not _names_metric(cut(tokens, lexicon, context.today, METRIC_KINDS, roles()))


def _follow_up(tokens: list[Token], lexicon: Lexicon, context: Context, previous: Understood) -> Attempt:
    assumed = Assumptions()
    attempt = Attempt("follow-up", remarks=assumed.remarks)
    before, today = previous.query, context.today
    reader: FollowUpReader | JourneyFollowUpReader
    if isinstance(before, MetricQuery):
        reader = FollowUpReader(cut(tokens, lexicon, today, METRIC_KINDS, roles(OF_FOLLOW_UPS)))
    else:
        grammar = roles(OF_JOURNEYS, OF_FOLLOW_UPS)
        reader = JourneyFollowUpReader(cut(tokens, lexicon, today, JOURNEY_KINDS, grammar))
    slots = reader.read()
    attempt.uncovered, attempt.problem = slots.uncovered, next(iter(slots.problems), "")
    _complete(attempt, assumed, lambda: _amended(reader, before, lexicon, today, assumed))
    if attempt.query == before:
        attempt.query, attempt.problem = None, UNCHANGED
    return attempt


def _amended(
    reader: FollowUpReader | JourneyFollowUpReader,
    before: MetricQuery | Journey,
    lexicon: Lexicon,
    today: date,
    assumed: Assumptions,
) -> MetricQuery | Journey:
    if isinstance(reader, FollowUpReader):
        assert isinstance(before, MetricQuery)
        return amended(reader, before, lexicon, today, assumed)
    assert isinstance(before, Journey)
    return amended_journey(reader, before, lexicon.catalogue, today, assumed)


def suggested(question: str, catalogue: Catalogue, context: Context) -> tuple[str, ...]:
    """What to ask instead of a question that was understood, and is nothing that can be asked."""
    return _suggested(with_codes(tokenise(question)), lexicon_of(catalogue, context.project), context)


def _suggested(
    tokens: Sequence[Token], lexicon: Lexicon, context: Context, first: Sequence[str] = ()
) -> tuple[str, ...]:
    """What to ask instead, of what is answered by itself: what a refusal itself suggests, then what is near."""
    alone = replace(context, previous=None)
    asked = [token.text for token in tokens]

    def answer(question: str) -> MetricQuery | Journey | None:
        words = with_codes(tokenise(question))
        if [word.text for word in words] == asked or declined(words, lexicon):
            return None
        try:
            found = _first(_attempts(words, lexicon, alone))
        except Unreadable:
            return None
        return found.query if found else None

    def answers(question: str, metric: str) -> bool:
        query = answer(question)
        return isinstance(query, MetricQuery) and metric in query.metrics

    own = [question for question in first if answer(question)][:MOST]
    items = _cut_as_metrics(tokens, lexicon, context)
    near = nearest_questions(tokens, items, lexicon, answers) if len(own) < MOST else ()
    return tuple(dict.fromkeys([*own, *near]))[:MOST]


def _cut_as_metrics(tokens: Sequence[Token], lexicon: Lexicon, context: Context) -> list[Item]:
    try:
        return cut(tokens, lexicon, context.today, METRIC_KINDS, roles())
    except Unreadable:  # of the future, or of weekends
        return []


def _refusal(
    tokens: list[Token],
    attempts: list[Attempt],
    lexicon: Lexicon,
    context: Context,
    as_written: Mapping[str, str] = MappingProxyType({}),
) -> Refusal:
    """`as_written`: what was corrected, and is told as it was written."""
    # That it says what is so already is a better reason than that it does not stand alone, and so is any other.
    follows = context.previous is not None
    best = min(
        attempts,
        key=lambda one: (len(one.uncovered), one.problem != UNCHANGED, follows and one.problem == NOTHING_MEASURED),
    )
    if {word.lower() for word in best.uncovered} & NEGATING:
        items = cut(tokens, lexicon, context.today, JOURNEY_KINDS, roles(OF_JOURNEYS))
        steps = [i.text for i in items if (i.named("event") or i.named("page")) and not i.has(Role.PEOPLE)]
        if steps:
            return _of_those_who_did_not(steps, tokens, lexicon, context)
    suggestions = _suggested(tokens, lexicon, context, best.suggestions)
    if best.uncovered and (
        found := without_such_a_value(_cut_as_metrics(tokens, lexicon, context), lexicon, context.project)
    ):
        return Refusal(found.sentence, (found.value,), suggestions)
    if best.uncovered:
        # Of "by moon phase" it is the moon and its phase that are not known.
        unknown = [word for word in best.uncovered if word.lower() not in HANGING]
        words = tuple(dict.fromkeys(as_written.get(word, word) for word in unknown or best.uncovered))
        if all(fold(word) in names_everywhere() or (name_of(word) and is_placed(tokens, word)) for word in words):
            named = " or ".join(name_of(word) or word for word in words)
            return Refusal(f"There are no data of {named}: no event came from there.", words, suggestions)
        listed = ", ".join(repr(word) for word in words[:8])
        return Refusal(f"It is not known what {listed} means here.", words, suggestions)
    problem = best.problem or "The question is not understood."
    if problem == NOTHING_MEASURED:
        no_other = ", and there is no question before it that it could follow"
        problem += f"{'' if context.previous else no_other}."
    return Refusal(problem, (), suggestions)


def _of_those_who_did_not(steps: Sequence[str], tokens: Sequence[Token], lexicon: Lexicon, context: Context) -> Refusal:
    """Who signed up and never ordered: the steps of a funnel tell how many did not go on."""
    if len(steps) < 2:
        reason = "Who did not do something is not counted by itself: ask how many did, or for their share."
        return Refusal(reason, (), _suggested(tokens, lexicon, context))
    reason = "Who did one thing and not another is not counted by itself: a funnel tells how many went on."
    return Refusal(reason, (), _suggested(tokens, lexicon, context, [f"funnel from {steps[0]} to {steps[1]}"]))
