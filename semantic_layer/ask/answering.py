"""From what a question was understood as to what a person sees: rows, a sentence, a chart, what to ask next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from semantic_layer.ask.calendar_days import recognised
from semantic_layer.ask.charts import Chart, choose, choose_for_journey
from semantic_layer.ask.earlier_funnels import funnel_before, unfinished
from semantic_layer.ask.empty_periods import every_period, has_empty_periods, with_empty_periods
from semantic_layer.ask.journey_tables import GRAINS, journey_table
from semantic_layer.ask.metric_tables import final_day, metric_table
from semantic_layer.ask.periods import is_unfinished
from semantic_layer.ask.phrasing import title
from semantic_layer.ask.reading import read
from semantic_layer.ask.reading_journeys import read_journey
from semantic_layer.ask.structures import to_json
from semantic_layer.ask.table import Role, Table
from semantic_layer.ask.time_phrases import before_these
from semantic_layer.ask.understood import Understood
from semantic_layer.ask.wording import Span, inside, listed, period_name, period_of, plural, start_of
from semantic_layer.journeys.models import Funnel, Journey, Retention
from semantic_layer.metrics.catalogue import Catalogue, Metric, ProjectFacts
from semantic_layer.metrics.code_version import code_version
from semantic_layer.metrics.comparing import compared
from semantic_layer.metrics.kept_answers import KeptAnswer
from semantic_layer.metrics.models import METRIC_TIME, All, Compare, MetricQuery, Missing, Not
from semantic_layer.reader import Reader
from warehouse.settings import Settings


@dataclass(frozen=True)
class Definition:
    """What a metric of the answer means."""

    name: str
    label: str
    description: str
    made_of: str
    owner: str


@dataclass(frozen=True)
class Answer:
    question: str
    understood: Understood
    table: Table
    reading: str
    chart: Chart
    title: str
    subtitle: str
    sql: tuple[str, ...]
    definitions: tuple[Definition, ...] = ()
    remarks: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)  # of a journey: as `millrace funnel --format json` has it

    def as_json(self) -> dict[str, Any]:
        return {
            "question": self.question,
            "understood": to_json(self.understood.query),
            "confidence": round(self.understood.confidence, 3),
            "route": self.understood.route,
            "columns": [
                {"name": column.name, "type": column.type, "label": column.label, "format": column.format}
                for column in self.table.columns
            ],
            "rows": [list(row) for row in self.table.rows],
            "reading": self.reading,
            "chart": {"type": str(self.chart.type), "reason": self.chart.reason},
            "suggestions": list(self.suggestions),
            "definitions": [vars(definition) for definition in self.definitions],
            "remarks": list(self.remarks),
            "sql": list(self.sql),
            **({"details": self.details} if self.details else {}),
        }


class RecordingReader(Reader):
    """Keeps the queries of an answer, for whoever wants to see them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.sql: list[str] = []

    def document(self, sql: str, **settings: int | str) -> dict[str, Any]:
        self.sql.append(sql)
        return super().document(sql, **settings)


def answer_journey(
    settings: Settings, question: str, understood: Understood, catalogue: Catalogue, today: date, use_cache: bool
) -> Answer:
    journey = understood.query
    assert isinstance(journey, Journey)
    sql, details = _journey(settings, journey, use_cache)
    facts = catalogue.projects[journey.project]
    if isinstance(journey, Funnel) and (earlier := funnel_before(journey, facts, today)):
        funnel, days = earlier
        more, found = _journey(settings, funnel, use_cache)
        users = [step["users"] for step in found["steps"]]
        details |= {"before": {"from": days.first.isoformat(), "to": days.last.isoformat(), "users": users}}
        sql = [*sql, *more]
    table = journey_table(journey, details, facts.last_day, facts.first_day)
    span = span_of(journey, facts)
    return Answer(
        question=question,
        understood=understood,
        table=table,
        reading=read_journey(journey, details, span, facts.last_day),
        chart=choose_for_journey(journey, table),
        title=title(journey, catalogue),
        subtitle=subtitle(journey.project, span),
        sql=tuple(sql),
        remarks=(*understood.remarks, *_left_out(journey, facts)),
        details=details,
    )


