"""Experiments that are over, and what came of them: their plan is declared beside the model of exposures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from monitoring.commands import command
from semantic_layer.journeys.models import make
from semantic_layer.metrics.answers import answer
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.conditions import equality
from semantic_layer.metrics.models import METRIC_TIME, Comparison, Grain, Grouping, MetricQuery
from semantic_layer.reader import Reader
from warehouse.errors import MillraceError, nearest
from warehouse.lineage.graph import built_graph
from warehouse.settings import Settings

MODEL = "fct_experiment_exposures"
PEOPLE, NAME, VARIANT = "exposed_users", "experiment__name", "experiment__variant"
Z_OF_95 = 1.959964
SURE = 0.05  # p of a difference, below which it is told as one
BROKEN = 0.01  # p of the split that people came in, below which it is not the one that was planned


class Plan(BaseModel):
    """When an experiment is over, and by what it is judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    goal: str  # a metric of shares, as experiment_sign_up_rate
    ends: date | None = None  # its last day, in the project's timezone
    people: int | None = Field(None, ge=1)  # so many in all variants together
    control: str = "control"
    split: dict[str, float] = {}  # variant -> its part of the people; none: equal parts

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.ends is None and self.people is None:
            raise ValueError("needs ends, people or both: else it never is over")
        if self.split and (
            min(self.split.values()) <= 0 or not math.isclose(sum(self.split.values()), 1, abs_tol=1e-6)
        ):
            raise ValueError("the parts of split are above 0, and add up to 1")
        return self


@dataclass(frozen=True)
class Arm:
    variant: str
    people: int
    rate: float


@dataclass(frozen=True)
class Difference:
    """Of a variant to the control, in parts of one; with 95 % certainty between lower and upper."""

    variant: str
    value: float
    lower: float
    upper: float
    p: float

    @property
    def is_sure(self) -> bool:
        return self.p < SURE


@dataclass(frozen=True)
class Result:
    project: str
    experiment: str
    goal: str
    label: str
    ended_on: date  # its last day, or that on which it had as many people as it was to have
    why: str  # it is over
    control: Arm
    others: tuple[Arm, ...]
    split_p: float
    planned: Mapping[str, float]

    @property
    def people(self) -> int:
        return sum(arm.people for arm in (self.control, *self.others))

    @property
    def is_split_as_planned(self) -> bool:
        return self.split_p >= BROKEN

    @property
    def differences(self) -> list[Difference]:
        return [difference(self.control, arm) for arm in self.others]

    @property
    def sentence(self) -> str:
        said = "; ".join(self._compared(arm, found) for arm, found in zip(self.others, self.differences, strict=True))
        told = f"Experiment {self.experiment} of {self.project} is over ({self.why}), {self.people:,} people. "
        if not self.is_split_as_planned:
            shares = ", ".join(
                f"{arm.variant} {arm.people / self.people:.1%} instead of {self.planned.get(arm.variant, 0):.0%}"
                for arm in (self.control, *self.others)
            )
            told += f"They were not split as planned ({shares}), so do not trust this: "
        return f"{told}{self.label}: {said}."

    @property
    def command(self) -> str:
        asked = ("--project", self.project, "--metric", PEOPLE, "--metric", self.goal, "--by", VARIANT)
        where = equality(NAME, self.experiment)
        return command("millrace", "metrics", "query", *asked, "--where", where, "--to", str(self.ended_on))

    def _compared(self, arm: Arm, found: Difference) -> str:
        verdict = ("better" if found.value > 0 else "worse") if found.is_sure else "not shown to be different"
        return (
            f"{arm.variant} is {verdict}: {arm.rate:.1%} against {self.control.rate:.1%} of {self.control.variant} "
            f"({100 * found.value:+.1f} points, 95 %: {100 * found.lower:+.1f} to {100 * found.upper:+.1f}, "
            f"p {'below 0.001' if found.p < 0.001 else f'= {found.p:.3f}'})"
        )


def finished(settings: Settings, catalogue: Catalogue, reader: Reader) -> Iterator[Result]:
    """Those whose last day is in the data, or that have had as many people as they were to have."""
    plans = read_plans(settings, catalogue)
    for project, facts in catalogue.projects.items():
        for experiment, plan in plans.items():
            ask = _Asker(settings, catalogue, reader, project, experiment)
            full = ask.day_of_person(plan.people) if plan.people else None
            ended_on = min((day for day in (plan.ends, full) if day), default=None)
            if ended_on is None or facts.last_day is None or ended_on > facts.last_day:
                continue
            arms = ask.arms(plan, ended_on)
            why = f"its last day was {ended_on}" if ended_on == plan.ends else f"it had {plan.people:,} on {ended_on}"
            if plan.control in arms and len(arms) > 1:
                yield _result(project, experiment, plan, catalogue.metrics[plan.goal].label, ended_on, why, arms)


