"""How many questions of a set are understood as its author meant them, and each miss:

python -m tests.questions.scoring tests/questions/development.yaml

asks the catalogue of the last build.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from semantic_layer.ask.understanding import Context, understand
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.journeys.models import (
    DEFAULT_WINDOW_SECONDS,
    Filter,
    Funnel,
    Journey,
    Lifecycle,
    Operator,
    Paths,
    Retention,
    Step,
    Stickiness,
)
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import METRIC_TIME, All, Comparator, Comparison, Condition, MetricQuery

DEVELOPMENT = Path(__file__).parent / "development.yaml"
SAME_PATH = {"device.type": "device_type", "user.plan": "plan", "user.country": "country", "user.tier": "tier"}
# Renamed after the sets were written.
RENAMED = {"conversion_rate": "session_conversion_rate"}
# The keys of each kind; a key that a case leaves out must be at its default.
KEYS = {
    "metrics": ("metrics", "by", "grain", "where", "having", "from", "to", "compare", "share", "limit"),
    "funnel": ("steps", "within", "filters", "by", "from", "to"),
    "retention": ("start", "returning", "period", "filters", "by", "from", "to"),
    "lifecycle": ("event", "period", "filters", "from", "to"),
    "stickiness": ("event", "filters", "from", "to"),
    "paths": ("event", "direction", "filters", "from", "to"),
}
DEFAULTS: dict[str, Any] = {"within": DEFAULT_WINDOW_SECONDS, "direction": "next", "event": "*"}
DEFAULTS |= {"start": "*", "returning": "*", "period": "week"}


@dataclass
class Score:
    right: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)  # of those to refuse
    since: list[str] = field(default_factory=list)  # of those to refuse, what has a right answer since

    @property
    def share(self) -> float:
        """Of the questions that can be answered those whose structure is right."""
        groups = [group for group in self.of if group != "refuse"]
        return sum(self.right[group] for group in groups) / sum(self.of[group] for group in groups)


def score(path: Path, catalogue: Catalogue) -> Score:
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = Score()
    for case in cases["questions"]:
        context = Context(cases["project"], cases["today"])
        if "after" in case:
            before = understand(case["after"], catalogue, context)
            context = Context(cases["project"], cases["today"], before if isinstance(before, Understood) else None)
        answer = understand(case["ask"], catalogue, context)
        case = _renamed(case)
        group = "refuse" if case.get("refuse") else case["group"]
        found.of[group] += 1
        if problems := list(_problems(case, answer, catalogue)):
            found.misses.append(f"{group}: {case['ask']!r}: {'; '.join(problems)}")
            if group == "refuse":
                found.answered.append(case["ask"])
        else:
            found.right[group] += 1
            if group == "refuse" and isinstance(answer, Understood):
                found.since.append(case["ask"])
    return found


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: inner if key in ("ask", "after") else _renamed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner) for inner in value]
    if isinstance(value, str):
        bare = value.removeprefix("-")
        return value.removesuffix(bare) + RENAMED.get(bare, bare)
    return value


def _problems(case: dict[str, Any], answer: Understood | Refusal, catalogue: Catalogue) -> Iterable[str]:
    if case.get("refuse"):
        if isinstance(answer, Understood) and "since" in case:
            yield from _problems(case["since"], answer, catalogue)
        elif isinstance(answer, Understood):
            yield f"answered: {answer.query!r}"
        return
    if isinstance(answer, Refusal):
        yield f"refused: {answer.reason}"
        return
    kind, is_ = case.get("kind", "metrics"), _structure(answer.query)
    if is_["kind"] != kind:
        yield f"a question of {is_['kind']}: {answer.query!r}"
        return
    # What has a value at a time only is asked per period, whether the question says so or not.
    at_times = [name for name in is_.get("metrics", ()) if catalogue.metrics[name].needs_time]
    for key in KEYS[kind]:
        if key == "grain" and at_times and key not in case:
            continue
        yield from _compared(case, key, is_[key])
    if kind == "metrics" and "order" in case:
        wanted = case["order"] if isinstance(case["order"], list) else [case["order"]]
        if is_["order"] not in wanted:
            yield f"order is {is_['order']}, not {wanted}"
    if surplus := is_["surplus"]:
        yield f"also says {surplus}"


def _compared(case: dict[str, Any], key: str, is_: Any) -> Iterable[str]:
    if key == "metrics" and "metrics_any" in case:
        if is_ not in [sorted(one) for one in case["metrics_any"]]:
            yield f"metrics are {is_}, not {case['metrics_any']}"
        return
    wanted = case.get(key, DEFAULTS.get(key))
    if key in ("metrics", "by"):
        matches = is_ == sorted(wanted or [])
    elif key == "where":
        matches = is_ == {name: _values(values) for name, values in (wanted or {}).items()}
    elif key in ("having", "steps"):
        matches = is_ == (wanted or [])
    elif key == "filters":
        matches = is_ == (wanted or {})
    elif key == "compare" and wanted == "previous":
        matches = is_ in ("previous", "week", "month", "quarter")  # of a period so far, the same part of the one before
    else:
        matches = is_ in (wanted if isinstance(wanted, list) else [wanted])
    if not matches:
        yield f"{key} is {is_}, not {wanted}"


def _values(values: Any) -> tuple[str, list[str]]:
    how, wanted = next(iter(values.items())) if isinstance(values, dict) else ("one of", values)
    return how, sorted(map(str, wanted))


def _structure(query: MetricQuery | Journey) -> dict[str, Any]:
    """In the words of the set."""
    if isinstance(query, MetricQuery):
        return _of_metrics(query)
    found: dict[str, Any] = {"kind": type(query).__name__.lower(), "from": query.first_day, "to": query.last_day}
    found |= {"by": [_path(query.dimension)] if query.dimension else [], "surplus": ""}
    match query:
        case Funnel():
            filters = [_filters(step) for step in query.steps]
            found |= {"steps": [step.event for step in query.steps], "within": query.within_seconds}
            found |= {"filters": {key: value for one in filters for key, value in one.items()}}
            if query.exclusions or query.order != "ordered":
                found["surplus"] = "exclusions or an order"
        case Retention():
            found |= {"start": query.start.event, "returning": query.returning.event, "period": str(query.period)}
            found |= {"filters": _filters(query.start), "to": query.cohorts_until}  # watched to the end
        case Lifecycle():
            found |= {"event": query.event.event, "period": str(query.period), "filters": _filters(query.event)}
        case Stickiness():
            found |= {"event": query.event.event, "filters": _filters(query.event)}
        case Paths():
            found |= {"event": query.event.event, "direction": str(query.direction), "filters": _filters(query.event)}
    return found


def _filters(step: Step) -> dict[str, Any]:
    return {_path(one.path): _value(one) for one in step.filters}


def _value(one: Filter) -> Any:
    return one.value if one.operator is Operator.EQUAL else f"{one.operator}{one.value}"


def _path(path: str) -> str:
    return SAME_PATH.get(path, path)


def _of_metrics(query: MetricQuery) -> dict[str, Any]:
    grains = [str(one.grain) for one in query.by if one.name == METRIC_TIME]
    where, surplus = _of_condition(query.where)
    return {
        "kind": "metrics",
        "metrics": sorted(query.metrics),
        "by": sorted(_last(one.name) for one in query.by if one.name != METRIC_TIME),
        "grain": grains[0] if grains else None,
        "where": where,
        "having": [[one.metric, str(one.operator), one.value] for one in query.having],
        "from": query.first_day,
        "to": query.last_day,
        "compare": str(query.compare) if query.compare else None,
        "share": query.share,
        "limit": query.limit,
        "order": f"{'-' if query.order[0].descending else ''}{query.order[0].name}" if query.order else None,
        "surplus": surplus,
    }


def _of_condition(condition: Condition | None) -> tuple[dict[str, tuple[str, list[str]]], str]:
    if condition is None:
        return {}, ""
    parts = condition.conditions if isinstance(condition, All) else (condition,)
    where: dict[str, tuple[str, list[str]]] = {}
    for part in parts:
        kinds = {Comparator.EQUAL: "one of", Comparator.UNEQUAL: "not", Comparator.AT_LEAST: "at least"}
        if not isinstance(part, Comparison) or part.operator not in kinds or _last(part.dimension) in where:
            return where, repr(part)
        where[_last(part.dimension)] = (kinds[part.operator], sorted(map(str, part.values)))
    return where, ""


def _last(name: str) -> str:
    return name.rpartition("__")[2]


def report(found: Score) -> str:
    lines = [*found.misses, ""]
    lines += [f"{group:12} {found.right[group]:3} of {count:3}" for group, count in found.of.items()]
    lines.append(f"Right structure of those that can be answered: {found.share:.1%}")
    lines.append(f"Answered of those to refuse: {len(found.answered)}")
    if found.since:
        lines.append(f"Of these the marts tell since, and the answer is right: {', '.join(found.since)}")
    return "\n".join(lines)


def main() -> None:
    from semantic_layer.metrics.catalogue import load_catalogue
    from warehouse.settings import load_settings

    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEVELOPMENT
    sys.stdout.write(report(score(path, load_catalogue(load_settings()))) + "\n")


if __name__ == "__main__":
    main()