def _journey(settings: Settings, journey: Journey, use_cache: bool) -> tuple[list[str], dict[str, Any]]:
    """The queries and what they found. An answer that is known takes no rendering of macros, either."""
    kind, asked = type(journey).__name__, journey.model_dump_json()
    kept = KeptAnswer(settings, journey.project, code_version(), kind, asked) if use_cache else None
    if kept and (known := kept.get()) is not None:
        return known["sql"], known["details"]
    from semantic_layer.journeys.answers import ask

    reader = RecordingReader(settings)
    details = ask(reader, journey)
    if kept:
        kept.put({"sql": reader.sql, "details": details})
    return reader.sql, details


def span_of(structure: MetricQuery | Journey, facts: ProjectFacts) -> Span | None:
    """The days of an answer: those asked for, else those of the data."""
    first, last = structure.first_day or facts.first_day, structure.last_day or facts.last_day
    return Span(first, last) if first and last and first <= last else None


def shown_span(table: Table, span: Span | None) -> Span | None:
    """Of a series without a range: its own, which may begin before the events do."""
    times = table.of(Role.TIME)
    if table.asked != (None, None) or len(times) != 1 or times[0].grain is None or not table.rows:
        return span
    days = [at.date() if isinstance(at, datetime) else at for at in table.values(times[0]) if at is not None]
    first, last = start_of(times[0].grain, min(days)), period_of(times[0].grain, max(days)).last
    if table.first_day and span and first <= table.first_day <= period_of(times[0].grain, first).last:
        first = table.first_day
    return Span(first, min(last, table.last_day or last)) if first <= (table.last_day or last) else span


def subtitle(project: str, span: Span | None) -> str:
    return f"{period_name(span)}, project {project}" if span else f"Project {project}"


def answer_metrics(
    settings: Settings, question: str, understood: Understood, catalogue: Catalogue, today: date, use_cache: bool
) -> Answer:
    from semantic_layer.metrics.answers import answer

    asked = understood.query
    assert isinstance(asked, MetricQuery)
    facts = catalogue.projects[asked.project]
    span = span_of(asked, facts)
    waited_for = final_day(asked, catalogue)
    unfinished = span is not None and is_unfinished(_with_data(span, facts), waited_for)
    against = None if unfinished else _compared_by_itself(asked, facts, today)
    query = asked.model_copy(update={"compare": against}) if against else asked
    query, nameless = _of_what_has_a_name(_of_days_with_data(query, facts), catalogue)
    fills = has_empty_periods(query, catalogue)
    found = answer(settings, catalogue, every_period(query) if fills else query, cache=use_cache)
    rows = found.rows
    if fills:
        chosen = {"having": query.having, "order": query.order, "limit": query.limit}
        query = found.query.model_copy(update=chosen)
        rows = with_empty_periods(query, rows, facts)
    columns = [(column.name, column.type) for column in found.columns]
    table = metric_table(query if fills else found.query, catalogue, columns, rows)
    if unfinished and not table.of(Role.TIME):  # a series tells which of its periods are incomplete
        table = _unjudged(table)
    before = Span(*found.compared_days) if found.compared_days else None
    return Answer(
        question=question,
        understood=understood,
        table=table,
        reading=read(table, asked, span, before),
        chart=choose(table),
        title=title(asked, catalogue),
        subtitle=subtitle(asked.project, shown_span(table, span)),
        sql=(found.sql,),
        definitions=tuple(_definition(catalogue.metrics[name]) for name in asked.metrics),
        remarks=(
            *understood.remarks,
            *_where_data_begin(facts, asked.first_day, before),
            *_where_data_end(facts, asked.last_day, today),
            *([f"Left out: what has no {listed(nameless)}."] if nameless else ()),
            *([_not_final(asked, catalogue, waited_for)] if unfinished and waited_for else ()),
        ),
    )


