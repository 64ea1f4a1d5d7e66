"""Reads the pieces of a question from left to right: times, groupings and conditions, which every question may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from semantic_layer.ask.declined import PERSONS
from semantic_layer.ask.items import Item
from semantic_layer.ask.lexicon import PAGES, Meaning
from semantic_layer.ask.numbers import amount
from semantic_layer.ask.phrases import Role
from semantic_layer.ask.slots import Clause, Group, Mention, Slots
from semantic_layer.ask.time_phrases import Against, Each, Range
from semantic_layer.ask.tokens import stem
from semantic_layer.metrics.models import Comparator, Grain

JOINS = (Role.AND, Role.OR)
ValueList = tuple[int, tuple[tuple[Meaning, ...], ...], bool]  # where it ends, the values, whether they are contrasted
COUNTING = ("how many", "number of", "the number of", "count of", "total number of", "number", "total count of")
LASTING = ("last", "lasts", "that last")
NOW = ("currently", "right now", "at the moment", "now")
DANGLING = ("with", "in", "on", "from", "for", "of", "by", "via")
OPPOSITE = {Comparator.EQUAL: Comparator.UNEQUAL, Comparator.UNEQUAL: Comparator.EQUAL}
# Begins of phrases that also hold for what is joined to them: excluding mobile and Germany.
EXCLUDING = {"except", "excluding", "exclude", "excludes", "excl", "without", "ignoring", "ignore", "omitting", "omit"}
EXCLUDING |= {"remove", "drop", "delete"}
EXCLUDING |= {"skipping", "skip", "other", "apart", "aside", "leaving", "leave", "filter", "filtering", "neither"}
EXCLUDING |= {"anything", "everything", "everyone", "everywhere", "all"}


class ClauseReader:
    def __init__(self, items: Sequence[Item]) -> None:
        self.items, self.at = list(items), 0
        self.slots = Slots(stems={stem(word) for item in items for word in item.text.split()})

    def read(self) -> Slots:
        while self.at < len(self.items):
            before = self.at
            if not self.take():
                self.slots.uncovered.append(self.items[self.at].raw or self.items[self.at].text)
                self.at += 1
            assert self.at > before
        return self.slots

    def take(self) -> bool:
        """Read what begins here; False where nothing does."""
        return self.take_time() or self.take_grouping() or self.take_condition() or self.take_silent()

    # What stands at a place -----------------------------------------------------------------------------------------

    def item(self, at: int) -> Item | None:
        return self.items[at] if 0 <= at < len(self.items) else None

    def has(self, at: int, *wanted: Role) -> bool:
        item = self.item(at)
        return item is not None and any(item.has(role) for role in wanted)

    def named(self, at: int, kind: str) -> tuple[Meaning, ...]:
        item = self.item(at)
        return item.named(kind) if item else ()

    def past_fillers(self, at: int) -> int:
        while self.is_filler(at):
            at += 1
        return at

    def is_filler(self, at: int) -> bool:
        item = self.item(at)
        return bool(item and item.has(Role.FILLER) and not item.meanings and item.text != ",")

    def mention(self, at: int, kind: str) -> Mention | None:
        item = self.item(at)
        meanings = item.named(kind) if item else ()
        if item is None or not meanings:
            return None
        last = item.text.rpartition(" ")[2]
        return Mention(item.text, meanings, last.endswith("s") and not last.endswith("ss"))

    def number(self, at: int) -> tuple[int | float, bool, int] | None:
        """A number, whether it is a percentage, and where it ends."""
        item = self.item(at)
        known = amount(item.text) if item else None
        if known is None:
            return None
        following = self.item(at + 1)
        if following and following.text in ("percent", "per cent"):
            return known[0], True, at + 2
        if following and following.text in ("thousand", "million"):
            return int(known[0] * (1000 if following.text == "thousand" else 1_000_000)), known[1], at + 2
        return *known, at + 1

    # Times ----------------------------------------------------------------------------------------------------------

    def take_time(self) -> bool:
        item = self.items[self.at]
        match item.time:
            case Range(days, as_of, from_to):
                self.slots.ranges.append(days)
                self.slots.as_of |= as_of
                self.slots.from_to |= from_to
            case Each(None):
                self.slots.groups.append(Group(over_time=True))
            case Each(grain):
                self.slots.groups.append(Group(grain=grain))
                self.at += 1
                self.take_more_groups()
                return True
            case Against():
                if self.slots.against:
                    self.slots.problems.append("There are two comparisons in it: ask for one.")
                self.slots.against = item.time
            case _:
                return False
        self.at += 1
        return True

    # Groupings ------------------------------------------------------------------------------------------------------

    def take_grouping(self) -> bool:
        """by country and plan, per device, split by week."""
        if not self.has(self.at, Role.BY):
            return False
        at = self.past_fillers(self.at + 1)
        while self.has(at, Role.BY):
            at = self.past_fillers(at + 1)
        if not (group := self.group(at)):
            return False
        self.slots.groups.append(group)
        self.at = at + 1
        self.take_more_groups()
        return True

    def take_more_groups(self) -> None:
        while True:
            at = self.at
            while self.has(at, Role.AND, Role.BY):
                at += 1
            at = self.past_fillers(at) if at > self.at else at
            group = self.group(at) if at > self.at else None
            if group is None or self.begins_condition(at):
                return
            self.slots.groups.append(group)
            self.at = at + 1

    def group(self, at: int) -> Group | None:
        item = self.item(at)
        if item is None:
            return None
        if isinstance(item.time, Each):
            return Group(grain=item.time.grain, over_time=item.time.grain is None)
        if mention := self.mention(at, "dimension"):
            return Group(mention)
        if item.has(Role.UNIT):
            grain = item.payload(Role.UNIT)
            assert isinstance(grain, Grain)
            return Group(grain=grain)
        return None

    # Conditions -----------------------------------------------------------------------------------------------------

    def take_condition(self) -> bool:
        """in Germany and France, not on mobile, plan is pro, except the email channel, age over 30."""
        joined_by: Literal["and", "or"] = "and"
        at = self.at
        if self.has(at, Role.OR) and at and self.slots.clauses:
            joined_by, at = "or", self.past_fillers(at + 1)
        negated = False
        while self.has(at, Role.NOT, Role.ONLY, Role.HAVING) and not self._is_value(at):
            if self.has(at, Role.NOT):
                if negated:
                    return False
                negated = True
            at = self.past_fillers(at + 1)
        clause = self._named_condition(at, negated) or self._value_condition(at, negated)
        if clause is None:
            return False
        end, found = clause
        self.slots.clauses.append(
            Clause(
                found.text,
                found.operator,
                found.values,
                found.constants,
                found.dimension,
                joined_by,
                found.is_contrast,
            )
        )
        self.at = end
        if negated:
            self._carry_negation(at)
        return True

    def _carry_negation(self, negation: int) -> None:
        """excluding mobile and Germany: both; of "not on mobile and in Germany" nobody knows."""
        at = self.at
        of_people = self.has(at, Role.PEOPLE) or self.items[at - 1].text.rpartition(" ")[2] in PERSONS  # pro users
        if of_people and self._value_condition(self.past_fillers(at + self.has(at, Role.PEOPLE)), False):
            self.slots.problems.append("It is not clear whether all of these people are left out, or only those there.")
            return
        while self.has(at, *JOINS):
            at += 1
        if at == self.at or self.has(at, Role.NOT):
            return
        follows = self._value_condition(at, True) or self._named_condition(at, True)
        if follows is None:
            return
        before = self.items[negation - 1] if negation else None
        excludes = before is not None and before.text.partition(" ")[0] in EXCLUDING
        if not excludes or self.past_fillers(at) > at:
            self.slots.problems.append(f"It is not clear what else {before.text if before else 'not'!r} belongs to.")
            return
        self.at = follows[0]
        self.slots.clauses.append(follows[1])

    def is_rather_else(self, at: int) -> bool:
        """What also names a value is one only where its dimension is named."""
        item = self.item(at)
        return item is not None and bool(item.named("metric") or item.named("dimension") or item.is_grammar)

    def _is_value(self, at: int) -> bool:
        return any(not meaning.needs_dimension for meaning in self.named(at, "value"))

    def begins_condition(self, at: int) -> bool:
        return self._named_condition(at, False) is not None

    def _named_condition(self, at: int, negated: bool) -> tuple[int, Clause] | None:
        """A dimension and what it is: plan is pro, country Germany, age over 30."""
        dimension = self.mention(at, "dimension")
        if dimension is None:
            return None
        operator, at = Comparator.EQUAL, at + 1
        says = False
        while self.has(at, Role.IS, Role.NOT, Role.ONLY, Role.COMPARATOR) or self.is_filler(at):
            item = self.items[at]
            if item.meanings:
                break
            if item.has(Role.NOT):
                operator = OPPOSITE.get(operator, operator)
            elif item.has(Role.COMPARATOR):
                found = item.payload(Role.COMPARATOR)
                assert isinstance(found, Comparator)
                operator = found
            says = says or item.has(Role.IS) or item.has(Role.COMPARATOR) or item.has(Role.NOT)
            at += 1
        if negated:
            if operator not in OPPOSITE:
                return None
            operator = OPPOSITE[operator]
        constant = self._constant(at, dimension) if says else None
        if constant is not None:
            return at + 1, Clause(self.items[at].text, operator, constants=(constant,), dimension=dimension)
        if operator not in OPPOSITE:
            return None
        names = {meaning.name for meaning in dimension.meanings}
        values = self._values(at, names, operator is Comparator.UNEQUAL)
        if not values:
            return None
        end, found_values, contrast = values
        return end, Clause(self._text(at, end), operator, found_values, (), dimension, is_contrast=contrast)

    def _constant(self, at: int, dimension: Mention) -> str | int | float | None:
        """A text in quotation marks, or a number; "countries above 100" are no countries of that number."""
        item = self.item(at)
        if item is None or item.named("value"):
            return None
        if item.literal:
            return item.literal
        known = self.number(at) if item.number and not dimension.is_plural else None
        return known[0] if known and not known[1] else None

    def _value_condition(self, at: int, negated: bool) -> tuple[int, Clause] | None:
        """Values, and perhaps the name of their dimension behind them: the email channel."""
        values = self._values(at, None, negated)
        if not values:
            return None
        end, found, contrast = values
        names = {meaning.name for meaning in found[0]}
        dimension = None
        following = self.mention(end, "dimension")
        if following and names & {meaning.name for meaning in following.meanings} and not self.begins_condition(end):
            dimension = following
        operator = Comparator.UNEQUAL if negated else Comparator.EQUAL
        clause = Clause(self._text(at, end), operator, found, (), dimension, is_contrast=contrast)
        return end + (dimension is not None), clause

    def _values(self, at: int, names: set[str] | None, negated: bool) -> ValueList | None:
        """A list of values of one dimension: Germany, France or Poland; Germany versus France; neither, nor."""
        found: list[tuple[Meaning, ...]] = []
        contrast, end = False, at
        while True:
            at = self.past_fillers(at)
            meanings = self.named(at, "value")
            alternatives = tuple(
                m for m in meanings if (m.name in names if names is not None else not m.needs_dimension)
            )
            if names is None and self.is_rather_else(at):
                break
            if not alternatives:
                break
            found.append(alternatives)
            names = {meaning.name for meaning in alternatives}
            at = end = at + 1
            while self.has(at, *JOINS, Role.VERSUS, Role.NOT) or self._contrasts(at):
                if self.has(at, Role.NOT) and not (
                    negated and self.items[at].text in ("nor", "not", "and not", "or not")
                ):
                    break
                joins = self.has(at, Role.VERSUS) or self._contrasts(at)
                contrast = contrast or (joins and bool(self.named(self.past_fillers(at + 1), "value")))
                at += 1
            if at == end:
                break
        found = [tuple(m for m in alternatives if names and m.name in names) for alternatives in found]
        return (end, tuple(found), contrast) if found else None

    def _contrasts(self, at: int) -> bool:
        """compare Germany with France: `with` joins there."""
        item = self.item(at)
        return self.slots.contrasts and item is not None and item.text in ("with", "to")

    def _text(self, begin: int, end: int) -> str:
        return " ".join(self.items[at].text for at in range(begin, end) if not self.is_filler(at))

    # What says nothing of its own -----------------------------------------------------------------------------------

    def take_silent(self) -> bool:
        item = self.items[self.at]
        if item.has(Role.AVERAGE):
            self.slots.averages = True
            self.at += 1
            return True
        pages = self.named(self.past_fillers(self.at + 1), "value") if item.text == "to" else ()
        if any(PAGES.fullmatch(page.name) for page in pages):  # visits to the pricing page
            self.at += 1
            return True
        if item.meanings or not item.roles:
            return False
        before = self.item(self.at - 1)
        if item.has(Role.AND) and before and before.text in DANGLING:
            return False  # with and without a coupon
        if item.has(Role.FILLER) or item.has(Role.AND) or item.has(Role.IS) or item.has(Role.COUNT):
            self.slots.counts = self.slots.counts or item.text in COUNTING
            is_last = all(map(self.is_filler, range(self.at, len(self.items))))
            self.slots.now |= item.text in NOW and (item.text != "now" or (is_last and self.at > 0))
            self.at += 1
            return True
        if item.text in LASTING and not self.has(self.past_fillers(self.at + 1), Role.COMPARATOR, Role.BETWEEN):
            return False  # the last orders, of which nobody knows which
        if item.has(Role.HAVING) or item.has(Role.WHICH):
            self.slots.asks_where |= item.text == "where" and all(map(self.is_filler, range(self.at)))
            self.at += 1
            return True
        if item.has(Role.ONLY) and self.at + 1 <= len(self.items):
            self.at += 1
            return True
        if item.has(Role.VERSUS):
            self.slots.contrasts = True
            self.at += 1
            return True
        return False
