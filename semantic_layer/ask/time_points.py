"""One point or period of time in words: yesterday, 5 May, March 2026, Q1, last week, three months ago."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from semantic_layer.ask.calendar_days import DAY, Days, period, shifted, start_of
from semantic_layer.ask.numbers import ORDINALS, counted
from semantic_layer.ask.tokens import Token
from semantic_layer.metrics.models import Grain

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
MONTHS |= {name[:3]: number for name, number in MONTHS.items()} | {"sept": 9}
WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
WEEKDAYS |= {"mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thurs": 3, "fri": 4}
UNITS = {unit: Grain(unit) for unit in ("hour", "day", "week", "month", "quarter", "year")}
UNITS |= {f"{unit}s": grain for unit, grain in UNITS.items()}
CALENDAR_UNITS = {word: unit for word, unit in UNITS.items() if unit is not Grain.HOUR}
SHORT_UNITS = {"d": Grain.DAY, "w": Grain.WEEK, "mo": Grain.MONTH, "y": Grain.YEAR}
LAST = {"last", "past", "previous", "prior", "preceding", "latest", "recent", "trailing"}
THIS = {"this", "current", "present", "ongoing"}
TO_DATE = {"wtd": Grain.WEEK, "mtd": Grain.MONTH, "qtd": Grain.QUARTER, "ytd": Grain.YEAR}
QUARTER, HALF = re.compile(r"q([1-4])"), re.compile(r"h([12])")
YEAR = re.compile(r"(?:19|20)\d\d")
# A number behind one of these says how many there are: top 3, orders over 50.
OF_AMOUNTS = {"top", "bottom", "first", "leading", "best", "worst", "limit", "over", "above", "below", "under", "than"}
OF_AMOUNTS |= {"least", "most", "exceeding", "exactly", "precisely", "beyond", ">", "<", ">=", "<=", "="}
OF_LIMITS = {"with", "where", "whose", "having"}
MOST_YEARS = 20  # back, that "over 2015" is one of; 2000 is a number
SLASHED = re.compile(r"(\d+)([./])(\d+)\2(\d+)")
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")


@dataclass(frozen=True)
class Point:
    """A period, whose year may still be open: `March` is the last March unless something else says which."""

    days: Days
    month: int | None = None
    day: int | None = None
    year_is_open: bool = False
    is_relative: bool = False  # last week, yesterday
    is_weekday: bool = False


Read = tuple[int, Point] | None  # where it ends


class Unreadable(Exception):
    """A time that is recognised and cannot be answered; the message says why."""


class PointReader:
    def __init__(self, tokens: Sequence[Token], today: date) -> None:
        self.tokens, self.today = tokens, today
        self.words = [token.text for token in tokens]

    def word(self, i: int) -> str:
        return self.words[i] if 0 <= i < len(self.words) else ""

    def follows(self, i: int, *phrases: str) -> int:
        """Where the first of the phrases that stands at i ends; 0 for none."""
        for phrase in phrases:
            words = phrase.split()
            if self.words[i : i + len(words)] == words:
                return i + len(words)
        return 0

    def point(self, i: int) -> Read:
        """The longest that begins here."""
        i = self.follows(i, "the") or i
        if self._is_amount(i):
            return None
        readings = [
            *(self._named_day(i), self._relative(i), self._last_periods(i), self._ago(i), self._part(i)),
            *(self._written_date(i), self._month(i), self._quarter(i), self._year(i), self._week(i), self._weekday(i)),
        ]
        found = [reading for reading in readings if reading]
        return max(found, key=lambda reading: reading[0], default=None)

    def _is_amount(self, i: int) -> bool:
        """Of "orders over 50 last month", "top 3 May" the number is none of days; of "over 2 last weeks" it is."""
        if self.word(i - 1) not in OF_AMOUNTS or counted(self.word(i)) is None:
            return False
        if self.word(i - 1) != "over":
            return True
        is_year = YEAR.fullmatch(self.word(i)) and abs(self.today.year - int(self.word(i))) < MOST_YEARS
        return not self._last_periods(i) and (not is_year or bool(OF_LIMITS & {*self.words[:i]}))

    def _named_day(self, i: int) -> Read:
        if end := self.follows(i, "day before yesterday"):
            return end, _fixed(_day(self.today - 2 * DAY))
        days = {"today": 0, "yesterday": 1}
        if self.word(i) in days:
            return i + 1, _fixed(_day(self.today - days[self.word(i)] * DAY))
        return None

    def _relative(self, i: int) -> Read:
        """this week, last month, month to date, the week before last."""
        word, unit = self.word(i), CALENDAR_UNITS.get(self.word(i + 1))
        if word in TO_DATE:
            return i + 1, _fixed(self._so_far(TO_DATE[word]))
        if (end := self.follows(i, "so far this")) and (own := CALENDAR_UNITS.get(self.word(end))):
            return end + 1, _fixed(self._so_far(own))
        if own := CALENDAR_UNITS.get(word):
            if end := self.follows(i + 1, "to date", "so far"):
                return end, _fixed(self._so_far(own))
            if end := self.follows(i + 1, "before last"):
                return end, _fixed(period(own, shifted(own, self.today, -2)))
        if unit is None or self.word(i + 1).endswith("s"):
            return None
        if word in THIS:
            return self.follows(i + 2, "to date", "so far") or i + 2, _fixed(self._so_far(unit))
        if word in LAST:
            return i + 2, _fixed(period(unit, shifted(unit, self.today, -1)))
        return None

    def _so_far(self, unit: Grain) -> Days:
        return Days(start_of(unit, self.today), self.today, unit)

    def _last_periods(self, i: int) -> Read:
        """last 7 days, past three months, 2 last weeks, last 30d: whole ones, before the one that today is in."""
        at, count = i + 1, counted(self.word(i + 1))
        if self.word(i) not in LAST:
            at, count = i + 1, counted(self.word(i))
            # "50 last month" are fifty of something, last month.
            if count is None or self.word(i + 1) not in LAST or not self.word(i + 2).endswith("s"):
                return None
        elif match := re.fullmatch(r"(\d+)(d|w|mo|y)", self.word(i + 1)):
            return i + 2, _fixed(self._whole(SHORT_UNITS[match[2]], int(match[1])))
        at += self.follows(at + 1, "full", "whole", "complete", "calendar") > 0
        unit = CALENDAR_UNITS.get(self.word(at + 1))
        if count is None or unit is None:
            return None
        return at + 2, _fixed(self._whole(unit, count))

    def _whole(self, unit: Grain, count: int) -> Days:
        if not 0 < count <= 5000 or (unit is Grain.YEAR and count > 100):
            raise Unreadable(f"{count} {unit}s are not a period that can be asked for.")
        days = Days(shifted(unit, self.today, -count), start_of(unit, self.today) - DAY)
        return replace(days, unit=unit) if count == 1 else days

    def _ago(self, i: int) -> Read:
        count, unit = counted(self.word(i), article=True), CALENDAR_UNITS.get(self.word(i + 1))
        if count is None or unit is None or not 0 < count <= 1200:
            return None
        end = self.follows(i + 2, "ago")
        return (end, _fixed(period(unit, shifted(unit, self.today, -count)))) if end else None

    def _part(self, i: int) -> Read:
        """first half of 2026, second quarter of last year, first 10 days of March, start of the year."""
        if end := self.follows(i, "start of", "beginning of", "first day of"):
            return self._edge(end, first=True)
        if end := self.follows(i, "end of", "last day of"):
            return self._edge(end, first=False)
        number = -1 if self.word(i) == "last" else ORDINALS.get(self.word(i), 0)
        noun = self.word(i + 1)
        if number and noun in ("half", "quarter"):
            whole = self.point(self.follows(i + 2, "of", "in") or i + 2)
            if whole and whole[1].days.first and number > 0:
                parts = self._parts(whole[1], noun, number)
                return (whole[0], parts) if parts else None
            if noun == "quarter" and 0 < number <= 4:
                return i + 2, self._open(3 * number - 2, months=3)
            return None
        count = counted(noun)
        if number in (1, -1) and count and self.word(i + 2) == "days":
            end = self.follows(i + 3, "of", "in")
            whole = self.point(end) if end else None
            if whole and whole[1].days.first and whole[1].days.last:
                first, last = whole[1].days.first, whole[1].days.last
                span = timedelta(days=min(count - 1, (last - first).days))
                days = Days(first, first + span) if number == 1 else Days(last - span, last)
                return whole[0], replace(whole[1], days=days, month=None)
        return None

    def _edge(self, i: int, first: bool) -> Read:
        if not (whole := self.point(i)):
            start = self.follows(i, "the") or i
            unit = CALENDAR_UNITS.get(self.word(start))
            if unit is None:
                return None
            whole = start + 1, _fixed(period(unit, self.today))
        day = whole[1].days.first if first else whole[1].days.last
        return (whole[0], _fixed(_day(day))) if day else None

    def _parts(self, whole: Point, noun: str, number: int) -> Point | None:
        days = whole.days
        assert days.first
        if noun == "quarter":
            if days.unit is not Grain.YEAR or number > 4:
                return None
            return _fixed(period(Grain.QUARTER, date(days.first.year, 3 * number - 2, 1)))
        if number > 2:
            return None
        if days.unit is Grain.YEAR:
            halves = date(days.first.year, 1, 1), date(days.first.year, 7, 1), date(days.first.year + 1, 1, 1)
        elif days.unit is Grain.MONTH:
            halves = days.first, days.first + 15 * DAY, shifted(Grain.MONTH, days.first, 1)
        else:
            return None
        return replace(whole, days=Days(halves[number - 1], halves[number] - DAY), month=None)

    def _written_date(self, i: int) -> Read:
        word = self.word(i)
        if match := ISO.fullmatch(word):
            return i + 1, _fixed(dated(int(match[1]), int(match[2]), int(match[3]), word))
        if not (match := SLASHED.fullmatch(word)):
            return None
        a, b, c = int(match[1]), int(match[3]), int(match[4])
        if len(match[1]) == 4:
            return i + 1, _fixed(dated(a, b, c, word))
        year = c if len(match[4]) == 4 else 2000 + c
        if match[2] == "." or a == b or a > 12:
            return i + 1, _fixed(dated(year, b, a, word))
        if b > 12:
            return i + 1, _fixed(dated(year, a, b, word))
        raise Unreadable(f"{word} may be two days: write it as {year}-{b:02}-{a:02} or {year}-{a:02}-{b:02}.")

    def _month(self, i: int) -> Read:
        """March, March 2026, 5 May, May 5th, 5th of May 2026, last March, March last year."""
        at, this, last = i, self.word(i) in THIS, self.word(i) in LAST
        at = self.follows(at + (this or last), "month of") or at + (this or last)
        day = day_of_month(self.word(at))
        if day and (of := self.follows(at + 1, "of the", "of") or at + 1) and self.word(of) in MONTHS:
            at = of
        else:
            day = None
        month = MONTHS.get(self.word(at))
        if month is None:
            return None
        at += 1
        if day is None and not self.word(at + 1).startswith(("day", "week", "month")):
            after = self.follows(at, "the") or at
            if (day := day_of_month(self.word(after))) is not None:
                at = after + 1
        year_at = self.follows(at, "of", "in", ",") or at
        if YEAR.fullmatch(self.word(year_at)):
            return year_at + 1, self._dated(int(self.word(year_at)), month, day)
        for end, back in ((self.follows(year_at, "this year"), 0), (self.follows(year_at, "last year"), 1)):
            if end:
                return end, self._dated(self.today.year - back, month, day)
        if this:
            return at, self._dated(self.today.year, month, day)
        found = self._open(month, day)
        if last and found.days.last and found.days.last >= self.today:
            found = replace(found, days=self._dated(self.today.year - 1, month, day).days)
        return at, replace(found, year_is_open=not last)

    def _dated(self, year: int, month: int, day: int | None) -> Point:
        if day is None:
            return _fixed(period(Grain.MONTH, date(year, month, 1)))
        return _fixed(dated(year, month, day, f"{day} {calendar.month_name[month]} {year}"))

    def _open(self, month: int, day: int | None = None, months: int = 1) -> Point:
        """The last one that has begun."""
        year = self.today.year - ((month, day or 1) > (self.today.month, self.today.day))
        if day is not None:
            while day == 29 and month == 2 and not calendar.isleap(year):
                year -= 1
            return Point(dated(year, month, day, f"{day} {calendar.month_name[month]}"), month, day, True)
        unit = Grain.MONTH if months == 1 else Grain.QUARTER if months == 3 else None
        last = shifted(Grain.MONTH, date(year, month, 1), months) - DAY
        return Point(Days(date(year, month, 1), last, unit), month, None, True)

    def _quarter(self, i: int) -> Read:
        """Q1, Q1 2026, 2026 Q1, H2 last year."""
        year_first = YEAR.fullmatch(self.word(i))
        at = i + 1 if year_first else i
        quarter, half = QUARTER.fullmatch(self.word(at)), HALF.fullmatch(self.word(at))
        if not quarter and not half:
            return None
        months = 3 if quarter else 6
        month = (int((quarter or half)[1]) - 1) * months + 1  # type: ignore[index]
        after = self.follows(at + 1, "of", "in") or at + 1
        if year_first:
            return at + 1, self._whole_months(int(self.word(i)), month, months)
        if YEAR.fullmatch(self.word(after)):
            return after + 1, self._whole_months(int(self.word(after)), month, months)
        for end, back in ((self.follows(after, "this year"), 0), (self.follows(after, "last year"), 1)):
            if end:
                return end, self._whole_months(self.today.year - back, month, months)
        return at + 1, self._open(month, months=months)

    def _whole_months(self, year: int, month: int, months: int) -> Point:
        first = date(year, month, 1)
        last = shifted(Grain.MONTH, first, months) - DAY
        return _fixed(Days(first, last, Grain.QUARTER if months == 3 else None))

    def _year(self, i: int) -> Read:
        at = self.follows(i, "year", "calendar year") or i
        if not YEAR.fullmatch(self.word(at)):
            return None
        return at + 1, _fixed(period(Grain.YEAR, date(int(self.word(at)), 1, 1)))

    def _week(self, i: int) -> Read:
        """week of 5 May; week 12 of 2026, as ISO counts them."""
        if end := self.follows(i, "week of", "week from", "week starting", "week beginning"):
            inner = self._month(self.follows(end, "the") or end) or self._written_date(end)
            if inner and inner[1].days.first and inner[1].days.first == inner[1].days.last:
                return inner[0], _fixed(period(Grain.WEEK, inner[1].days.first))
            return None
        at = self.follows(i, "calendar week", "week")
        match = re.fullmatch(r"\d{1,2}", self.word(at)) if at else None
        if not match:
            return None
        year_at = self.follows(at + 1, "of", "in") or at + 1
        year = int(self.word(year_at)) if YEAR.fullmatch(self.word(year_at)) else None
        try:
            first = date.fromisocalendar(year or self.today.year, int(match[0]), 1)
            if year is None and first > self.today:
                first = date.fromisocalendar(self.today.year - 1, int(match[0]), 1)
        except ValueError as error:
            raise Unreadable(f"There is no week {match[0]} in {year or 'that year'}.") from error
        return (year_at if year else at) + 1, _fixed(period(Grain.WEEK, first))

    def _weekday(self, i: int) -> Read:
        at = i + (self.word(i) in LAST)
        if self.word(at) not in WEEKDAYS:
            return None
        back = (self.today.weekday() - WEEKDAYS[self.word(at)]) % 7
        if back == 0 and at > i:
            back = 7
        return at + 1, replace(_fixed(_day(self.today - back * DAY)), is_weekday=True)


def _fixed(days: Days) -> Point:
    return Point(days)


def _day(day: date) -> Days:
    return Days(day, day, Grain.DAY)


def dated(year: int, month: int, day: int, written: str) -> Days:
    try:
        return _day(date(year, month, day))
    except ValueError as error:
        raise Unreadable(f"There is no day {written}.") from error


def day_of_month(word: str) -> int | None:
    match = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", word)
    number = int(match[1]) if match else 0
    return number if 0 < number <= 31 else None
