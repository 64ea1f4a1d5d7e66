"""What the files in alerts/ declare: rules, owners and maintenance windows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, model_validator

from monitoring.alerts.values import Duration, Hours, Share, Strict, Timezone

SEVERITIES = ("low", "medium", "high", "critical")
Severity = Literal["low", "medium", "high", "critical"]
Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Channels = tuple[Name, ...]


class Escalation(Strict):
    """Who hears of it as well, where nobody has acknowledged it."""

    after: Duration
    to: Annotated[Channels, Field(min_length=1)]


class Owner(Strict):
    channels: Annotated[Channels, Field(min_length=1)]
    quiet_hours: Hours | None = None
    escalate: tuple[Escalation, ...] = ()


class Maintenance(Strict):
    """A time in which nothing new is told: once (from, to), or again and again (hours)."""

    why: Text
    start: datetime | None = Field(None, alias="from")
    end: datetime | None = Field(None, alias="to")
    timezone: Timezone | None = None
    hours: Hours | None = None
    rules: Annotated[tuple[Text, ...], Field(min_length=1)] = ("*",)

    @model_validator(mode="after")
    def _is_one_time(self) -> Self:
        once = (self.start, self.end, self.timezone)
        if (self.hours is None) == (None in once) or (self.hours and any(once)):
            raise ValueError("takes either from, to and timezone, or hours")
        if self.start and self.end and self.start >= self.end:
            raise ValueError("to is not after from")
        return self

    def holds(self, at: datetime) -> bool:
        if self.hours:
            return self.hours.hold(at)
        assert self.start and self.end and self.timezone
        zone = ZoneInfo(self.timezone)
        begin, end = (t if t.tzinfo else t.replace(tzinfo=zone) for t in (self.start, self.end))
        return begin <= at < end


class Rule(Strict):
    """What all kinds share."""

    is_news: ClassVar[bool] = False  # told once, and over with that: nobody has to do anything

    owner: Name
    description: str = ""
    severity: Severity = "medium"
    channels: Channels = ()  # instead of the owner's
    quiet_hours: Hours | None = None  # instead of the owner's
    escalate: tuple[Escalation, ...] | None = None  # instead of the owner's
    cooldown: Duration = timedelta(hours=1)
    group: Literal["rule", "alert"] = "rule"
    next_step: str = ""


class AboutProjects(Strict):
    projects: Literal["all"] | Annotated[tuple[Text, ...], Field(min_length=1)] = "all"

    def is_about(self, project: str) -> bool:
        """What is of no project is of all of them."""
        return self.projects == "all" or not project or project in self.projects


class OfProjects(AboutProjects, Rule):
    """A rule of some projects, or of all."""


class OfMetric(OfProjects):
    metric: Text
    by: tuple[Text, ...] = ()
    where: tuple[Text, ...] = ()
    grain: Literal["day", "week", "month"] = "day"
    consecutive: Annotated[int, Field(ge=1, le=60)] = 1
    missing: Literal["ignore", "zero"] | None = None  # of what adds up zero: no order is no row


class ThresholdRule(OfMetric):
    """A metric is above or below a number."""

    kind: Literal["threshold"]
    above: float | None = None
    below: float | None = None
    running: bool = False  # also the period that is not over

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("needs above, below or both")
        if self.above is not None and self.below is not None and self.above < self.below:
            raise ValueError("every number is above the one or below the other")
        return self


class ChangeRule(OfMetric):
    """A metric differs from what it was some periods before."""

    kind: Literal["change"]
    against: Annotated[int, Field(ge=1, le=400)] = 1  # periods before
    rises_by: Share | None = None
    falls_by: Share | None = None
    at_least: Annotated[float, Field(ge=0)] = 0.0  # what was less before says nothing

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.rises_by is None and self.falls_by is None:
            raise ValueError("needs rises_by, falls_by or both")
        if self.falls_by is not None and self.falls_by > 1:
            raise ValueError("nothing falls by more than 100%")
        return self


class FreshnessRule(OfProjects):
    """A table was not loaded or built for too long."""

    kind: Literal["freshness"]
    assets: Annotated[tuple[Text, ...], Field(min_length=1)] = ("*",)
    older_than: Duration | None = None  # instead of what the table declares


class CheckFailureRule(OfProjects):
    """A test of dbt, an expectation or a comparison fails."""

    kind: Literal["check_failure"]
    assets: Annotated[tuple[Text, ...], Field(min_length=1)] = ("*",)
    checks: Annotated[tuple[Text, ...], Field(min_length=1)] = ("*",)
    of_severity: Literal["error", "warn", "any"] = "error"
    consecutive: Annotated[int, Field(ge=1, le=60)] = 1


class AnomalyRule(OfProjects):
    """A watched series did what was not to be expected; its severity, and where it says so its owner, are its own."""

    kind: Literal["anomaly"]
    series: Annotated[tuple[Text, ...], Field(min_length=1)] = ("*",)
    types: tuple[Literal["spike", "drop", "level shift", "trend change", "seasonal break", "missing data"], ...] = ()
    at_least: Severity = "low"
    also_good: bool = False  # also what went the way that is good for the metric


class ExperimentRule(OfProjects):
    """An experiment is over: its last day has passed, or it has had as many people as it was to have."""

    is_news = True

    kind: Literal["experiment_finished"]
    experiments: Annotated[tuple[Text, ...], Field(min_length=1)] = ("*",)


class SegmentRule(OfProjects):
    """People moved from one segment to another: by any table that has versions of them, in a column of it."""

    kind: Literal["segment_moved"]
    table: Name  # of marts, with project_id, valid_from and valid_to
    column: Name
    key: Name = "person_key"
    before: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(("*",), alias="from")
    after: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(("*",), alias="to")
    grain: Literal["day", "week", "month"] = "week"
    people: Annotated[int, Field(ge=1)]  # at least so many
    share: Share | None = None  # and at least this part of those who were in the segment


class Told(AboutProjects):
    """What is told at its time, and is no alert: to whom."""

    owner: Name
    channels: Channels = ()  # instead of the owner's
    description: str = ""


class DigestPlan(Told):
    """Who is told once a day what changed."""


AnyRule = Annotated[
    ThresholdRule | ChangeRule | FreshnessRule | CheckFailureRule | AnomalyRule | ExperimentRule | SegmentRule,
    Field(discriminator="kind"),
]
KINDS: dict[str, type[Rule]] = {
    "threshold": ThresholdRule,
    "change": ChangeRule,
    "freshness": FreshnessRule,
    "check_failure": CheckFailureRule,
    "anomaly": AnomalyRule,
    "experiment_finished": ExperimentRule,
    "segment_moved": SegmentRule,
}
