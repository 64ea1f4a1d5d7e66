"""Words that say what is to be made of single ones: sum of, number of, different, average, right now. A metric is one
of these and no other, and a word that asks for another is not dropped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from semantic_layer.ask.resolution import Unclear
from semantic_layer.ask.slots import Slots
from semantic_layer.ask.thresholds import chosen
from semantic_layer.ask.tokens import words_of
from semantic_layer.ask.wording import inside
from semantic_layer.metrics.catalogue import Catalogue, Metric

SUMS = {"sum of", "total", "our total", "total amount of", "amount of", "the amount of", "volume of", "in total"}
SUMS |= {"altogether", "how much total", "how many total"}
COUNTS = {"how many", "number of", "the number of", "count of", "total number of", "total count of", "quantity of"}
COUNTS |= {"how many times", "how many total", "how many different"}
WORTH = {"value of", "worth of"}
DOING = {"did", "do", "does"}  # how much did orders bring
DIFFERENT = {"different", "how many different", "various", "kind of", "kinds of", "type of", "types of"}
BUT_NEW = re.compile(r"\w+ - new_\w+")  # of all days everybody is new
AS_OF = "As of a day, at the beginning or at the end may be since it, until it or on it: say which days."
TIMES = ("seconds", "milliseconds")


class NotMade(Unclear):
    """Of the metric that is named; another cut of the words, which drops some of them, is no way out."""


def check_what_is_made(slots: Slots, catalogue: Catalogue, metrics: Sequence[str]) -> None:
    named = [catalogue.metrics[name] for name in metrics]
    if slots.averages:
        _check_averages(slots, named)
    if slots.counts:
        _check_counts(slots, named)
    for mention in slots.metrics:
        said = slots.made.get(mention.text, set())
        metric = catalogue.metrics[chosen(mention, list(metrics))]
        if SUMS & said and not _has_a_sum(metric, bool({"sum of"} & said)):
            raise NotMade(f"{metric.label} {_is(metric)} not added up: there is no sum of it.")
        is_amount = metric.format == "currency" and bool(COUNTS & said - {"how many", "how many total"})
        if COUNTS & said and (metric.format in ("percent", "score", *TIMES) or is_amount):
            raise NotMade(f"{metric.label} {_is(metric)} not counted: there is no number of it.")
        if WORTH & said and metric.format == "number":
            raise Unclear(
                f"{metric.label} {_is(metric)} counted, and it asks for a value: ask for revenue, or how many."
            )
        if "how much" in said and DOING & said and mention.is_plural and metric.format == "number":
            raise NotMade(f"It asks how much, and {inside(metric.label)} {_is(metric)} counted: ask how many.")
        if DIFFERENT & said and metric.adds_up:
            raise NotMade(f"Of {inside(metric.label)} it is known how many there were, not how many different ones.")
    if slots.as_of and any(not one.at_the_end for one in named):
        raise Unclear(AS_OF)
    by_time = any(group.dimension is None for group in slots.groups)
    if (known := next((one for one in named if BUT_NEW.fullmatch(one.made_of)), None)) and not (
        slots.ranges or by_time
    ):
        label = inside(known.label)
        raise Unclear(
            f"{known.label} had come before the days that are asked for, and no days are named: say which.",
            [f"{label} last month", f"{label} per week"],
        )
    if slots.now and not slots.ranges and not slots.groups:
        _check_now(named)


def _is(metric: Metric) -> str:
    return "are" if metric.label.endswith("s") and not metric.label.endswith("ss") else "is"


def is_average(metric: Metric) -> bool:
    """Of single ones, or of days."""
    told = words_of(" ".join((metric.label, *metric.synonyms, metric.description, metric.made_of)))
    return not metric.adds_up and bool({"average", "mean"} & {*told})


def _has_a_sum(metric: Metric, exactly: bool) -> bool:
    """All together: of people each once; of a rate that of all, where it is not a sum that is asked for."""
    if metric.adds_up or metric.at_the_end or metric.kind == "cumulative":
        return True
    if metric.format == "percent":
        return not exactly
    return metric.format == "number" and metric.kind != "ratio" and not is_average(metric)


def _check_now(metrics: Sequence[Metric]) -> None:
    if metric := next((one for one in metrics if not one.at_the_end), None):
        label = inside(metric.label)
        days = [f"{label} today", f"{label} yesterday", f"{label} last 7 days"]
        raise Unclear(f"It asks for now, and {label} {_is(metric)} known of days: say which.", days)


def _check_counts(slots: Slots, metrics: list[Metric]) -> None:
    """How many people abandoned the cart is no percentage."""
    said = {word for mention in slots.metrics for word in mention.text.split()}
    if all(metric.format == "percent" for metric in metrics) and not said & {"rate", "rates", "share", "shares"}:
        labels = " and ".join(metric.label for metric in metrics)
        raise Unclear(f"{labels} {'is a share' if len(metrics) == 1 else 'are shares'}: nothing is counted by it.")


def _check_averages(slots: Slots, metrics: list[Metric]) -> None:
    """An average revenue may be one of orders, of users or of days."""
    said = {word for mention in slots.metrics for word in mention.text.split()}
    for metric in metrics:
        if metric.at_the_end:
            raise Unclear(f"{metric.label} is that of the last day, and no average: ask for it per day, or per month.")
        if (
            metric.format != "percent"
            and not is_average(metric)
            and "per" not in {*metric.label.lower().split(), *said}
        ):
            raise Unclear(f"{metric.label} {_is(metric)} no average: say of what.")
