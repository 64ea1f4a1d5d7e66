"""Reads a question about a journey: its steps, and what stands between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from semantic_layer.ask.clauses import ClauseReader
from semantic_layer.ask.items import Item
from semantic_layer.ask.lexicon import Meaning
from semantic_layer.ask.numbers import counted
from semantic_layer.ask.phrases import Role
from semantic_layer.ask.time_phrases import Each
from semantic_layer.metrics.models import Grain

PAGE_EVENT = "page_viewed"
PASSING = ("via", "through", "over", "into", "onto")
USES = ("use", "used", "uses", "using")
SECONDS = {Grain.HOUR: 3600, Grain.DAY: 86400, Grain.WEEK: 7 * 86400, Grain.MONTH: 30 * 86400}
SHORTER = {"minute": 60, "minutes": 60, "second": 1, "seconds": 1}


@dataclass(frozen=True)
class StepMention:
    """An event, or a page that is viewed, as it was said."""

    text: str
    events: tuple[Meaning, ...]
    page: str = ""
    link: Role | None = None  # what stood before it: FROM, THEN …
    is_passed: bool = False  # via, through: between two others, and no arrow by itself
    is_excluded: bool = False


class JourneyReader(ClauseReader):
    """Also notes which words of journeys were said, for those who decide what kind of journey it is."""

    silent: tuple[Role, ...] = ()  # words that say no more than what kind of journey it is

    def __init__(self, items: Sequence[Item]) -> None:
        super().__init__(items)
        self.steps: list[StepMention] = []
        self.said: set[Role] = set()
        self.within_seconds: int | None = None
        self._link: Role | None = None
        self._passes = False

    def take(self) -> bool:
        return (
            self.take_window()
            or self.take_step()
            or self.take_time()
            or self.take_grouping()
            or self.take_condition()
            or self.take_word()
            or self.take_people()
            or self.take_silent()
        )

    def is_rather_else(self, at: int) -> bool:
        item = self.item(at)
        return item is not None and bool(item.named("event") or item.named("page") or item.is_grammar)

    def take_step(self) -> bool:
        """An event or a page; of "view the pricing page" both."""
        at, excluded = self.at, False
        if self.has(at, Role.NOT):
            at, excluded = self.past_fillers(at + 1), True
        found = self._step(at)
        if found is None:
            return False
        self.at, step = found
        self.steps.append(replace(step, link=self._link, is_passed=self._passes, is_excluded=excluded))
        self._link, self._passes = None, False
        return True

    def _step(self, at: int) -> tuple[int, StepMention] | None:
        item = self.item(at)
        if item is None:
            return None
        if events := _nearest(item.named("event")):
            after = self.past_fillers(at + 1)
            if any(event.name == PAGE_EVENT for event in events) and (page := self.named(after, "page")):
                return after + 1, StepMention(item.text, events, page[0].name)
            return at + 1, StepMention(item.text, events)
        if (pages := _nearest(item.named("page"))) and not item.is_grammar:
            if len({page.name for page in pages}) > 1:
                return None
            return at + 1, StepMention(item.text, (Meaning("event", PAGE_EVENT),), pages[0].name)
        return None

    def take_window(self) -> bool:
        """within 7 days, in under an hour."""
        if not self.has(self.at, Role.WITHIN) and self.items[self.at].text != "in":
            return False
        number, unit = self.item(self.at + 1), self.item(self.at + 2)
        if number and isinstance(number.time, Each) and number.text.startswith(("a ", "an ")) and number.time.grain:
            self.within_seconds = SECONDS.get(number.time.grain)
            self.at += 2 if self.within_seconds else 0
            return self.within_seconds is not None
        count = counted(number.text, article=True) if number else None
        if not count or unit is None:
            return False
        grain = unit.payload(Role.UNIT) if unit.has(Role.UNIT) else None
        seconds = SECONDS.get(grain) if isinstance(grain, Grain) else SHORTER.get(unit.text)
        if seconds is None:
            return False
        self.within_seconds = count * seconds
        self.at += 3
        return True

    def take_word(self) -> bool:
        """A word of this kind of journey."""
        item = self.items[self.at]
        if item.text == "new" and self._step(self.at + 1):
            self.at += 1  # new sign-ups are sign-ups
            return True
        for role in (*self.silent, Role.STARTS, Role.THEN):
            if not item.has(role):
                continue
            if role in (Role.STARTS, Role.THEN):
                if not self._step(self.past_people(self.at + 1)):
                    continue
                self._link, self._passes = role, item.text in PASSING
            self.said.add(role)
            self.at += 1
            return True
        return False

    def take_silent(self) -> bool:
        """Who used mobile is of a value; who used the export feature did something that no step says."""
        if self.items[self.at].text.rpartition(" ")[2] in USES:
            of = self.item(self.past_fillers(self.at + 1))
            if of is None or not of.named("value") or of.named("event") or of.named("page"):
                return False
        return super().take_silent()

    def past_people(self, at: int) -> int:
        while self.is_filler(at) or self.has(at, Role.PEOPLE):
            at += 1
        return at

    def take_people(self) -> bool:
        if not self.has(self.at, Role.PEOPLE):
            return False
        self.slots.people = True
        self.at += 1
        return True


def _nearest(meanings: Sequence[Meaning]) -> tuple[Meaning, ...]:
    best = min((meaning.rank for meaning in meanings), default=0)
    return tuple(meaning for meaning in meanings if meaning.rank == best)
