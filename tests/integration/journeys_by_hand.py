"""The rules of journeys once more, by trying everything: slow, short, and without a line of the code under test.

An event is a tuple (person, at, name, x, session): `at` in milliseconds since the first day, whose weekday is Thursday.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise, permutations
from statistics import mean, median
from typing import Any, NamedTuple

FIRST_DAY = date(2026, 1, 1)
DAY = 86_400_000


class Event(NamedTuple):
    person: int
    at: int
    name: str
    x: int
    session: int = 1

    @property
    def day(self) -> date:
        return FIRST_DAY + timedelta(days=self.at // DAY)

    @property
    def country(self) -> str:
        return ("DE", "FR", "unknown")[self.at // 3_600_000 % 3]


Matches = Callable[[Event], bool]


class Attempt(NamedTuple):
    times: tuple[int, ...]
    values: tuple[str, ...]
    day: date


def of_people(events: Iterable[Event]) -> dict[int, list[Event]]:
    people: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        people[event.person].append(event)
    return people


def in_order(events: list[Event], steps: Sequence[Matches]) -> list[Event]:
    """By time; at one instant by the steps that an event matches, the lowest first, those that match none last."""

    def rank(event: Event) -> tuple[int, int, int]:
        matched = [k for k, step in enumerate(steps) if step(event)]
        return event.at, matched[0] if matched else 99, sum(2**k for k in matched)

    return sorted(events, key=rank)


def attempts(
    events: list[Event],
    steps: Sequence[Matches],
    window: int,
    order: str,
    exclusions: Sequence[tuple[Matches, int, int]],
    entered: Callable[[date], bool],
) -> list[Attempt]:
    path = in_order(events, steps)
    found = []
    for place, event in enumerate(path):
        if not entered(event.day):
            continue
        if order == "unordered":
            taken = _unordered(path[place:], steps, window)
        else:
            taken = _longest(path, [place], steps, window, order == "strict") if steps[0](event) else []
        if taken and not any(_spoilt(events, taken, window, *exclusion) for exclusion in exclusions):
            found.append(Attempt(tuple(e.at for e in taken), tuple(e.country for e in taken), event.day))
    return found


def _longest(path: list[Event], places: list[int], steps: Sequence[Matches], window: int, strict: bool) -> list[Event]:
    """Of all ways to go on: the one that comes furthest, the earliest of those."""
    taken = [path[place] for place in places]
    ways = [taken]
    if len(places) < len(steps):
        following = range(places[-1] + 1, len(path))
        ways += [
            _longest(path, [*places, place], steps, window, strict)
            for place in (following[:1] if strict else following)
            if steps[len(places)](path[place]) and path[place].at - taken[0].at <= window
        ]
    return min(ways, key=lambda way: (-len(way), [event.at for event in way]))


def _unordered(path: list[Event], steps: Sequence[Matches], window: int) -> list[Event]:
    """The events with which one step more is done than before; no event does two."""
    if not any(step(path[0]) for step in steps):
        return []
    within = [event for event in path if event.at - path[0].at <= window]
    taken: list[Event] = []
    for end, event in enumerate(within, start=1):
        if _most_done(within[:end], steps) > len(taken):
            taken.append(event)
    return taken


def _most_done(events: list[Event], steps: Sequence[Matches]) -> int:
    for count in range(min(len(events), len(steps)), 0, -1):
        for some in combinations(steps, count):
            for chosen in permutations(events, count):
                if all(step(event) for step, event in zip(some, chosen, strict=True)):
                    return count
    return 0


def _spoilt(events: list[Event], taken: list[Event], window: int, excluded: Matches, after: int, before: int) -> bool:
    if len(taken) < after:
        return False
    end = taken[before - 1].at - 1 if len(taken) >= before else taken[0].at + window
    return any(excluded(event) and taken[after - 1].at < event.at <= end for event in events)


def best(found: Iterable[Attempt]) -> Attempt | None:
    return min(found, key=lambda attempt: (-len(attempt.times), attempt.times), default=None)


def funnel(
    events: list[Event],
    steps: Sequence[Matches],
    window: int,
    order: str = "ordered",
    exclusions: Sequence[tuple[Matches, int, int]] = (),
    entered: Callable[[date], bool] = lambda day: True,
    attribution: str = "first",
    bins: int | None = None,
) -> dict[str, Any]:
    n = len(steps)
    all_found = [
        attempts(of_person, steps, window, order, exclusions, entered) for of_person in of_people(events).values()
    ]
    chosen = [attempt for found in all_found if (attempt := best(found))]
    values: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in chosen:
        values[_attributed(attempt, attribution)].append(attempt)
    entered_on: dict[str, int] = Counter()
    converted_on: dict[str, int] = Counter()
    for found in all_found:
        entered_on.update({str(attempt.day) for attempt in found})
        converted_on.update({str(attempt.day) for attempt in found if len(attempt.times) == n})
    return {
        "steps": told(chosen, n),
        "breakdown": {value: told(of_value, n) for value, of_value in values.items()},
        "histogram": histogram([(a.times[-1] - a.times[0]) / 1000 for a in chosen if len(a.times) == n], bins),
        "trend": [(day, entered_on[day], converted_on.get(day, 0)) for day in sorted(entered_on)],
    }


def _attributed(attempt: Attempt, attribution: str) -> str:
    if attribution == "last":
        return attempt.values[-1]
    place = int(attribution.removeprefix("step:")) - 1 if attribution != "first" else 0
    return attempt.values[place] if place < len(attempt.values) else ""


def told(chosen: list[Attempt], n: int) -> list[tuple[int, float | None, float | None]]:
    rows: list[tuple[int, float | None, float | None]] = []
    for k in range(n):
        reached = [attempt.times for attempt in chosen if len(attempt.times) > k]
        took = [(times[k] - times[k - 1]) / 1000 for times in reached] if k else []
        rows.append((len(reached), mean(took) if took else None, median(took) if took else None))
    return rows


def histogram(seconds: list[float], bins: int | None) -> list[tuple[int, int, int]]:
    if not seconds:
        return []
    low, high = math.floor(min(seconds)), math.ceil(max(seconds))
    cube_root = next(k for k in range(1, 99) if k**3 >= len(seconds))
    k = bins or min(max(cube_root, 1), 60)
    width = math.ceil((high - low) / k) or 60
    edges = [low + i * width for i in range(k + 2)]
    return [(a, b, sum(a <= s < b for s in seconds)) for a, b in pairwise(edges)]


def period_of(day: date, period: str) -> date:
    if period == "week":
        return day - timedelta(days=(day - date(2026, 1, 5)).days % 7)
    return day.replace(day=1) if period == "month" else day


def periods_between(first: date, last: date, period: str) -> list[date]:
    """Those of which all days are between."""
    starts = sorted({period_of(first + timedelta(days=n), period) for n in range((last - first).days + 1)})
    whole = []
    for start in starts:
        days = [start + timedelta(days=n) for n in range(31) if period_of(start + timedelta(days=n), period) == start]
        if start >= first and days[-1] <= last:
            whole.append(start)
    return whole


def retention(
    events: list[Event],
    start: Matches,
    returning: Matches,
    period: str,
    first: date,
    last: date,
    kind: str,
    mode: str,
    least: int,
    until: date | None = None,
) -> dict[str, dict[str, tuple[int, list[int]]]]:
    """By the country of a member's first start event in the period; '' is everybody."""
    whole = periods_between(first, last, period)
    beginning = periods_between(first, until or last, period)
    cohorts: dict[tuple[str, date], list[set[date]]] = defaultdict(list)
    for of_person in of_people(events).values():
        counts = Counter(period_of(e.day, period) for e in of_person if returning(e) and e.day <= last)
        back = {at for at, count in counts.items() if count >= least}
        ever = sorted({period_of(e.day, period) for e in of_person if start(e) and e.day <= last})
        within = sorted({period_of(e.day, period) for e in of_person if start(e) and first <= e.day <= last})
        member_of = {
            "recurring": [at for at in within if at in beginning],
            "first_time": [at for at in within if at in beginning][:1],
            "first_ever": [at for at in ever[:1] if at in beginning],
        }[kind]
        for at in member_of:
            began = [e for e in of_person if start(e) and period_of(e.day, period) == at and first <= e.day <= last]
            cohorts["", at].append(back)
            cohorts[min(began, key=lambda e: e.at).country, at].append(back)
    answer: dict[str, dict[str, tuple[int, list[int]]]] = defaultdict(dict)
    for (value, at), members in cohorts.items():
        later = [other for other in whole if other > at]
        returned = [
            sum(
                any(other in back for other in (later[i:] if mode == "on_or_after" else [later[i]])) for back in members
            )
            for i in range(len(later))
        ]
        answer[value][str(at)] = (len(members), returned)
    return answer