def _compared_by_itself(asked: MetricQuery, facts: ProjectFacts, today: date) -> Compare | None:
    """A value by itself says little: it is compared with the time before, where nobody asked for another comparison and
    all of that time has data."""
    if asked.by or asked.compare or not asked.first_day or not asked.last_day:
        return None
    against = before_these(recognised(asked.first_day, asked.last_day, today))
    days = compared(asked.first_day, asked.last_day, None, against).days
    return against if days and facts.first_day and days[0] >= facts.first_day else None


def _left_out(journey: Journey, facts: ProjectFacts) -> list[str]:
    """Days of a question that are in no cohort, since a cohort has a whole period of beginners; conversions to come."""
    if isinstance(journey, Funnel) and (said := unfinished(journey, facts)):
        return [said]
    if not isinstance(journey, Retention):
        return []
    grain, parts = GRAINS[journey.period], []
    if (first := journey.first_day) and start_of(grain, first) != first:
        parts.append(Span(first, period_of(grain, first).last))
    if (last := journey.cohorts_until or journey.last_day) and period_of(grain, last).last != last:
        parts.append(Span(start_of(grain, last), last))
    if not parts:
        return []
    days = " and ".join(period_name(part) for part in parts)
    return [f"Cohorts are whole {journey.period}s: who began in a part of one is in none ({days})."]


def _of_days_with_data(query: MetricQuery, facts: ProjectFacts) -> MetricQuery:
    """The days that an answer names, where the question left an end open: what other systems know may be older than the
    first event. A series tells its own days."""
    if query.compare or any(grouping.name == METRIC_TIME for grouping in query.by):
        return query
    first, last = query.first_day or facts.first_day, query.last_day or facts.last_day
    if first is None or last is None or first > last:
        return query
    return query.model_copy(update={"first_day": first, "last_day": last})


def _where_data_end(facts: ProjectFacts, last: date | None, today: date) -> list[str]:
    """Days that are over are asked for, and their events are not there."""
    if facts.last_day is None or last is None or min(last, today - timedelta(days=1)) <= facts.last_day:
        return []
    return [f"Events end on {period_name(Span(facts.last_day, facts.last_day))}: after it there are none."]


def _where_data_begin(facts: ProjectFacts, first: date | None, before: Span | None) -> list[str]:
    """Days before the first event are asked for, or compared with: what is told of them is told by other systems."""
    earliest = min((day for day in (first, before.first if before else None) if day), default=None)
    if facts.first_day is None or earliest is None or earliest >= facts.first_day:
        return []
    return [f"Events begin on {period_name(Span(facts.first_day, facts.first_day))}: before it there are none."]


def _of_what_has_a_name(query: MetricQuery, catalogue: Catalogue) -> tuple[MetricQuery, list[str]]:
    """Of the first few: what is without a country is none of the top countries. Of shares it is a part of the whole."""
    named = [one.name for one in query.by if one.name in catalogue.dimensions and one.grain is None]
    if query.limit is None or query.share or not named:
        return query, []
    there = (Not(condition=Missing(dimension=name)) for name in named)
    where = All(conditions=(*([query.where] if query.where else ()), *there))
    return query.model_copy(update={"where": where}), [inside(catalogue.dimensions[name].label) for name in named]


def _with_data(span: Span, facts: ProjectFacts) -> Span:
    """Of days of which the last have no data yet, those that have."""
    return Span(span.first, min(span.last, max(facts.last_day or span.last, span.first)))


def _unjudged(table: Table) -> Table:
    """What may still rise is not worse for being low."""
    return replace(table, columns=tuple(replace(column, good="neutral") for column in table.columns))


def _not_final(asked: MetricQuery, catalogue: Catalogue, final: date) -> str:
    waiting = [metric for name in asked.metrics if (metric := catalogue.metrics[name]).window_days]
    days = max(metric.window_days for metric in waiting)
    since = period_name(Span(final, final))
    return (
        f"{listed([metric.label for metric in waiting])}: not final. People have {plural(days, 'day')}, and of those "
        f"who began after {since} they are not over."
    )


def _definition(metric: Metric) -> Definition:
    return Definition(metric.name, metric.label, metric.description, metric.made_of, metric.owner)
