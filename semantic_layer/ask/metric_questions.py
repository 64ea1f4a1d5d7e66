"""From the pieces of a question to a query of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pydantic import ValidationError

from semantic_layer.ask.aggregations import check_what_is_made
from semantic_layer.ask.calendar_days import Days
from semantic_layer.ask.declined import PERSONS
from semantic_layer.ask.lexicon import EVENT_NAMES, Lexicon, Meaning
from semantic_layer.ask.phrases import OF_SINGLE_ONES, Quality
from semantic_layer.ask.resolution import Assumptions, Dimensions, Unclear, choose_metrics, days_and_comparison, until
from semantic_layer.ask.slots import Clause, Group, Mention, Slots
from semantic_layer.ask.thresholds import check_currencies, chosen, is_of_rows, of_single_ones, threshold
from semantic_layer.ask.time_points import UNITS
from semantic_layer.ask.tokens import key_of, stem, words_of
from semantic_layer.ask.usual_periods import tell_usual_period
from semantic_layer.ask.wording import inside
from semantic_layer.metrics.catalogue import Catalogue, Metric
from semantic_layer.metrics.comparing import fits
from semantic_layer.metrics.models import (
    CHANGE,
    METRIC_TIME,
    MOST_ROWS,
    Comparator,
    Compare,
    Comparison,
    Grain,
    Grouping,
    MetricQuery,
    Ordering,
    Threshold,
)

NOTHING_MEASURED = "It names nothing that is measured"
GRAINS = list(Grain)
WEEKDAY, VARIANT, EXPERIMENT = "__weekday", "__variant", "__name"
COUNTED = {"number", "count", "volume", "amount", "total"}
LONG_OR_SHORT = {"longest", "shortest", "slowest", "fastest", "quickest"}
LARGE_OR_SMALL = {"largest", "biggest", "greatest", "smallest"}
EVENTS = "events"  # the metric that counts them all, and tells them by their names


def build(slots: Slots, lexicon: Lexicon, project: str, today: date, assumed: Assumptions) -> MetricQuery:
    """Raises Unclear where the pieces do not fit together."""
    catalogue = lexicon.catalogue
    if not slots.metrics and (mention := _metric_in_a_value(slots, lexicon)):
        slots.metrics.append(mention)
    if slots.events and not (slots.doers and _are_a_metric(slots, lexicon, assumed)):
        _count_events(slots, catalogue, assumed)
    if not slots.metrics:
        raise Unclear(NOTHING_MEASURED)
    metrics = choose_metrics(lexicon, slots, assumed)
    check_what_is_made(slots, catalogue, metrics)
    if slots.asks_where and not slots.groups:
        raise Unclear("It asks where, and not by what: add `by country`, `by channel` or another dimension")
    dimensions = Dimensions(catalogue, metrics)
    days, compare = days_and_comparison(slots, today, assumed)
    if slots.joined and not slots.groups and slots.direction is None:
        slots.groups.append(Group(grain=slots.joined))  # revenue in May and June: of each
    if any(catalogue.metrics[name].every_day for name in metrics):
        days = until(days, today)  # such a metric has a row also for days that are not there yet
    by = _groupings(slots, dimensions, catalogue, project, days, assumed)
    if slots.shares and slots.limits:
        raise Unclear("A threshold on a share is not known: ask for the shares, or for the top ones.")
    if slots.shares:
        by += _told_apart(slots, dimensions, by, [catalogue.metrics[name] for name in metrics])
    contrasted = [dimensions.comparison(clause).dimension for clause in slots.clauses if _is_contrast(slots, clause)]
    by += [Grouping(name=name, grain=None) for name in contrasted if name not in {one.name for one in by}]
    if compare and not all(fits(compare, one.grain) for one in by if one.name == METRIC_TIME):
        compare = Compare.PREVIOUS
    if slots.times:
        slots.clauses.append(_often(slots, catalogue, metrics, assumed))
    check_currencies(slots, catalogue, project)
    slots.clauses += [
        of_single_ones(limit, dimensions, metrics) for limit in slots.limits if is_of_rows(limit, catalogue, metrics)
    ]
    limits = [limit for limit in slots.limits if not is_of_rows(limit, catalogue, metrics)]
    having = [threshold(limit, catalogue, metrics, assumed) for limit in limits]
    if having and not by:
        raise Unclear("It sets a threshold and does not say of what: add `by country`, or `days with`.")
    _tell_currency(slots, catalogue, project, dimensions, assumed)
    by_time = any(one.name == METRIC_TIME for one in by)
    tell_usual_period([catalogue.metrics[name] for name in metrics], days, by_time, assumed)
    if slots.changes and slots.from_to and slots.against is None:
        raise Unclear("A change from one period to another: ask for the later one compared with the earlier one.")
    order, limit = _ranking(slots, catalogue, metrics, by, compare)
    _tell_of_none(order, having, by, catalogue, assumed)
    if days == Days(None, None):
        assumed.assume(_all_days(catalogue, project, by), 1.0)
    else:
        assumed.assume(f"Days: {days}.", 1.0)
    try:
        return MetricQuery.model_validate(
            {
                "project": project,
                "metrics": tuple(metrics),
                "by": tuple(by),
                "where": dimensions.condition(slots.clauses, slots.kept),
                "having": tuple(having),
                "from": days.first,
                "to": days.last,
                "compare": compare,
                "share": "total" if slots.shares else None,
                "order": order,
                "limit": limit,
            }
        )
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise Unclear(f"{message[0].upper()}{message[1:]}.") from error


def _told_apart(slots: Slots, dimensions: Dimensions, by: list[Grouping], metrics: list[Metric]) -> list[Grouping]:
    """By what a share is told, where a value says it: the share of revenue from Germany is a row of that by country."""
    if whole := next((metric for metric in metrics if not metric.adds_up), None):
        raise Unclear(f"{whole.label} has no share of a total: its parts do not add up to a whole.")
    # "what share of sessions bounced" asks for a rate: only what a metric is called says what is shared out.
    names = {key_of(map(stem, words_of(metric.label))) for metric in metrics}
    for mention in slots.metrics:
        said = words_of(mention.text)
        if len(said) > 1 and key_of(map(stem, said)) not in names:
            raise Unclear(
                f"It is not clear whether {mention.text!r} is shared out, or is a share itself: ask for a rate."
            )
    if slots.people:
        raise Unclear(
            "It is not clear of which people the share is: ask for how many there are by country, or by plan."
        )
    told = [dimensions.comparison(clause) for clause in slots.clauses]
    named = list(dict.fromkeys(comparison.dimension for comparison in told))
    grouped = [grouping.name for grouping in by if grouping.name != METRIC_TIME]
    if len(named) > 1 or (grouped and named and named != grouped) or slots.kept:
        raise Unclear("It is not clear of what total the share is: ask for it without a condition.")
    if any(comparison.operator is not Comparator.EQUAL for comparison in told):
        raise Unclear(
            "It is not clear what else is in the total: ask for the share of what there is, by its dimension."
        )
    if not by and not named:
        raise Unclear("It asks for a share, and not of what in the total: add `by country`, `by channel` or another.")
    return [] if grouped else [Grouping(name=name, grain=None) for name in named]


def _tell_currency(
    slots: Slots, catalogue: Catalogue, project: str, dimensions: Dimensions, assumed: Assumptions
) -> None:
    """Revenue in USD is that of orders in USD: nothing is converted to what the question names."""
    money = [catalogue.metrics[n].label for n in dimensions.metrics if catalogue.metrics[n].format == "currency"]
    for clause in slots.clauses:
        comparison = dimensions.comparison(clause)
        if money and clause.dimension is None and comparison.dimension.endswith("__currency"):
            told = catalogue.projects[project].currency
            kept = "All but" if comparison.operator is Comparator.UNEQUAL else "Only"
            values = " and ".join(map(str, comparison.values))
            assumed.assume(f"{kept} what was paid in {values}; it is told in {told}, as all money is.", 0.9)


def _are_a_metric(slots: Slots, lexicon: Lexicon, assumed: Assumptions) -> bool:
    """Users who churned are churned customers, where a metric counts them: those with its event are others."""
    if len(slots.events) != 1 or slots.metrics:
        return False
    said = slots.events[0].text
    found = {one.name: one for who in sorted(PERSONS) for one in lexicon.metrics_named([*said.split(), who])}
    found |= {one.name: one for who in sorted(PERSONS) for one in lexicon.metrics_named([who, *said.split()])}
    if len(found) != 1:
        return False
    (meaning,) = found.values()
    slots.events, slots.metrics = [], [Mention(said, (meaning,))]
    assumed.assume(f"Who {said} is counted by {inside(lexicon.catalogue.metrics[meaning.name].label)}.", 0.95)
    return True


def _count_events(slots: Slots, catalogue: Catalogue, assumed: Assumptions) -> None:
    """Of events that are named, how many there were: a condition on the metric of all events."""
    doers = min(slots.doers.meanings, key=lambda meaning: meaning.rank).name if slots.doers else EVENTS
    metric = catalogue.metrics.get(doers)
    dimension = next((name for name in metric.dimensions if EVENT_NAMES.fullmatch(name)), None) if metric else None
    if dimension is None:
        raise Unclear(NOTHING_MEASURED)
    if slots.metrics:
        raise Unclear("It counts an event and asks for a metric as well: ask for one of them.")
    names = " and ".join(mention.meanings[0].name for mention in slots.events)
    if slots.people or "different" in slots.stems:
        raise Unclear(f"Of {names} it is known how often it happened, not of how many different ones.")
    if slots.doers and len(slots.events) > 1:
        raise Unclear(f"It is not clear whether people did {names} each, or one of them: ask for one.")
    counted = f"Counted are people with {names}." if slots.doers else f"Counted is how often {names} happened."
    assumed.assume(counted, 0.9)
    values = tuple((Meaning("value", dimension, mention.meanings[0].name),) for mention in slots.events)
    text = " and ".join(mention.text for mention in slots.events)
    named = Mention(text, (Meaning("dimension", dimension),))
    slots.clauses.insert(0, Clause(text, Comparator.EQUAL, values, (), named, is_contrast=len(values) > 1))
    slots.metrics.append(Mention(text, (Meaning("metric", doers),)))


def _metric_in_a_value(slots: Slots, lexicon: Lexicon) -> Mention | None:
    """network errors are the errors of that type; pro users the users of that plan."""
    words = next((clause.text.split()[-1:] for clause in slots.clauses if " " in clause.text), [])
    metrics = lexicon.metrics_named(words)
    return Mention(words[0], metrics) if metrics else None


def _is_contrast(slots: Slots, clause: Clause) -> bool:
    return len(clause.values) > 1 and (clause.is_contrast or slots.contrasts)


def _groupings(
    slots: Slots, dimensions: Dimensions, catalogue: Catalogue, project: str, days: Days, assumed: Assumptions
) -> list[Grouping]:
    by: list[Grouping] = []
    chosen_names = [dimensions.choose(group.dimension, assumed) for group in slots.groups if group.dimension]
    for group in slots.groups:
        if group.dimension:
            name = dimensions.choose(group.dimension, assumed)
            is_time = catalogue.dimensions[name].kind == "time"
            found = Grouping(name=name, grain=_grain_in(group.dimension.text) if is_time else None)
        else:
            grain = group.grain or _suiting_grain(days, catalogue, project)
            if grain is Grain.HOUR and any(name.endswith(WEEKDAY) for name in chosen_names):
                by.append(Grouping(name=dimensions.hour_of_day(), grain=None))
                continue
            if group.over_time and any(other.grain for other in slots.groups):
                continue
            _check_grain(grain, [catalogue.metrics[name] for name in dimensions.metrics])
            if group.over_time:
                assumed.assume(f"Over time: per {grain}, which suits the days.", 0.95)
            found = Grouping(name=METRIC_TIME, grain=grain)
        if found not in by:
            by.append(found)
    by += [Grouping(name=name, grain=None) for name in _experiments(slots, dimensions, project, chosen_names, assumed)]
    if not any(one.name == METRIC_TIME for one in by) and any(
        catalogue.metrics[n].needs_time for n in dimensions.metrics
    ):
        metrics = [catalogue.metrics[name] for name in dimensions.metrics]
        named = [UNITS[word] for metric in metrics for word in metric.label.split() if word in UNITS]
        grain = _nearest_grain(named[-1] if named else _suiting_grain(days, catalogue, project), metrics)
        assumed.assume(f"Per {grain}, since it has a value at a time only.", 0.95)
        by.append(Grouping(name=METRIC_TIME, grain=grain))
    if len({one.grain for one in by if one.name == METRIC_TIME}) > 1:
        raise Unclear("It asks for several periods at once: say per day, per week or per month.")
    return by


def _experiments(
    slots: Slots, dimensions: Dimensions, project: str, by: Sequence[str], assumed: Assumptions
) -> list[str]:
    """Variants of several experiments have the same names, and are no groups together: they are told by experiment."""
    names = [name.removesuffix(VARIANT) + EXPERIMENT for name in by if name.endswith(VARIANT)]
    told = {*by, *(dimensions.comparison(clause).dimension for clause in slots.clauses)}
    told |= {one.dimension for one in slots.kept if isinstance(one, Comparison)}
    known = dimensions.catalogue.dimensions
    found = [n for n in names if n in dimensions.common and n not in told and len(known[n].values.get(project, ())) > 1]
    if found:
        assumed.assume("By experiment as well: each has variants of these names.", 0.95)
    return found


def _check_grain(grain: Grain, metrics: list[Metric]) -> None:
    for metric in metrics:
        if metric.grains and grain not in metric.grains:
            listed = ", ".join(f"per {known}" for known in metric.grains)
            raise Unclear(f"{metric.label} is known {listed}, not per {grain}.")
        if not metric.grains and metric.grain in GRAINS and GRAINS.index(grain) < GRAINS.index(Grain(metric.grain)):
            raise Unclear(f"The finest that {metric.label.lower()} is known by is the {metric.grain}, not the {grain}.")


def _check_superlative(slots: Slots, metric: Metric) -> None:
    """The longest sessions are not the most of them, and the largest order is one of them."""
    said = slots.superlative
    if said in LONG_OR_SHORT and metric.format not in ("seconds", "milliseconds"):
        raise Unclear(f"{metric.label} are no time, of which {said} is said: say most or fewest, or ask for a time.")
    named = set(slots.order_by.text.split()) if slots.order_by else set()
    is_count = metric.format == "number" and metric.adds_up and not slots.shares and not COUNTED & named
    if said in LARGE_OR_SMALL and is_count:
        raise Unclear(f"Of single {metric.label.lower()} the {said} is not known: say most or fewest.")
    if said in OF_SINGLE_ONES and not metric.adds_up:
        raise Unclear(f"Of {metric.label.lower()} the {said} of single ones is not known: say highest or lowest.")


def _nearest_grain(wanted: Grain, metrics: list[Metric]) -> Grain:
    common = [grain for grain in GRAINS if all(grain in metric.grains or not metric.grains for metric in metrics)]
    finer = [grain for grain in common if GRAINS.index(grain) <= GRAINS.index(wanted)]
    return finer[-1] if finer else (common or [wanted])[0]


def _grain_in(text: str) -> Grain:
    """By sign-up month; by the day where no period is in the name."""
    return next((UNITS[word] for word in reversed(text.split()) if word in UNITS), Grain.DAY)


def _suiting_grain(days: Days, catalogue: Catalogue, project: str) -> Grain:
    facts = catalogue.projects.get(project)
    first = days.first or (facts.first_day if facts else None)
    last = days.last or (facts.last_day if facts else None)
    length = (last - first).days + 1 if first and last else 365
    return Grain.DAY if length <= 45 else Grain.WEEK if length <= 190 else Grain.MONTH


def _often(slots: Slots, catalogue: Catalogue, metrics: list[str], assumed: Assumptions) -> Clause:
    """Who bought twice has an order that is the second one of theirs."""
    metric = catalogue.metrics[metrics[0]]
    name = next((name for name in metric.dimensions if name.endswith("__order_number")), None)
    if name is None or metric.adds_up or metric.format != "number":
        raise Unclear("How often somebody did it is known of orders alone: ask how many people ordered so often.")
    if slots.ranges != [Days(None, None)] and slots.ranges:
        raise Unclear(
            "Whose how many-th order it was is known, not how often somebody ordered within some days.",
            ["repeat buyers per month", "orders per buyer per month"],
        )
    assumed.assume(f"At least {slots.times} times, in all days with data.", 0.95)
    text = catalogue.dimensions[name].label
    return Clause(text, Comparator.AT_LEAST, (), (slots.times or 1,), Mention(text, (Meaning("dimension", name),)))


def _ranking(
    slots: Slots, catalogue: Catalogue, metrics: list[str], by: list[Grouping], compare: Compare | None
) -> tuple[tuple[Ordering, ...], int | None]:
    if slots.top and slots.top > MOST_ROWS:
        raise Unclear(f"At most {MOST_ROWS:,} rows are shown.")
    if slots.direction is None:
        if slots.top:
            raise Unclear("It names a number of rows and not by what they are chosen: write `top 5 … by …`.")
        return (), None
    name = chosen(slots.order_by, metrics) if slots.order_by else metrics[0]
    if not by:
        # What has no dimension is ranked by its days.
        label, instead = (
            inside(catalogue.metrics[name].label),
            "by country" if catalogue.metrics[name].dimensions else "per day",
        )
        raise Unclear(f"It ranks by {label} and does not say what: add `{instead}`.")
    if slots.superlative:
        _check_superlative(slots, catalogue.metrics[name])
    if slots.changes:
        descending = _ranks_by_change(slots, catalogue.metrics[name], by, compare)
    else:
        descending = _is_descending(slots.direction, catalogue.metrics[name])
    limit = slots.top
    if limit is None and slots.is_ranking:
        limit = 1 if slots.asks_for_one else None
    check_limit(limit, by, catalogue)
    return (Ordering(name=f"{name}{CHANGE}" if slots.changes else name, descending=descending),), limit


def _tell_of_none(
    order: Sequence[Ordering],
    having: Sequence[Threshold],
    by: Sequence[Grouping],
    catalogue: Catalogue,
    assumed: Assumptions,
) -> None:
    """The fewest refunds are none, and what has none has no row. Days have one: they are filled in."""
    lowest = [one.name for one in order if not one.descending]
    lowest += [one.metric for one in having if one.operator in (Comparator.LESS, Comparator.AT_MOST)]
    metrics = [metric for name in lowest if (metric := catalogue.metrics.get(name)) and metric.adds_up]
    if metrics and any(one.name != METRIC_TIME for one in by):
        assumed.assume(f"What has no {inside(metrics[0].label)} at all is not among them.", 0.9)


def check_limit(limit: int | None, by: Sequence[Grouping], catalogue: Catalogue) -> None:
    """Of countries per week the first three rows are no three countries; nor of products in each country."""
    times = [grouping for grouping in by if grouping.name == METRIC_TIME]
    if limit is not None and times and len(by) > len(times):
        raise Unclear(
            f"Of each {times[0].grain} by itself nothing is ranked: leave `per {times[0].grain}` out, or the ranking."
        )
    parts = [inside(catalogue.dimensions[one.name].label) for one in by if one.name != METRIC_TIME]
    if limit is not None and len(parts) > 1:
        raise Unclear(
            f"Within each {parts[0]} or {parts[1]} by itself nothing is ranked: "
            f"ask by one of them, or of one value of it, or leave the ranking out."
        )


def _is_descending(direction: bool | Quality, metric: Metric) -> bool:
    if isinstance(direction, bool):
        return direction
    if metric.good not in ("up", "down"):
        raise Unclear(f"More {metric.label.lower()} is neither better nor worse: say highest or lowest.")
    return (metric.good == "up") is (direction is Quality.BEST)


def _ranks_by_change(slots: Slots, metric: Metric, by: list[Grouping], compare: Compare | None) -> bool:
    """Which channel grew the most: by the change, not by how much there is."""
    if compare is None or any(grouping.name == METRIC_TIME for grouping in by):
        raise Unclear("It ranks by how something changed from period to period: ask by a dimension, such as `channel`.")
    if metric.format == "percent":
        raise Unclear(f"{metric.label} is a share: it is not clear whether it changed in points or relative to itself.")
    if slots.changed is Quality.ANY:
        raise Unclear("It ranks by change, and not in which direction: say grew the most, or fell the most.")
    most = slots.direction if isinstance(slots.direction, bool) else slots.direction is Quality.BEST
    return _is_descending(slots.changed, metric) is most


def _all_days(catalogue: Catalogue, project: str, by: list[Grouping]) -> str:
    """A series tells its own days, which may be older than the first event."""
    facts, is_series = catalogue.projects.get(project), any(grouping.name == METRIC_TIME for grouping in by)
    if facts and facts.first_day and facts.last_day and not is_series:
        return f"No days are named: all with data, {facts.first_day} to {facts.last_day}."
    return "No days are named: all with data."
