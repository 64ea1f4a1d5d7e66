"""Asking a journey of the warehouse: from the model to the answer as the command line prints it in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from semantic_layer.journeys import rendering
from semantic_layer.journeys.known import days_with_events
from semantic_layer.journeys.models import Funnel, Journey, Lifecycle, Order, Paths, Period, Retention, Stickiness
from semantic_layer.reader import Reader

Answer = dict[str, Any]


def ask(reader: Reader, journey: Journey) -> Answer:
    match journey:
        case Funnel():
            return _funnel(reader, journey)
        case Retention():
            return _retention(reader, journey)
        case Lifecycle():
            return _lifecycle(reader, journey)
        case Stickiness():
            return _stickiness(reader, journey)
        case Paths():
            return _paths(reader, journey)
    raise TypeError(type(journey))


def _funnel(reader: Reader, funnel: Funnel) -> Answer:
    rows = reader.answer(rendering.funnel_sql(funnel))
    nobody: list[Any] = [0, "", [0] * len(funnel.steps), [], [], [], []]
    everybody = next((row for row in rows if not row[0]), nobody)
    parts = [row for row in rows if row[0]]
    return {
        "definition": _definition(funnel),
        "steps": _steps(funnel, everybody),
        "breakdown": [{"value": row[1], "steps": _steps(funnel, row)} for row in parts],
        "histogram": [{"from_seconds": begin, "to_seconds": end, "users": users} for begin, end, users in everybody[5]],
        "trend": [
            {"period": period, "entered": entered, "converted": converted, "rate": converted / entered}
            for period, entered, converted in everybody[6]
        ],
    }


def _definition(funnel: Funnel) -> Answer:
    return {
        "project": funnel.project,
        "steps": [str(step) for step in funnel.steps],
        "order": str(funnel.order),
        "within_seconds": funnel.within_seconds,
        "exclusions": [
            {"event": str(e.step), "after_step": e.after, "before_step": e.before} for e in funnel.exclusions
        ],
        "from": _iso(funnel.first_day),
        "to": _iso(funnel.last_day),
        "by": funnel.by,
        "attribution": funnel.attribution,
    }


def _steps(funnel: Funnel, row: Sequence[Any]) -> list[Answer]:
    users, means, medians = row[2], row[3] or [None] * len(row[2]), row[4] or [None] * len(row[2])
    steps = []
    for k, (here, mean, median) in enumerate(zip(users, means, medians, strict=True)):
        before = users[max(k - 1, 0)]
        name = str(funnel.steps[k])
        if funnel.order is Order.UNORDERED:
            name = f"any {k + 1} of {len(users)}"
        steps.append(
            {
                "step": k + 1,
                "name": name,
                "users": here,
                "from_start": here / users[0] if users[0] else 0.0,
                "from_previous": here / before if before else 0.0,
                "drop_off": before - here,
                "mean_seconds": mean,
                "median_seconds": median,
            }
        )
    return steps


def _retention(reader: Reader, retention: Retention) -> Answer:
    days = _days(reader, retention, retention.period)
    rows = reader.answer(rendering.retention_sql(retention, *days)) if days else []
    cohorts: list[tuple[str, Answer]] = [
        (
            row[3] if retention.by else "",
            {"period": row[1], "size": row[-2], "returned": row[-1][: retention.periods]},
        )
        for row in rows
    ]
    if retention.by is None:
        return {"cohorts": [cohort for _, cohort in cohorts]}
    parts = [(value, [c for of, c in cohorts if of == value]) for value in dict.fromkeys(value for value, _ in cohorts)]
    parts.sort(key=lambda part: (-sum(cohort["size"] for cohort in part[1]), part[0]))
    return {
        "cohorts": _all_together([cohort for _, cohort in cohorts]),
        "breakdown": [{"value": value, "cohorts": of_value} for value, of_value in parts[: rendering.SHOWN_VALUES]],
    }


def _all_together(cohorts: list[Answer]) -> list[Answer]:
    """A member is in one part, so the parts add up."""
    together: dict[str, Answer] = {}
    for cohort in cohorts:
        sums = together.setdefault(cohort["period"], {"period": cohort["period"], "size": 0, "returned": []})
        sums["size"] += cohort["size"]
        sums["returned"] = [
            a + b for a, b in zip(sums["returned"] or [0] * len(cohort["returned"]), cohort["returned"], strict=True)
        ]
    return [together[period] for period in sorted(together)]


def _lifecycle(reader: Reader, lifecycle: Lifecycle) -> Answer:
    days = _days(reader, lifecycle, lifecycle.period)
    rows = reader.answer(rendering.lifecycle_sql(lifecycle, *days)) if days else []
    names = ("period", "new", "returning", "resurrecting", "dormant")
    return {"periods": [dict(zip(names, row[1:], strict=True)) for row in rows]}


def _stickiness(reader: Reader, stickiness: Stickiness) -> Answer:
    days = _days(reader, stickiness, Period.DAY)
    rows = reader.answer(rendering.stickiness_sql(stickiness, *days)) if days else []
    return {"days": [{"days": days, "users": users} for _, days, users in rows]}


def _paths(reader: Reader, paths: Paths) -> Answer:
    rows = reader.answer(rendering.paths_sql(paths))
    sessions = next((count for step, _, count in rows if step == -1), 0)

    def share(count: int) -> float:
        return count / sessions

    return {
        "event": str(paths.event),
        "direction": str(paths.direction),
        "sessions": sessions,
        "edges": [
            {"step": step, "from": names[0], "to": names[1] or None, "sessions": count, "share": share(count)}
            for step, names, count in rows
            if step > 0
        ],
        "paths": [
            {"path": names, "sessions": count, "share": share(count)} for step, names, count in rows if step == 0
        ],
    }


def _days(reader: Reader, journey: Retention | Lifecycle | Stickiness, period: Period) -> tuple[date, date] | None:
    """The days asked for; where one is not given, that of the project's events. None: there are no such days."""
    first, last = journey.first_day, journey.last_day
    if first is None or last is None:
        known = days_with_events(reader, journey.project)
        if known is None:
            return None
        # Nothing was before the first day: its period is whole.
        first, last = first or rendering.period_start(period, known[0]), last or known[1]
    return (first, last) if first <= last else None


def _iso(day: date | None) -> str | None:
    return str(day) if day else None
