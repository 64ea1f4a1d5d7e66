"""Questions that amend the one before: and by country? only pro users; same for last year; remove the filter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from semantic_layer.ask.calendar_days import Days, just_before, recognised
from semantic_layer.ask.items import Item
from semantic_layer.ask.lexicon import Lexicon, Meaning
from semantic_layer.ask.metric_questions import build, check_limit
from semantic_layer.ask.metric_reader import MetricReader
from semantic_layer.ask.phrases import Role
from semantic_layer.ask.resolution import Assumptions, Unclear
from semantic_layer.ask.slots import Clause, Group, Mention, Slots
from semantic_layer.ask.time_phrases import Against
from semantic_layer.metrics.models import (
    METRIC_TIME,
    All,
    Comparator,
    Compare,
    Comparison,
    Condition,
    Grain,
    MetricQuery,
    Ordering,
)

# Of which conditions a value may be one more.
JOINED_BY = {
    Comparator.EQUAL: (Comparator.EQUAL, Comparator.UNEQUAL),
    Comparator.UNEQUAL: (Comparator.UNEQUAL,),
}
REMOVABLE = (Role.CONDITIONS, Role.GROUPINGS, Role.COMPARISON, Role.RANKING, Role.TIMES)


class FollowUpReader(MetricReader):
    """As a question about metrics, and what is to be taken away of the one before."""

    leans = True

    def __init__(self, items: Sequence[Item]) -> None:
        super().__init__(items)
        self.removed: set[Role] = set()
        self.removed_dimensions: list[str] = []
        self.removes_values = False
        self.adds = False
        self.earlier: Grain | None = None  # the period before that of the question before

    def take(self) -> bool:
        return (
            self.take_addition()
            or self.take_earlier()
            or self.take_removal()
            or self.take_total()
            or super().take()
            or self.take_loose()
            or self.take_cue()
        )

    def _people_are_counted(self) -> bool:
        """only pro users: of whom, not what; and users? what."""
        at = self.at - 1
        while self.is_filler(at):
            at -= 1
        return at < 0 or (self.has(at, Role.COUNT, Role.CUE, Role.LEADS, Role.ADD) and not self.has(at, Role.ONLY))

    def take_people(self) -> bool:
        if not self.has(self.at, Role.PEOPLE) or (self.has(self.at - 1, Role.BY)):
            return False
        self.at += 1
        return True

    def take_addition(self) -> bool:
        if not self.has(self.at, Role.ADD):
            return False
        self.adds = True
        self.at += 1
        return True

    def take_earlier(self) -> bool:
        """and the week before?"""
        following = self.item(self.at + 1)
        if not self.has(self.at, Role.UNIT) or following is None or following.text != "before":
            return False
        grain = self.items[self.at].payload(Role.UNIT)
        assert isinstance(grain, Grain)
        self.earlier = grain
        self.at += 2
        return True

    def take_removal(self) -> bool:
        """remove the filter, without the comparison, drop the country filter."""
        if not self.has(self.at, Role.REMOVE):
            return False
        at = self.past_fillers(self.at + 1)
        names: list[str] = []
        if dimension := self.mention(at, "dimension"):
            names = [meaning.name for meaning in dimension.meanings]
            at = self.past_fillers(at + 1)
        found = {role for role in REMOVABLE if self.has(at, role)}
        if not found:
            return self._take_removed_values()
        while self.has(at, *REMOVABLE, Role.AND):
            found |= {role for role in REMOVABLE if self.has(at, role)}
            at += 1
        self.removed |= found
        self.removed_dimensions += names
        self.at = at
        return True

    def _take_removed_values(self) -> bool:
        """remove France: without it."""
        at = self.past_fillers(self.at + 1)
        values = None if self.has(self.at, Role.NOT) else self._value_condition(at, True)
        if values is None:
            return False
        self.at, self.removes_values = values[0], True
        self.slots.clauses.append(values[1])
        self._carry_negation(at)
        return True

    def take_total(self) -> bool:
        item = self.items[self.at]
        if not item.has(Role.GROUPINGS) or "total" not in item.text:
            return False
        self.removed.add(Role.GROUPINGS)
        self.at += 1
        return True

    def take_loose(self) -> bool:
        """A dimension that stands alone: country?"""
        group = self.group(self.at)
        if group is None or self.has(self.at - 1, Role.NOT, Role.REMOVE):
            return False
        self.slots.groups.append(group)
        self.at += 1
        return True

    def take_cue(self) -> bool:
        item = self.items[self.at]
        if (self.at == 0 and item.has(Role.OR)) or (self.at == 0 and item.text == "and by"):
            self.adds = True
        elif (
            not ((item.has(Role.CUE) or item.has(Role.LEADS)) and self.at == 0)
            or item.text in ("by", "per")  # per user is another metric, and no number of users
            or item.has(Role.NOT)
            or item.has(Role.OR)
        ):
            return False
        self.at += 1
        return True


def amended(
    reader: FollowUpReader, before: MetricQuery, lexicon: Lexicon, today: date, assumed: Assumptions
) -> MetricQuery:
    """The question before, with what this one says of it changed."""
    said = reader.slots
    before = _without_values(reader, before)
    together = Slots(
        metrics=_metrics(reader, before),
        groups=_groups(reader, before),
        clauses=said.clauses,
        kept=_kept(reader, before),
        limits=said.limits,
        ranges=said.ranges or _days(reader, before, today),
        against=said.against or _against(reader, before),
        direction=True if said.top and said.direction is None else said.direction,
        order_by=said.order_by,
        top=said.top,
        is_ranking=said.is_ranking,
        asks_for_one=said.asks_for_one,
        contrasts=said.contrasts and bool(said.clauses),
        changes=said.changes,
        from_to=said.from_to,
        averages=said.averages,
        made=said.made,
        as_of=said.as_of,
        shares=said.shares or bool(before.share and (_groups(reader, before) or said.clauses)),
    )
    if reader.adds or said.contrasts or _only_excludes(reader):
        together.clauses, together.kept = _joined(said.clauses, together.kept, assumed)
    if said.contrasts and len(together.clauses) < len(said.clauses):
        # vs France, after one of Germany: both, side by side.
        joined = [one for one in together.kept if isinstance(one, Comparison) and len(one.values) > 1]
        together.groups += [Group(_exactly("dimension", one.dimension)) for one in joined]
    elif said.contrasts and any(len(clause.values) < 2 for clause in said.clauses):
        raise Unclear("It compares with something, and the question before was of nothing like it.")
    is_only_sorted = said.direction is not None and not (said.top or said.is_ranking or said.asks_for_one)
    if is_only_sorted and said.order_by is None and before.order and before.order[0].name in before.metrics:
        together.order_by = _exactly("metric", before.order[0].name)  # the other way round, by the same
    made = build(together, lexicon, before.project, today, assumed)
    changes: dict[str, Any] = {}
    if is_only_sorted and made.by and made.limit is None and before.limit and Role.RANKING not in reader.removed:
        # Sorted in another way, the first ones are others; that all are shown now was not asked for.
        check_limit(before.limit, made.by, lexicon.catalogue)
        changes["limit"] = before.limit
        assumed.assume(f"Still {_rows(before.limit)}, the first in this order; `remove the limit` shows all.", 0.9)
    if not made.by:
        changes |= {"order": (), "limit": None}
    elif Role.RANKING not in reader.removed and together.direction is None:
        order = [_moved(ordering, before, made) for ordering in before.order]
        names = {*made.metrics, *(grouping.name for grouping in made.by)}
        changes["order"] = tuple(ordering for ordering in order if ordering.name in names)
        changes["limit"] = before.limit if changes["order"] or not before.order else None
        check_limit(changes["limit"], made.by, lexicon.catalogue)
    if made.by and not said.limits and Role.CONDITIONS not in reader.removed:
        changes["having"] = tuple(one for one in before.having if one.metric in made.metrics)
    return made.model_copy(update=changes)


def _rows(count: int) -> str:
    return f"{count} rows" if count > 1 else "one row"


def _metrics(reader: FollowUpReader, before: MetricQuery) -> list[Mention]:
    old, said = [_exactly("metric", name) for name in before.metrics], reader.slots.metrics
    ranking = [reader.slots.order_by, *(limit.metric for limit in reader.slots.limits)]
    if all(mention in ranking for mention in said) or (
        reader.adds and not reader.slots.groups and not reader.slots.clauses
    ):
        new = [mention for mention in said if not {meaning.name for meaning in mention.meanings} & set(before.metrics)]
        return [*old, *new]
    return said


def _groups(reader: FollowUpReader, before: MetricQuery) -> list[Group]:
    """Dimensions take the place of dimensions, and a period that of a period; `and by` adds."""
    said = reader.slots.groups
    old_times = [Group(grain=one.grain) for one in before.by if one.name == METRIC_TIME]
    old = [Group(_exactly("dimension", one.name)) for one in before.by if one.name != METRIC_TIME]
    if Role.GROUPINGS in reader.removed:
        named = set(reader.removed_dimensions)
        old = [one for one in old if named and one.dimension and one.dimension.meanings[0].name not in named]
        old_times = old_times if named else []
    said_dimensions = [one for one in said if one.dimension]
    if said_dimensions and not reader.adds:
        old = []
    return [*old, *said_dimensions, *([one for one in said if not one.dimension] or old_times)]


def _without_values(reader: FollowUpReader, before: MetricQuery) -> MetricQuery:
    """Without France, after Germany and France: Germany. Remove France, after France alone: no condition any more."""
    left = _conditions(before)
    for clause in list(reader.slots.clauses):
        for one in left if clause.operator is Comparator.UNEQUAL else []:
            if not isinstance(one, Comparison) or one.operator is not Comparator.EQUAL:
                continue
            gone = {meaning.value for value in clause.values for meaning in value if meaning.name == one.dimension}
            values = tuple(value for value in one.values if value not in gone)
            if len(values) == len(one.values) or not (values or reader.removes_values):
                continue
            left = [other for other in left if other is not one]
            if values:
                left.append(one.model_copy(update={"values": values}))
            reader.slots.clauses.remove(clause)
            break
    where = All(conditions=tuple(left)) if len(left) > 1 else left[0] if left else None
    return before.model_copy(update={"where": where})


def _conditions(query: MetricQuery) -> list[Condition]:
    return list(query.where.conditions) if isinstance(query.where, All) else [query.where] if query.where else []


def _kept(reader: FollowUpReader, before: MetricQuery) -> list[Condition]:
    """The conditions that stay: not those on what this question has a condition of its own on."""
    conditions = _conditions(before)
    if Role.CONDITIONS in reader.removed:
        named = set(reader.removed_dimensions)
        return [one for one in conditions if named and not (isinstance(one, Comparison) and one.dimension in named)]
    said: set[str] = set()
    for clause in [] if reader.adds or reader.slots.contrasts else reader.slots.clauses:
        said |= {meaning.name for value in clause.values for meaning in value}
        said |= {meaning.name for meaning in clause.dimension.meanings} if clause.dimension else set()
    # "and without free" after one without pro: neither of them.
    stays = (Comparator.UNEQUAL,) if _only_excludes(reader) else ()
    return [
        one
        for one in conditions
        if not (isinstance(one, Comparison) and one.dimension in said and one.operator not in stays)
    ]


def _only_excludes(reader: FollowUpReader) -> bool:
    return all(clause.operator is Comparator.UNEQUAL for clause in reader.slots.clauses)


def _joined(clauses: list[Clause], kept: list[Condition], assumed: Assumptions) -> tuple[list[Clause], list[Condition]]:
    """also tablet: one more value of the condition there is; after "without mobile" it is left out as well."""
    others, joined = list(clauses), list(kept)
    for clause in clauses:
        for place, one in enumerate(joined):
            if isinstance(one, Comparison) and one.operator in JOINED_BY.get(clause.operator, ()) and clause.values:
                more = [m.value for value in clause.values for m in value if m.name == one.dimension]
                if len(more) == len(clause.values):
                    if one.operator is not clause.operator:
                        assumed.assume(f"{clause.text!r} is left out as well.", 0.9)
                    joined[place] = one.model_copy(update={"values": tuple(dict.fromkeys((*one.values, *more)))})
                    others.remove(clause)
                    break
    return others, joined


def _days(reader: FollowUpReader, before: MetricQuery, today: date) -> list[Days]:
    if Role.TIMES in reader.removed or (before.first_day is None and before.last_day is None):
        return []
    days = recognised(before.first_day, before.last_day, today)
    if reader.earlier is None:
        return [days]
    earlier = just_before(days)
    if earlier is None or days.unit is not reader.earlier:
        raise Unclear(f"The question before is not of one {reader.earlier}: say which days.")
    return [earlier]


def _against(reader: FollowUpReader, before: MetricQuery) -> Against | None:
    if Role.COMPARISON in reader.removed or before.compare is None:
        return None
    # Other days have other days before them.
    moved = (reader.slots.ranges or reader.earlier) and before.compare is not Compare.YEAR
    return Against(Compare.PREVIOUS if moved else before.compare)


def _moved(ordering: Ordering, before: MetricQuery, made: MetricQuery) -> Ordering:
    """Ranked by the metric that was asked for: by the new one now."""
    gone = ordering.name in before.metrics and ordering.name not in made.metrics
    return Ordering(name=made.metrics[0], descending=ordering.descending) if gone else ordering


def _exactly(kind: str, name: str) -> Mention:
    return Mention(name, (Meaning(kind, name),))
