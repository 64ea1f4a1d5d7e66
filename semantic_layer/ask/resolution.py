"""From what was said to what is meant: names that may mean several things, decided by what fits together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from semantic_layer.ask.calendar_days import DAY, Days, start_of
from semantic_layer.ask.lexicon import PAGES, Lexicon, Meaning
from semantic_layer.ask.phrases import Role, roles
from semantic_layer.ask.slots import Clause, Mention, Slots
from semantic_layer.ask.time_phrases import Against, compared
from semantic_layer.ask.tokens import content, root, stem, words_of
from semantic_layer.ask.wording import inside
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import All, Any, Comparator, Compare, Comparison, Condition, Grain

MOST_INSTEAD = 3
SEEING = {
    root(word) for word in ("visited", "visiting", "viewed", "saw", "used")
}  # what people do with a page, or a feature


class Unclear(Exception):
    """What was said cannot be meant, or may mean several things; the message says it to the person who asked."""

    def __init__(self, reason: str, suggestions: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason, self.suggestions = reason, tuple(suggestions)


@dataclass
class Assumptions:
    """What was assumed on the way, for the person who asked, and how sure it leaves us."""

    remarks: list[str] = field(default_factory=list)
    sureness: float = 1.0

    def assume(self, remark: str, times: float) -> None:
        self.sureness *= times
        if remark and remark not in self.remarks:
            self.remarks.append(remark)


def choose_metrics(lexicon: Lexicon, slots: Slots, assumed: Assumptions) -> list[str]:
    """One metric for each mention. Of several that a word may mean, those count that have the dimensions asked for."""
    metrics = lexicon.catalogue.metrics
    dimensions = [{m.name for m in group.dimension.meanings} for group in slots.groups if group.dimension]
    dimensions += [named for clause in slots.clauses if (named := _named(clause))]
    chosen: list[str] = []
    for mention in slots.metrics:
        own = {meaning.name for meaning in mention.meanings}
        if mention.text == "money" and any(not own & {m.name for m in one.meanings} for one in slots.metrics):
            mention = _money_of(lexicon, slots, mention, assumed)
        best = min(meaning.rank for meaning in mention.meanings)
        names = [meaning.name for meaning in mention.meanings if meaning.rank == best]
        fitting = [name for name in names if all(set(metrics[name].dimensions) & wanted for wanted in dimensions)]
        if not fitting and (
            special := _special(lexicon, slots, mention, dimensions) or _people(lexicon, mention, dimensions)
        ):
            assumed.assume(f"{mention.text!r} is {metrics[special].label.lower()} here.", 0.9)
            fitting = [special]
        names = fitting or names
        if len(names) > 1:
            labels = [metrics[name].label for name in names]
            raise Unclear(
                f"{mention.text!r} may mean {', '.join(labels[:-1])} or {labels[-1]}: say which.",
                [f"{inside(label)} last month" for label in labels[:3]],
            )
        if "how much" in slots.made.get(mention.text, ()) and (money := _how_much(lexicon, mention, names[0])):
            assumed.assume(f"{mention.text!r} is {inside(metrics[money].label)} here, since it asks how much.", 0.9)
            names = [money]
        if names[0] not in chosen:
            chosen.append(names[0])
    return chosen


def _how_much(lexicon: Lexicon, mention: Mention, name: str) -> str | None:
    """How much was refunded is money: that which a metric says it is in such words."""
    metrics = lexicon.catalogue.metrics
    if mention.is_plural or metrics[name].format != "number":
        return None
    said = set(map(root, mention.text.split()))
    found = [
        one.name
        for one in metrics.values()
        if one.format == "currency" and one.adds_up
        if any(said <= set(map(root, words_of(text))) for text in one.synonyms if text.startswith("how much "))
    ]
    return found[0] if len(found) == 1 else None


def _money_of(lexicon: Lexicon, slots: Slots, money: Mention, assumed: Assumptions) -> Mention:
    """Beside another metric, money is that of it: of refunds what was refunded, of orders what was paid for them."""
    metrics = lexicon.catalogue.metrics
    named = [meaning.name for mention in slots.metrics if mention is not money for meaning in mention.meanings]
    others = {root(word) for name in named for word in words_of(metrics[name].label)}
    found = [
        metric
        for metric in metrics.values()
        if metric.kind == "simple" and metric.format == "currency" and metric.adds_up
        if others & {root(word) for text in (metric.label, *metric.synonyms) for word in words_of(text)}
    ]
    if len(found) != 1:
        raise Unclear("It is not clear whose money is meant: say revenue, or what else is counted in money.")
    assumed.assume(f"'money' is {found[0].label.lower()} here.", 0.9)
    return Mention(money.text, (Meaning("metric", found[0].name),))


def _special(lexicon: Lexicon, slots: Slots, mention: Mention, dimensions: Sequence[set[str]]) -> str | None:
    """The only metric with the dimensions whose name is that of the mention and other words of the question: of a
    sign-up rate by variant that of experiments."""
    said = set(map(stem, content(mention.text.split())))
    found = [
        name
        for name, phrases in lexicon.phrases_of_metrics.items()
        if any(said < phrase <= slots.stems | said for phrase in phrases)
        and all(set(lexicon.catalogue.metrics[name].dimensions) & wanted for wanted in dimensions)
    ]
    return found[0] if len(found) == 1 else None


def _named(clause: Clause) -> set[str]:
    """The dimensions that a condition may be of."""
    named = [{meaning.name for meaning in value} for value in clause.values]
    named += [{meaning.name for meaning in clause.dimension.meanings}] if clause.dimension else []
    return set.intersection(*named) if named else set()


def _people(lexicon: Lexicon, mention: Mention, dimensions: Sequence[set[str]]) -> str | None:
    """The only count of people that is told by the dimensions first of all, where people are asked for: of a page its
    viewers, of a feature its users."""
    plain = (
        root(word) in SEEING or any(role is Role.PEOPLE for role, _ in roles().get((word,), ()))
        for word in mention.text.split()
    )
    if not all(plain):  # paying customers are others
        return None
    found = [
        metric.name
        for metric in lexicon.catalogue.metrics.values()
        if metric.kind == "simple" and metric.format == "number" and not metric.adds_up and not metric.at_the_end
        if all({*metric.dimensions} & wanted for wanted in dimensions)
        if any(name.partition("__")[0] == metric.dimensions[0].partition("__")[0] for one in dimensions for name in one)
    ]
    return found[0] if len(found) == 1 else None


class Dimensions:
    """The dimensions that all metrics of the question have, by what they are called."""

    def __init__(self, catalogue: Catalogue, metrics: Sequence[str]) -> None:
        self.catalogue, self.metrics = catalogue, metrics
        known = [catalogue.metrics[name].dimensions for name in metrics]
        self.common = [name for name in known[0] if all(name in other for other in known)] if known else []

    def choose(self, mention: Mention, assumed: Assumptions) -> str:
        ranked = {meaning.name: meaning.rank for meaning in reversed(mention.meanings)}
        if not any(name in ranked for name in self.common) and (longer := self._longer(mention)):
            assumed.assume(f"{mention.text!r} is {self.catalogue.dimensions[longer].label.lower()} here.", 0.9)
            return longer
        return self._only(mention.text, ranked)

    def hour_of_day(self) -> str:
        """Beside the day of the week an hour is one of the day, and no point in time."""
        found = next((name for name in self.common if name.endswith("__hour_of_day")), None)
        if found is None:
            labels = " and ".join(self.catalogue.metrics[name].label for name in self.metrics)
            raise Unclear(f"{labels} cannot be told by the hour of the day: ask per hour, or by day of the week.")
        return found

    def _longer(self, mention: Mention) -> str | None:
        """The only dimension of the metrics whose name ends with what was said: of advertising a platform is an ad
        platform."""
        said = [stem(word) for word in mention.text.split()]
        found = []
        for name in self.common:
            dimension = self.catalogue.dimensions[name]
            phrases = [[stem(w) for w in words_of(text)] for text in (dimension.label, *dimension.synonyms)]
            if any(phrase[-len(said) :] == said for phrase in phrases):
                found.append(name)
        return found[0] if len({name.rpartition("__")[2] for name in found}) == 1 else None

    def _only(self, text: str, ranked: dict[str, int]) -> str:
        possible = [name for name in self.common if name in ranked]
        if not possible:
            labels = " and ".join(self.catalogue.metrics[name].label for name in self.metrics)
            said = inside(self.catalogue.dimensions[text].label) if text in self.catalogue.dimensions else text
            raise Unclear(f"{labels} cannot be told by {said}.", self._instead(ranked))
        best = min(ranked[name] for name in possible)
        possible = [name for name in possible if ranked[name] == best]
        # The country of the session and that of the user are one thing to most people, and the metric has the more
        # natural one first; a campaign and a source are not.
        if pages := [name for name in possible if PAGES.fullmatch(name)]:
            return pages[0]  # rather than the first or the last one of a session
        if len({name.rpartition("__")[2] for name in possible}) > 1:
            names = list(dict.fromkeys(self.catalogue.dimensions[name].label.lower() for name in possible))
            listed = ", ".join(names[:-1])
            raise Unclear(f"{text!r} may be of {listed} or {names[-1]}: say which.")
        return possible[0]

    def _check_there_is(self, text: str, ranked: dict[str, int]) -> None:
        """Sessions were on Mondays, and no order was: orders are told by weekdays, and that one has none."""
        ends = {name.rpartition("__")[2] for name in ranked}
        same = next((name for name in self.common if name.rpartition("__")[2] in ends), None)
        if same and not any(name in ranked for name in self.common):
            labels = " and ".join(self.catalogue.metrics[name].label for name in self.metrics)
            raise Unclear(f"{labels} are known by {inside(self.catalogue.dimensions[same].label)}: none is of {text}.")

    def _instead(self, wanted: Mapping[str, int]) -> tuple[str, ...]:
        """Of the metrics that are told by it those with the most words of these: active users, not daily ones."""
        words = {word for name in self.metrics for word in name.split("_")}
        others = [one for one in self.catalogue.metrics.values() if wanted.keys() & {*one.dimensions}]
        alike = sorted(others, key=lambda one: -len(words & set(one.name.split("_"))))
        near = [one for one in alike if words & set(one.name.split("_"))][:MOST_INSTEAD]
        return tuple(
            f"{inside(one.label)} by {inside(self.catalogue.dimensions[name].label)}"
            for one in near
            for name in [next(name for name in one.dimensions if name in wanted)]
        )

    def condition(self, clauses: Sequence[Clause], kept: Sequence[Condition] = ()) -> Condition | None:
        """`and` binds more than `or`; where that leaves room for two readings, the question is unclear."""
        if not clauses:
            return _all(kept) if kept else None
        alternatives: list[list[Comparison]] = [[]]
        for clause in clauses:
            if clause.joined_by == "or":
                alternatives.append([])
            alternatives[-1].append(self.comparison(clause))
        if len(alternatives) > 1 and any(len(group) > 1 for group in alternatives):
            shapes = {tuple(comparison.dimension for comparison in group) for group in alternatives}
            if len(shapes) > 1:
                raise Unclear("It is not clear what `or` belongs to: ask two questions.")
        if len(alternatives) == 1:
            return _all([*kept, *dict.fromkeys(alternatives[0])])
        either = Any(conditions=tuple(_all(list(dict.fromkeys(group))) for group in alternatives))
        return _all([*kept, either])

    def comparison(self, clause: Clause) -> Comparison:
        ranked = (
            {meaning.name: meaning.rank for meaning in reversed(clause.dimension.meanings)} if clause.dimension else {}
        )
        if clause.values:
            names = set.intersection(*({meaning.name for meaning in value} for value in clause.values))
            by_value = {m.name: m.rank for value in reversed(clause.values) for m in value if m.name in names}
            ranked = {name: ranked.get(name, rank) for name, rank in by_value.items() if not ranked or name in ranked}
            ranked = ranked or by_value
        if clause.values:
            self._check_there_is(clause.text, ranked)
        name = self._only(clause.dimension.text if clause.dimension else clause.text, ranked)
        values: list[str | int | float] = list(clause.constants)
        for value in clause.values:
            best = min(meaning.rank for meaning in value if meaning.name == name)
            values += [meaning.value for meaning in value if meaning.name == name and meaning.rank == best]
        return Comparison(dimension=name, operator=clause.operator, values=tuple(dict.fromkeys(values)))


def _all(conditions: Sequence[Condition]) -> Condition:
    equal = [one for one in conditions if isinstance(one, Comparison) and one.operator is Comparator.EQUAL]
    for one in equal:
        for other in equal:
            if one.dimension == other.dimension and not set(one.values) & set(other.values):
                raise Unclear(f"Nothing is {one.values[0]} and {other.values[0]} at once: join them with `or`.")
    return conditions[0] if len(conditions) == 1 else All(conditions=tuple(conditions))


def days_and_comparison(slots: Slots, today: date, assumed: Assumptions) -> tuple[Days, Compare | None]:
    """The days asked for, and what they are compared with."""
    ranges, against = list(dict.fromkeys(slots.ranges)), slots.against
    if len(ranges) == 2 and against is None and slots.contrasts and all(days.first for days in ranges):
        ranges.sort(key=lambda days: str(days.first))
        against, ranges = Against(None, ranges[0].unit, ranges[0]), ranges[1:]
    other = against.other if against else None
    if other and len(ranges) == 1 and ranges[0].first and other.first and other.first > ranges[0].first:
        against, ranges = Against(None, ranges[0].unit, ranges[0]), [other]  # Q1 against Q2: what came later is told
    if len(ranges) > 1 and against is None and not slots.contrasts and (whole := _joined(ranges)):
        slots.joined, ranges = whole.unit, [replace(whole, unit=None)]
    if len(ranges) > 1:
        raise Unclear(f"It names {' and '.join(str(days) for days in ranges)}: ask for one of them, or compare them.")
    if against is None and slots.changes and ranges and not any(group.dimension is None for group in slots.groups):
        against = Against(Compare.PREVIOUS)
        assumed.assume("Compared with the period before.", 0.95)
    if against is None and slots.changes and not ranges and not any(group.dimension is None for group in slots.groups):
        raise Unclear("It asks how something changed, and not when: add days, such as `last month`, or `per month`.")
    if against is None:
        return _begun(ranges[0] if ranges else Days(None, None), today), None
    if ranges:
        days = until(_begun(ranges[0], today), today)  # as many days as there are, with as many before
    elif against.unit is None or against.unit is Grain.HOUR:
        raise Unclear("It compares, and does not say which days: add some, such as `last month`.")
    else:
        days = Days(start_of(against.unit, today), today, against.unit)
        assumed.assume(f"Taken for this {against.unit}, {days}.", 0.9)
    if days.first is None or days.last is None:
        raise Unclear("All days together have none before them to compare with: say which days.")
    return days, compared(days, against)


def _joined(ranges: Sequence[Days]) -> Days | None:
    """May and June are one, of months; May and July are not."""
    ordered = sorted(ranges, key=lambda days: str(days.first))
    follow = all(
        one.last and other.first and one.last + DAY == other.first and one.unit and one.unit is other.unit
        for one, other in itertools.pairwise(ordered)
    )
    return Days(ordered[0].first, ordered[-1].last, ordered[0].unit) if follow else None


def _begun(days: Days, today: date) -> Days:
    if days.first and days.first > today:
        raise Unclear(f"{days.first} lies in the future: the newest day with data is {today}.")
    return days


def until(days: Days, today: date) -> Days:
    return replace(days, last=today) if days.last and days.last > today else days
