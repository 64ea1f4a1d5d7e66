"""How metrics, their dimensions and answers about them look at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from cli.output import console, print_sentence, print_table, say

if TYPE_CHECKING:
    from semantic_layer.metrics.answers import Answer
    from semantic_layer.metrics.catalogue import Catalogue, Dimension, Metric, ProjectFacts
    from semantic_layer.metrics.models import Grain

SHOWN_ROWS = 1000
SHOWN_VALUES = 5
NOTHING = "–"
NO_VALUE = "(none)"
Show = Callable[[Any], str]


def print_metrics(metrics: Sequence[Metric]) -> None:
    _print_names(["metric", "label", "description"], ((m.name, m.label, _sentence(m)) for m in metrics))


def print_metric(metric: Metric, catalogue: Catalogue) -> None:
    lines = [
        ("metric", metric.name),
        ("label", metric.label),
        ("", metric.description),
        ("made of", metric.made_of),
        ("kind", metric.kind),
        ("format", metric.format),
        ("good is", {"up": "more", "down": "less"}.get(metric.good, "neither")),
        ("owner", metric.owner),
        ("called", ", ".join(metric.synonyms)),
        ("by time", ", ".join(metric.grains) + (" (only by time)" if metric.needs_time else "")),
    ]
    for name, text in lines:
        if text:
            print_sentence(f"{name:<9} {text}", indent=10)
    print_dimensions([catalogue.dimensions[name] for name in metric.dimensions])


def print_dimensions(dimensions: Sequence[Dimension]) -> None:
    _print_names(["dimension", "label", "values"], ((d.name, d.label, _some_values(d)) for d in dimensions))


def print_values(values: Mapping[str, Sequence[str]]) -> None:
    if any(values.values()):
        print_table(["value", "called"], ((value, ", ".join(words)) for value, words in values.items()))
    else:
        print_table(["value"], ([value] for value in values))


def _print_names(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table whose first column is to be copied: it is not broken over lines."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(Text(column), overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    console().print(table)


def print_answer(answer: Answer, catalogue: Catalogue) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shows = _columns(answer, catalogue)
    headers = _headers(answer, catalogue)
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    keys = len(answer.query.by)
    for number, header in enumerate(headers):
        table.add_column(Text(header), overflow="fold", justify="left" if number < keys else "right")
    for row in answer.rows[:SHOWN_ROWS]:
        table.add_row(*(Text(show(value)) for show, value in zip(shows, row, strict=True)))
    console().print(table)
    told = f"{len(answer.rows):,} {'row' if len(answer.rows) == 1 else 'rows'} in {answer.seconds:.2f} s."
    if len(answer.rows) > SHOWN_ROWS:
        told = f"Only the first {SHOWN_ROWS:,} of {len(answer.rows):,} rows are shown; --format csv gives all."
    if answer.compared_days:
        begin, end = answer.compared_days
        told += f" Compared with {begin} to {end}."
    elif answer.query.compare:
        told += f" There is no such time a {answer.query.compare} before."
    say(told)
    if remark := _days(answer, catalogue.projects[answer.query.project]):
        say(remark)


def _days(answer: Answer, facts: ProjectFacts) -> str:
    """Where the days of an answer are not those that somebody would think of."""
    first, last = answer.query.first_day, answer.query.last_day
    if facts.first_day is None or facts.last_day is None:
        return ""
    events = f"events of {answer.query.project} are from {facts.first_day} to {facts.last_day}"
    if (first and first > facts.last_day) or (last and last < facts.first_day):
        return f"No event is of these days: {events}."
    if not first and not last and not answer.query.by:
        return f"Of all days there are: {events}, what other systems tell may be older."
    return ""


def _columns(answer: Answer, catalogue: Catalogue) -> list[Show]:
    """How the values of each column are shown."""
    currency = catalogue.projects[answer.query.project].currency
    shows = [_key(grouping.grain) for grouping in answer.query.by]
    for name in answer.query.metrics:
        number = _number(catalogue.metrics[name].format, currency)
        shows += [number, number, _change] if answer.query.compare else [number]
        shows += [_share] if answer.query.share else []
    return shows


def _headers(answer: Answer, catalogue: Catalogue) -> list[str]:
    from semantic_layer.metrics.models import METRIC_TIME

    labels = []
    for grouping in answer.query.by:
        is_time = grouping.name == METRIC_TIME
        label = str(grouping.grain).capitalize() if is_time else catalogue.dimensions[grouping.name].label
        labels.append(f"{label}, by {grouping.grain}" if grouping.grain and not is_time else label)
    # Two that people call the same are told apart by their names.
    labels = [
        label if labels.count(label) == 1 else str(grouping)
        for label, grouping in zip(labels, answer.query.by, strict=True)
    ]
    for name in answer.query.metrics:
        labels.append(catalogue.metrics[name].label)
        if answer.query.compare:
            labels += ["before", "change"]
        labels += ["share"] if answer.query.share else []
    return labels


def _key(grain: Grain | None) -> Show:
    from semantic_layer.ask.wording import short_period

    def show(value: Any) -> str:
        if value is None or value == "":
            return NO_VALUE
        return short_period(value, grain) if grain and isinstance(value, date) else _plain(value)

    return show


def _number(form: str, currency: str) -> Show:
    from semantic_layer.ask.wording import say_number

    return lambda value: NOTHING if value is None else say_number(float(value), form, currency)


def _change(value: Any) -> str:
    from semantic_layer.ask.wording import percent

    return NOTHING if value is None else f"{'+' if value > 0 else ''}{percent(value)}"


def _share(value: Any) -> str:
    from semantic_layer.ask.wording import percent

    return NOTHING if value is None else percent(value)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sentence(metric: Metric) -> str:
    return metric.description.partition(". ")[0].rstrip(".")


def _some_values(dimension: Dimension) -> str:
    if dimension.kind == "time":
        return f"by {dimension.grain} and coarser"
    values: Iterable[str] = dict.fromkeys(value for of in dimension.values.values() for value in of)
    shown = list(values)
    return ", ".join(shown[:SHOWN_VALUES]) + (", …" if len(shown) > SHOWN_VALUES else "")