def read_plans(settings: Settings, catalogue: Catalogue) -> dict[str, Plan]:
    """By experiment, from `config.meta.experiments` of the model of exposures."""
    nodes = built_graph(settings).manifest["nodes"].values()
    declared = next(
        (node["config"].get("meta", {}).get("experiments") for node in nodes if node["name"] == MODEL), None
    )
    return {str(name): _plan(str(name), told, catalogue) for name, told in (declared or {}).items()}


def _plan(name: str, told: Any, catalogue: Catalogue) -> Plan:
    where = f"Model {MODEL}, config.meta.experiments.{name}"
    try:
        plan = Plan.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, ("", *first["loc"])))
        raise MillraceError(
            f"{where}{place}: {first['msg'].removeprefix('Value error, ')}.",
            hint=f"It may have {', '.join(Plan.model_fields)}.",
        ) from error
    metric = catalogue.metrics.get(plan.goal)
    if metric is None:
        raise MillraceError(
            f"{where}.goal: there is no metric {plan.goal!r}{nearest(plan.goal, catalogue.metrics) or '.'}"
        )
    if metric.format != "percent" or VARIANT not in metric.dimensions:
        raise MillraceError(f"{where}.goal: {plan.goal} is no share of people by {VARIANT}.")
    return plan


@dataclass(frozen=True)
class _Asker:
    """The semantic layer, asked of one experiment."""

    settings: Settings
    catalogue: Catalogue
    reader: Reader
    project: str
    experiment: str

    def day_of_person(self, number: int) -> date | None:
        """On which so many had seen a variant; whoever sees it later has no part in the result."""
        people = 0
        days = Grouping(name=METRIC_TIME, grain=Grain.DAY)
        known = [row for row in self._rows((PEOPLE,), days) if row[0] is not None]
        for day, new in sorted(known, key=lambda row: row[0]):
            people += int(new or 0)
            if people >= number:
                return day.date() if isinstance(day, datetime) else day
        return None

    def arms(self, plan: Plan, until: date) -> dict[str, Arm]:
        rows = self._rows((PEOPLE, plan.goal), Grouping(name=VARIANT), to=until)
        return {str(one): Arm(str(one), int(people), float(rate or 0)) for one, people, rate in rows if people}

    def _rows(self, metrics: tuple[str, ...], by: Grouping, **days: date) -> Sequence[Sequence[Any]]:
        where = Comparison(dimension=NAME, values=(self.experiment,))
        query = make(MetricQuery, {"project": self.project, "metrics": metrics, "by": (by,), "where": where, **days})
        return answer(self.settings, self.catalogue, query, reader=self.reader).rows


def _result(
    project: str, name: str, plan: Plan, label: str, ended_on: date, why: str, arms: Mapping[str, Arm]
) -> Result:
    planned = plan.split or dict.fromkeys(sorted(arms), 1 / len(arms))
    others = tuple(arms[variant] for variant in sorted(arms) if variant != plan.control)
    split_p = p_of_split([(arm.people, planned.get(arm.variant, 0.0)) for arm in arms.values()])
    return Result(project, name, plan.goal, label, ended_on, why, arms[plan.control], others, split_p, planned)


def difference(control: Arm, arm: Arm) -> Difference:
    """Of two shares: the interval by the spread of each, the test by that of both together, as nothing differs."""
    value = arm.rate - control.rate
    spread = math.sqrt(sum(one.rate * (1 - one.rate) / one.people for one in (control, arm)))
    both = (arm.rate * arm.people + control.rate * control.people) / (arm.people + control.people)
    if_alike = math.sqrt(both * (1 - both) * (1 / arm.people + 1 / control.people))
    p = math.erfc(abs(value) / if_alike / math.sqrt(2)) if if_alike else 1.0
    return Difference(arm.variant, value, value - Z_OF_95 * spread, value + Z_OF_95 * spread, p)


def p_of_split(arms: Sequence[tuple[int, float]]) -> float:
    """How likely people come so unequally by chance (chi-square). 0: somebody saw what was not planned."""
    from scipy.stats import chisquare

    people = sum(number for number, _ in arms)
    if any(not share for _, share in arms):
        return 0.0
    known = sum(share for _, share in arms)
    return float(chisquare([number for number, _ in arms], [people * share / known for _, share in arms]).pvalue)
