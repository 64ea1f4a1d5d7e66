"""Thresholds of a question: of what is measured by something, or of single ones that are counted."""

from __future__ import annotations

from semantic_layer.ask.lexicon import Meaning
from semantic_layer.ask.resolution import Assumptions, Dimensions, Unclear
from semantic_layer.ask.slots import Clause, Limit, Mention, Slots
from semantic_layer.ask.wording import inside
from semantic_layer.metrics.catalogue import Catalogue, Metric
from semantic_layer.metrics.models import Threshold

IN_SECONDS = {"seconds": 1, "milliseconds": 1000}  # formats of times


def threshold(limit: Limit, catalogue: Catalogue, metrics: list[str], assumed: Assumptions) -> Threshold:
    if limit.metric is None:
        if len(metrics) > 1:
            raise Unclear("It sets a threshold and does not say of which metric.")
        name = metrics[0]
    else:
        name = chosen(limit.metric, metrics)
    value: int | float = limit.value
    if limit.is_percent:
        if catalogue.metrics[name].format != "percent":
            raise Unclear(f"{catalogue.metrics[name].label} is no percentage.")
        value = limit.value / 100
    elif catalogue.metrics[name].format == "percent":
        value = _bare_percentage(limit.value, catalogue.metrics[name], assumed)
    if limit.seconds is not None:
        value = limit.value * limit.seconds * IN_SECONDS[catalogue.metrics[name].format]
    return Threshold(metric=name, operator=limit.operator, value=value)


def _bare_percentage(value: int | float, metric: Metric, assumed: Assumptions) -> int | float:
    """A churn rate over 10 is one over 10 %. Of 0.4 nobody knows whether it is 0.4 % or 40 %."""
    if 0 < abs(value) < 1:
        raise Unclear(f"{metric.label} is a percentage: say whether {value:g} is {value:g} % or {100 * value:g} %.")
    if value:
        assumed.assume(f"{value:g} is {value:g} %, since {inside(metric.label)} is a percentage.", 0.95)
    return value / 100


def check_currencies(slots: Slots, catalogue: Catalogue, project: str) -> None:
    """Thresholds are of what is told, in the currency of the project."""
    told = catalogue.projects[project].currency
    if other := next((limit.money for limit in slots.limits if limit.money and limit.money != told), None):
        raise Unclear(f"Money is told in {told} here, and no amount in {other} is converted: say it in {told}.")


def is_of_rows(limit: Limit, catalogue: Catalogue, metrics: list[str]) -> bool:
    """Sessions longer than 10 minutes, orders over 100 euros: single ones; a load time above 2 seconds is that of a
    page, and a revenue over 100 euros that of a country."""
    form = catalogue.metrics[chosen(limit.metric, metrics) if limit.metric else metrics[0]].format
    return (limit.seconds is not None and form not in IN_SECONDS) or (bool(limit.money) and form != "currency")


def of_single_ones(limit: Limit, dimensions: Dimensions, metrics: list[str]) -> Clause:
    """A condition on how long that took which is counted, or on what was paid for it."""
    said = min(limit.metric.meanings, key=lambda meaning: meaning.rank).name if limit.metric else metrics[0]
    own = dimensions.catalogue.metrics[said]
    entity = next(iter(own.dimensions), "").partition("__")[0]
    name = f"{entity}__{'paid_amount' if limit.money else 'duration_seconds'}"
    # Buyers over 100 euros would be those with one such order, or with all of theirs together.
    if limit.money and (name not in dimensions.common or not own.adds_up):
        raise Unclear(f"What was paid for {inside(own.label)} is not known: single orders have an amount.")
    if name not in dimensions.common:
        raise Unclear(f"How long {inside(own.label)} took is not known: sessions have a length, and pages a load time.")
    text = dimensions.catalogue.dimensions[name].label
    value = limit.value * (limit.seconds or 1)
    return Clause(text, limit.operator, (), (value,), Mention(text, (Meaning("dimension", name),)))


def chosen(mention: Mention, metrics: list[str]) -> str:
    names = {meaning.name for meaning in mention.meanings}
    return next((name for name in metrics if name in names), metrics[0])
