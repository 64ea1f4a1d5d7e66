"""What the files in reports/ declare: what a report shows, of which days, in which formats, when, and for whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ByteSize, Field, StringConstraints, model_validator

from monitoring.alerts.rules import Name, Text, Told
from monitoring.alerts.values import Cron, Strict, Timezone
from semantic_layer.metrics.models import MOST_ROWS

Format = Literal["csv", "json", "xlsx", "parquet", "html", "pdf"]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\r\n]+$")]


class Section(Strict):
    title: Title | None = None  # instead of what it shows, in words
    days: Text | None = None  # instead of the report's


class MetricsSection(Section):
    """Metrics, as `millrace metrics query` takes them."""

    kind: Literal["metrics"]
    metrics: Annotated[tuple[Text, ...], Field(min_length=1)]
    by: tuple[Text, ...] = ()
    where: tuple[Text, ...] = ()
    having: tuple[Text, ...] = ()
    compare: Text | None = None
    share: bool = False
    order: tuple[Text, ...] = ()
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None


class FunnelSection(Section):
    """A funnel that the dbt project declares, by the name of its model, or steps as `millrace funnel` takes them."""

    kind: Literal["funnel"]
    model: Name | None = None
    steps: tuple[Text, ...] = ()
    within: Text | None = None
    order: Literal["ordered", "strict", "unordered"] = "ordered"
    exclude: tuple[Text, ...] = ()
    by: Text | None = None

    @model_validator(mode="after")
    def _has_steps(self) -> Self:
        declared = {"steps", "within", "order", "exclude"} & self.model_fields_set
        if (self.model is None) == (not self.steps) or (self.model and declared):
            raise ValueError("takes either model, a funnel of the dbt project, or steps")
        return self


class RetentionSection(Section):
    kind: Literal["retention"]
    start: Text = "*"
    returning: Text = Field("*", alias="return")
    period: Literal["day", "week", "month"] = "week"
    periods: Annotated[int, Field(ge=1, le=1000)] = 12
    by: Text | None = None


class LifecycleSection(Section):
    kind: Literal["lifecycle"]
    event: Text = "*"
    period: Literal["day", "week", "month"] = "week"


class StickinessSection(Section):
    kind: Literal["stickiness"]
    event: Text = "*"


class PathsSection(Section):
    kind: Literal["paths"]
    event: Text
    direction: Literal["next", "previous"] = "next"
    depth: Annotated[int, Field(ge=1, le=10)] = 3
    top: Annotated[int, Field(ge=1, le=1000)] = 20


class DashboardSection(Section):
    """A dashboard of Superset as a picture, or a tab of it."""

    kind: Literal["dashboard"]
    dashboard: Name  # as its file in dashboards/ is called
    tab: Text | None = None
    formats: Annotated[tuple[Literal["png", "pdf"], ...], Field(min_length=1)] = ("png",)


class ChartSection(Section):
    """What a chart of a dashboard shows: as a file, or in the message itself."""

    kind: Literal["chart"]
    dashboard: Name
    chart: Text  # its title
    formats: Annotated[tuple[Literal["csv", "xlsx", "text"], ...], Field(min_length=1)] = ("csv",)


AnySection = Annotated[
    MetricsSection
    | FunnelSection
    | RetentionSection
    | LifecycleSection
    | StickinessSection
    | PathsSection
    | DashboardSection
    | ChartSection,
    Field(discriminator="kind"),
]


class Limits(Strict):
    """What is larger is not sent: nobody reads it, and mail servers refuse it."""

    rows: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000  # of all sections
    bytes: Annotated[ByteSize, Field(ge=1)] = ByteSize(10 * 1024**2)  # of all files


class ReportPlan(Told):
    title: Title
    days: Text = "last week"
    sections: Annotated[tuple[AnySection, ...], Field(min_length=1, max_length=30)]
    formats: Annotated[tuple[Format, ...], Field(min_length=1)] = ("html",)
    cron: Cron | None = None
    timezone: Timezone | None = None  # of the cron; by default that of orchestration/automation.yaml
    limits: Limits = Limits()

    def formats_with(self, formats: Sequence[str]) -> tuple[str, ...]:
        """All that it comes in, where its questions are written in these."""
        of_boards = [one for one in self.sections if isinstance(one, DashboardSection | ChartSection)]
        own = formats if len(of_boards) < len(self.sections) else ()
        return tuple(dict.fromkeys([*own, *(name for one in of_boards for name in one.formats)]))

    @model_validator(mode="after")
    def _has_what_formats_are_of(self) -> Self:
        if "formats" in self.model_fields_set and all(
            isinstance(one, DashboardSection | ChartSection) for one in self.sections
        ):
            raise ValueError("formats are those of questions; a dashboard and a chart have formats of their own")
        return self


KINDS: dict[str, type[BaseModel]] = {
    "": ReportPlan,
    "metrics": MetricsSection,
    "funnel": FunnelSection,
    "retention": RetentionSection,
    "lifecycle": LifecycleSection,
    "stickiness": StickinessSection,
    "paths": PathsSection,
    "dashboard": DashboardSection,
    "chart": ChartSection,
}