def lifecycle(events: list[Event], active: Matches, period: str, first: date, last: date) -> dict[str, list[int]]:
    shown = sorted({period_of(first + timedelta(days=n), period) for n in range((last - first).days + 1)})
    answer: dict[str, list[int]] = {}
    for of_person in of_people(events).values():
        on = {period_of(e.day, period) for e in of_person if active(e) and e.day <= last}
        for at in shown:
            before = period_of(at - timedelta(days=1), period)
            if at in on:
                state = 0 if at == min(on) else 1 if before in on else 2
            elif before in on:
                state = 3
            else:
                continue
            answer.setdefault(str(at), [0, 0, 0, 0])[state] += 1
    return answer


def paths(events: list[Event], anchor: Matches, previous: bool, depth: int) -> tuple[int, Counter[Any], Counter[Any]]:
    sessions: dict[tuple[int, int], list[Event]] = defaultdict(list)
    for event in events:
        sessions[event.person, event.session].append(event)
    whole: Counter[Any] = Counter()
    edges: Counter[Any] = Counter()
    for of_session in sessions.values():
        ordered = sorted(of_session, key=lambda event: event.at, reverse=previous)
        for place, event in enumerate(ordered):
            if anchor(event):
                names = [e.name for e in ordered[place : place + depth + 1]]
                whole[tuple(names)] += 1
                ends = [*names, None][: depth + 1]
                edges.update((k, a, b) for k, (a, b) in enumerate(pairwise(ends), start=1))
                break
    return sum(whole.values()), whole, edges
