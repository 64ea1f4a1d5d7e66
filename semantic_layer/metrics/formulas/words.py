"""What the warehouse knows of the words of a formula: an event or property that there is not stops the definition, what
is only odd is a remark. A definition is for all projects, so the events of any project count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from semantic_layer.journeys.known import LOOKED_AT, never_seen, unknown_properties
from semantic_layer.journeys.rendering import EVENTS, condition_sql, dimensions, literal, user_dimensions, value_sql
from semantic_layer.metrics.formulas.declaring import number_sql, without_users
from semantic_layer.metrics.formulas.places import wrong
from semantic_layer.metrics.formulas.tree import Aggregate, Formula, aggregates
from semantic_layer.reader import Reader
from warehouse.errors import nearest

OF_ALL = "true"
EVENT_TYPES = "marts.dim_event_types"
# Ends of names of numbers that are no money, though a currency may stand beside them.
NO_MONEY = ("count", "quantity", "percent", "ms", "seconds", "minutes", "hours", "days")


@dataclass(frozen=True)
class _EventType:
    is_sent: bool
    properties: frozenset[str]  # that it may have by the registry


def check_words(reader: Reader, text: str, formula: Formula) -> list[str]:
    """Remarks; what there is not, is told with its place in the text."""
    types = _event_types(reader)
    parts = aggregates(formula)
    for part in parts:
        _check_event(text, part, types)
        _check_path(text, part)
    remarks = [
        f"No event called {name} was sent yet."
        for name in dict.fromkeys(part.step.event for part in parts)
        if name != "*" and not types[name].is_sent
    ]
    sent = [part for part in parts if part.step.event == "*" or types[part.step.event].is_sent]
    for part in parts:
        _check_properties(reader, text, part, None if part in sent else types[part.step.event])
    remarks += _remarks_on_numbers(reader, text, [part for part in sent if part.is_of_numbers])
    return [*remarks, *_remarks_on_filters(reader, sent)]


def _event_types(reader: Reader) -> dict[str, _EventType]:
    rows = reader.rows(
        "select event, countIf(last_seen_on is not null) > 0, arrayDistinct(arrayFlatten(groupArray(properties))) "
        f"from {EVENT_TYPES} where project_id != '' group by event"
    )
    return {event: _EventType(bool(is_sent), frozenset(properties)) for event, is_sent, properties in rows}


def _check_event(text: str, part: Aggregate, types: Mapping[str, _EventType]) -> None:
    name = part.step.event
    if name == "*" or name in types:
        return
    sent = sorted(event for event, known in types.items() if known.is_sent)
    raise wrong(
        text,
        part.event_span,
        f"no event is called {name!r}{nearest(name, sorted(types)) or ''}",
        f"Events are {', '.join(sent[:20])}{' …' if len(sent) > 20 else '.'}" if sent else "No event was sent yet.",
    )


def _check_path(text: str, part: Aggregate) -> None:
    if part.path in user_dimensions():
        raise wrong(
            text,
            part.path_span,
            f"{part.path} is known of the user, not of the event",
            f"Filter by it, as in count({part.step.event}[{part.path}=…]), or name it in --dimensions.",
        )


def _check_properties(reader: Reader, text: str, part: Aggregate, unsent: _EventType | None) -> None:
    spans = {
        **{kept.path: part.span for kept in part.step.filters},
        **({part.path: part.path_span} if part.path else {}),
    }
    if unsent is None:
        unknown = unknown_properties(reader, OF_ALL, part.step.event, spans)
    else:
        asked = [path for path in spans if path not in dimensions()]
        unknown = {
            path: f"No property of the event {part.step.event!r} is called {path!r}{nearest(path, unsent.properties)}"
            for path in asked
            if path.removeprefix("properties.").partition(".")[0] not in unsent.properties
        }
    for path, sentence in unknown.items():
        raise wrong(text, spans[path], sentence[0].lower() + sentence[1:].rstrip("."))


def _remarks_on_numbers(reader: Reader, text: str, parts: Sequence[Aggregate]) -> Iterator[str]:
    for part in parts:
        value, condition = value_sql(part.path), condition_sql(without_users(part.step))
        ((values, numbers, currencies),) = reader.rows(
            f"select countIf({value} != ''), count({number_sql(value)}), "
            f"uniqExactIf({value_sql('currency')}, {value_sql('currency')} != '' and {number_sql(value)} is not null) "
            f"from (select * from {EVENTS} where {condition} limit {LOOKED_AT})"
        )
        if values and not numbers:
            raise wrong(
                text,
                part.path_span,
                f"no {part.path} of {part.step.event} is a number",
                f"unique({part.step.event}.{part.path}) counts the different values.",
            )
        if numbers < values:
            yield f"Some values of {part.path} are no numbers: {part} leaves them out."
        if currencies > 1 and part.path != "currency" and not part.path.endswith(NO_MONEY):
            yield (
                f"{part.step.event} is sent in {currencies} currencies, and {part} takes the amounts as they are: "
                f"filter by one, as in {part.step.event}[currency=EUR], or use a metric of orders, which are converted."
            )


def _remarks_on_filters(reader: Reader, parts: Sequence[Aggregate]) -> Iterator[str]:
    filtered = {str(part): condition_sql(without_users(part.step)) for part in parts if part.step.filters}
    for part in never_seen(reader, OF_ALL, filtered):
        yield f"No event matches {part} so far."


def carriers(reader: Reader, events: Sequence[str], path: str) -> list[str]:
    """Those of the events that carry a property."""
    conditions = {
        event: f"{value_sql(path)} != ''" + (f" and event = {literal(event)}" if event != "*" else "")
        for event in events
    }
    never = never_seen(reader, OF_ALL, conditions)
    return [event for event in events if event not in never]
