"""Times, grains and comparisons as they stand in a question: since 5 May, per week, compared to last year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from semantic_layer.ask.calendar_days import DAY, Days, a_year_before, just_before, period, start_of
from semantic_layer.ask.numbers import ORDINALS, WORDS, counted
from semantic_layer.ask.time_points import (
    LAST,
    MONTHS,
    THIS,
    TO_DATE,
    UNITS,
    WEEKDAYS,
    Point,
    PointReader,
    Unreadable,
    dated,
    day_of_month,
)
from semantic_layer.ask.tokens import Token
from semantic_layer.metrics.models import Compare, Grain

LENGTHS = {"day": 1, "days": 1, "week": 7, "weeks": 7}
WITHIN: tuple[str, ...] = (
    "over the course of",
    "in the course of",
    "in",
    "on",
    "during",
    "for",
    "of",
    "within",
    "over",
    "at",
)
WITHIN += ("from", "throughout", "across")
EDGES = ("start of", "beginning of", "end of")
ADVERBS = {"hourly": Grain.HOUR, "daily": Grain.DAY, "weekly": Grain.WEEK, "monthly": Grain.MONTH}
ADVERBS |= {"quarterly": Grain.QUARTER, "yearly": Grain.YEAR, "annual": Grain.YEAR, "annually": Grain.YEAR}
EACH: tuple[str, ...] = (
    "a",
    "an",
    "for each",
    "for every",
    "in each",
    "in every",
    "on each",
    "per",
    "each",
    "every",
    "by",
)
OVER_TIME: tuple[str, ...] = (
    *("over time", "over the time", "time series", "as a time series", "as a trend", "trend over time", "timeline"),
    *("evolution of", "development of", "history of", "progression of", "trend of", "trends of", "trend in"),
    *("trend for", "trend", "trends", "trending", "evolution", "timeline of"),
)
OVER = {"wow": Grain.WEEK, "mom": Grain.MONTH, "qoq": Grain.QUARTER, "yoy": Grain.YEAR, "dod": Grain.DAY}
ALL_TIME: tuple[str, ...] = (
    "of all time",
    "for all time",
    "all time",
    "since the beginning",
    "since the very beginning",
    "ever",
)
FUTURE = ("tomorrow", "next week", "next month", "next quarter", "next year", "upcoming", "coming week", "coming month")
WEEKENDS = ("weekend", "weekends", "on weekdays", "business days", "working days", "workdays")
AGAINST: tuple[str, ...] = (
    "compared to",
    "compared with",
    "in comparison to",
    "in comparison with",
    "relative to",
    "versus",
    "vs",
)
AGAINST += (
    "against",
    "as compared to",
    "compare to",
    "compare with",
    "compare it to",
    "compare it with",
    "in contrast to",
)
AGAINST += ("compare that to", "compare that with", "compare this to", "compare this with")
THAN: tuple[str, ...] = (
    "higher than",
    "lower than",
    "more than",
    "less than",
    "better than",
    "worse than",
    "up from",
    "down from",
)
THAN += ("up on", "down on", "bigger than", "smaller than", "different from", "fewer than", "up over", "up versus")
PERIOD_WORDS = ("period", "time frame", "timeframe", "one")


@dataclass(frozen=True)
class Range:
    days: Days
    as_of: bool = False  # what there is on that day; of what happens it may be since, until or on it
    from_to: bool = False  # of two periods that are longer than a day


@dataclass(frozen=True)
class Each:
    grain: Grain | None  # None: over time, by a grain that suits the days


@dataclass(frozen=True)
class Against:
    """A comparison: with the period before, with a year before, or with days that must turn out to be one of them."""

    compare: Compare | None
    unit: Grain | None = None
    other: Days | None = None
    bare: bool = False  # week over week: says what is compared with what
    length: int | None = None  # of the previous 30 days
    same: bool = False  # the same days of that unit before


TimePhrase = Range | Each | Against
SAME_DAYS = {grain: Compare(grain) for grain in (Grain.WEEK, Grain.MONTH, Grain.QUARTER, Grain.YEAR)}
Found = tuple[int, TimePhrase]


class TimeReader(PointReader):
    def __init__(self, tokens: Sequence[Token], today: date) -> None:
        super().__init__(tokens, today)

    def read(self, i: int) -> Found | None:
        """The longest time phrase that begins here."""
        if self.follows(i, *FUTURE):
            raise Unreadable("Only what has happened can be asked for, not the future.")
        if self.follows(i, *WEEKENDS):
            raise Unreadable("Weekends and working days are not told apart: ask by day of the week.")
        readings = [reading for reading in (self._against(i), self._each(i), self._range(i)) if reading]
        return max(readings, key=lambda reading: reading[0], default=None)

    def _each(self, i: int) -> Found | None:
        end = self.follows(i, "on a", "on an", "as a", "a", "the") or i
        if grain := ADVERBS.get(self.word(end)):
            end = self.follows(end + 1, "basis", "trend", "breakdown", "level", "granularity", "numbers") or end + 1
            return end, Each(grain)
        if end := self.follows(i, *OVER_TIME):
            return end, Each(None)
        unit = UNITS.get(self.word(i))
        if unit and (end := self.follows(i + 1, "by", "after")) and UNITS.get(self.word(end)) is unit:
            return end + 1, Each(unit)
        if unit and (end := self.follows(i + 1, "trend", "granularity", "basis")):
            return end, Each(unit)
        end = self.follows(i, *EACH)
        end = self.follows(end, "each", "every", "the", "single", "calendar") or end if end else 0
        unit = UNITS.get(self.word(end)) if end else None
        if unit and not self.follows(end + 1, "to date", "ago", "before", "of", "over"):
            return end + 1, Each(unit)
        return None

    def _range(self, i: int) -> Found | None:
        end = self.follows(i, *ALL_TIME)
        always = (end, Range(Days(None, None))) if end else None
        readings = [self._between(i), self._since(i), self._until(i), self._within(i), self._as_of(i), always]
        return max((reading for reading in readings if reading), key=lambda reading: reading[0], default=None)

    def _between(self, i: int) -> Found | None:
        """between 1 and 15 March, from January to March, March 1 - 15."""
        start = self.follows(i, "between", "from", "for", "in", "during") or i
        links: tuple[str, ...] = ("to", "until", "till", "through", "thru", "up to", "–", "—", "-")
        if self.word(i) == "between":
            links += ("and",)
        begin, bare = self.point(start), self._bare_day(start)
        if begin and (end_at := self.follows(begin[0], *links)):
            if end := self._end_point(end_at):
                return self._joined(begin[1], end)
            if (day := self._bare_day(end_at)) and begin[1].day and begin[1].days.first:
                first = begin[1].days.first
                return day[0], self._range_of(begin[1].days, dated(first.year, first.month, day[1], str(day[1])))
            if (day := self._bare_day(end_at)) and begin[1].days.unit is Grain.DAY and begin[1].days.first:
                first = begin[1].days.first
                return day[0], self._range_of(begin[1].days, dated(first.year, first.month, day[1], str(day[1])))
        elif bare and (end_at := self.follows(bare[0], *links)) and (end := self._end_point(end_at)):
            last = end[1].days.first
            if last and end[1].days.unit is Grain.DAY:
                return end[0], self._range_of(dated(last.year, last.month, bare[1], str(bare[1])), end[1].days)
        return None

    def _end_point(self, i: int) -> tuple[int, Point] | None:
        if end := self.follows(i, "now", "the present", "date"):
            return end, Point(Days(self.today, self.today, Grain.DAY))
        return self.point(i)

    def _bare_day(self, i: int) -> tuple[int, int] | None:
        at = self.follows(i, "the") or i
        day = day_of_month(self.word(at))
        return (at + 1, day) if day else None

    def _joined(self, begin: Point, end: tuple[int, Point]) -> Found:
        """Where only the end has a year, the begin has the same, or the one before."""
        first, last = begin.days.first, end[1].days.first
        if begin.is_weekday and first and last and first > last:
            first -= 7 * DAY  # from Monday to Wednesday, asked on a Tuesday
        if begin.year_is_open and first and last and begin.month:
            is_later = (begin.month, begin.day or 1) > (last.month, last.day)
            year = last.year - (is_later and begin.month != last.month)
            first = first.replace(year=year) if begin.day else date(year, begin.month, 1)
        found = self._range_of(Days(first, first), end[1].days)
        return end[0], replace(found, from_to=begin.days.first != begin.days.last)

    def _range_of(self, begin: Days, end: Days) -> Range:
        if begin.first and end.last and begin.first > end.last:
            raise Unreadable(f"{begin.first} is after {end.last}: swap them.")
        return Range(Days(begin.first, end.last))

    def _since(self, i: int) -> Found | None:
        if at := self.follows(i, "since", "starting", "starting from", "beginning", "ever since", "starting in"):
            at = self.follows(at, "from", "in", "on", "with") or at
            point = self.point(at)
            return (point[0], Range(Days(point[1].days.first, self.today))) if point else None
        if at := self.follows(i, "after"):
            point = self.point(at)
            last = point[1].days.last if point else None
            return (point[0], Range(Days(last + DAY, self.today))) if point and last else None
        if (at := self.follows(i, "from")) and (point := self.point(at)):
            days = point[1].days
            if end := self.follows(point[0], "onwards", "onward", "on", "until now", "till now", "and later"):
                return end, Range(Days(days.first, self.today))
            # "from 5 May" is since then; "orders from March" are those of March.
            if days.unit is Grain.DAY and days.first != self.today and days.first != self.today - DAY:
                return point[0], Range(Days(days.first, self.today))
        return None

    def _until(self, i: int) -> Found | None:
        if (at := self.follows(i, "before", "prior to")) and (point := self.point(at)) and point[1].days.first:
            return point[0], Range(Days(None, point[1].days.first - DAY))
        if (at := self.follows(i, "until", "till", "up to", "through", "up until")) and (point := self.point(at)):
            return point[0], Range(Days(None, point[1].days.last))
        return None

    def _within(self, i: int) -> Found | None:
        at = self.follows(i, *WITHIN) or i
        if end := self.follows(at, "all of"):
            at = end
        point = self.point(at)
        if point is None:
            return None
        # How many days the end of May has, nobody knows; what there is at the end of it is that of its last day.
        is_edge = bool(self.follows(self.follows(at, "the") or at, *EDGES))
        return self.follows(point[0], "so far", "alone", "only") or point[0], Range(point[1].days, as_of=is_edge)

    def _as_of(self, i: int) -> Found | None:
        at = self.follows(i, "as of")
        point = self.point(at) if at else None
        return (point[0], Range(point[1].days, as_of=True)) if point else None

    def _against(self, i: int) -> Found | None:
        """week over week, vs the previous period, compared to last year."""
        if grain := OVER.get(self.word(i)):
            return i + 1, Against(Compare.YEAR if grain is Grain.YEAR else Compare.PREVIOUS, grain, bare=True)
        unit = UNITS.get(self.word(i))
        if unit and self.word(i + 1) in ("over", "on", "to") and UNITS.get(self.word(i + 2)) is unit:
            return i + 3, Against(Compare.YEAR if unit is Grain.YEAR else Compare.PREVIOUS, unit, bare=True)
        at = self.follows(i, *AGAINST)
        if not at and (than := self.follows(i, *THAN)):
            at = than
        if not at:
            return None
        at = self.follows(at, "that of", "those of", "what it was", "it was") or at
        return self._other(at)

    def _same(self, i: int) -> Found | None:
        found = self._other(i)
        return (found[0], replace(found[1], same=True)) if found and isinstance(found[1], Against) else found

    def _other(self, i: int) -> Found | None:
        i = self.follows(i, "in", "of", "from") or i
        i = self.follows(i, "the", "its") or i
        if end := self.follows(i, "same period a year ago", "same period a year earlier", "same period a year before"):
            return end, Against(Compare.YEAR, Grain.YEAR)
        if at := self.follows(i, "same period", "same time", "same days", "same dates", "same period of"):
            return self._same(self.follows(at, "of", "in", "a") or at)
        if same := self.follows(i, "same"):
            unit = UNITS.get(self.word(same))
            return self._same(self.follows(same + 1, "of", "in") or same + 1) if unit else None
        for phrase in ("year before", "year earlier", "year ago", "prior year", "previous year", "last year"):
            if end := self.follows(i, phrase, f"a {phrase}", f"one {phrase}", f"1 {phrase}"):
                return end, Against(Compare.YEAR, Grain.YEAR)
        if self.word(i) in ("last", "previous", "prior", "preceding") and self.word(i + 1) in PERIOD_WORDS:
            return i + 2, Against(Compare.PREVIOUS)
        article = self.follows(i, "a", "one", "1") or i
        unit = UNITS.get(self.word(article))
        if unit and (end := self.follows(article + 1, "before", "earlier", "ago", "prior")):
            return end, Against(Compare.PREVIOUS, unit)
        count, end = counted(self.word(i)), self.follows(i + 2, "before", "earlier", "prior")
        if count and end and self.word(i + 1) in LENGTHS:  # the 14 days before
            return end, Against(Compare.PREVIOUS, length=count * LENGTHS[self.word(i + 1)])
        if self.word(i) in ("last", "previous", "prior", "preceding") and (unit := UNITS.get(self.word(i + 1))):
            return i + 2, Against(Compare.PREVIOUS, unit)
        if point := self.point(i):
            if self.word(i) in ("previous", "prior", "preceding") and not UNITS.get(self.word(i + 1)):
                return point[0], Against(Compare.PREVIOUS, length=point[1].days.length)
            return point[0], Against(None, point[1].days.unit, point[1].days)
        end = self.follows(i, "period before", "one before", "previous", "before", "period just before", "prior")
        return (end, Against(Compare.PREVIOUS)) if end else None


def before_these(days: Days) -> Compare:
    """Of a week, month or quarter so far the same part of the one before; else as many days."""
    assert days.first and days.last
    so_far = days.unit and days.first == start_of(days.unit, days.first) and days.last < _last_of(days.unit, days.first)
    return SAME_DAYS.get(days.unit, Compare.PREVIOUS) if so_far and days.unit else Compare.PREVIOUS


def _last_of(unit: Grain, day: date) -> date:
    last = period(unit, day).last
    assert last
    return last


def compared(main: Days, against: Against) -> Compare:
    """What the comparison is, for these days; only with the days just before or the same days a period before."""
    if against.same and against.compare is Compare.PREVIOUS and against.unit in SAME_DAYS:
        return SAME_DAYS[against.unit]
    if against.compare is Compare.PREVIOUS and against.unit and main.unit and against.unit is not main.unit:
        raise Unreadable(f"A {main.unit} is compared with the {main.unit} before, or with a year before.")
    if against.length not in (None, main.length):
        raise Unreadable("Days are compared with as many days just before, or with the same days a year before.")
    if against.compare is Compare.PREVIOUS:
        return before_these(main)
    if against.compare:
        return against.compare
    assert against.other
    if just_before(main) in (against.other, replace(against.other, unit=None)):
        return before_these(main)
    if replace(against.other, unit=None) == replace(a_year_before(main), unit=None):
        return Compare.YEAR
    raise Unreadable("Days are compared with those just before, or with the same days a year before.")


def time_words() -> frozenset[str]:
    """Every word that times are made of."""
    phrases = (
        *WITHIN,
        *EACH,
        *OVER_TIME,
        *ALL_TIME,
        *FUTURE,
        *WEEKENDS,
        *AGAINST,
        *THAN,
        "ago",
        "earlier",
        "half",
        "date",
    )
    singles = (*MONTHS, *WEEKDAYS, *UNITS, *LAST, *THIS, *TO_DATE, *ADVERBS, *OVER, *WORDS, *ORDINALS)
    more = (
        "yesterday",
        "today",
        "since",
        "until",
        "till",
        "before",
        "after",
        "beginning",
        "start",
        "end",
        "same",
        "period",
    )
    return frozenset(word for phrase in (*phrases, *singles, *more) for word in phrase.split())
