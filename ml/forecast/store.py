"""Forecasts and backtests as rows of the database ml. The newest forecast of a series is that which knew most days;
of several that knew the same ones, the last that was written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ml.forecast.bands import SHARES
from ml.forecast.forecasting import Ahead, Learned
from ml.forecast.reading import ROLE, Subject
from warehouse.connection import connect, failures_as_sentences, insert_rows
from warehouse.settings import Settings

LAST_DAY = date(2149, 6, 6)  # of ClickHouse's Date
NEWEST = (
    "(project_id, series, (made_on, written_at)) IN "
    "(SELECT project_id, series, max((made_on, written_at)) FROM {table} WHERE made_on <= {{until:Date}} GROUP BY ALL)"
)
DAYS = (
    *("project_id", "series", "made_on", "day", "days_ahead", "expected"),
    *("lower_50", "upper_50", "lower_80", "upper_80", "lower_95", "upper_95", "method", "model_version"),
)
SCORES = (
    *("project_id", "series", "made_on", "method", "is_chosen", "mase", "smape", "mape"),
    *("coverage_50", "coverage_80", "coverage_95"),
)


@dataclass(frozen=True)
class Told:
    """A forecast, and by what it was chosen."""

    subject: Subject
    learned: Learned
    ahead: Ahead
    version: str = ""


def write_forecasts(settings: Settings, told: Sequence[Told], moment: datetime | None = None) -> int:
    """How many days were written."""
    at = _text(moment or datetime.now(UTC))
    days = [(*row, at) for one in told for row in _days(one)]
    scores = [(*row, at) for one in told for row in _scores(one)]
    if days:
        with closing(connect(settings, ROLE)) as client, failures_as_sentences("writing forecasts down"):
            insert_rows(client, "ml.forecast_backtests", scores, (*SCORES, "written_at"))
            insert_rows(client, "ml.forecasts", days, (*DAYS, "written_at"))
    return len(days)


def read_newest(
    settings: Settings, series: Sequence[str] = (), project: str | None = None, until: date = LAST_DAY
) -> list[dict[str, Any]]:
    """The days of the newest forecast of each series that knew no day after `until`; of these series and of this
    project alone, where they are named."""
    return _read(settings, "ml.forecasts", DAYS, "day", series, project, until)


def read_backtests(
    settings: Settings, series: Sequence[str] = (), project: str | None = None, until: date = LAST_DAY
) -> list[dict[str, Any]]:
    """How each method did, before that forecast; the best first."""
    return _read(settings, "ml.forecast_backtests", SCORES, "mase", series, project, until)


def _read(
    settings: Settings,
    table: str,
    columns: Sequence[str],
    order: str,
    series: Sequence[str],
    project: str | None,
    until: date,
) -> list[dict[str, Any]]:
    wanted = (
        "(empty({series:Array(String)}) OR series IN {series:Array(String)}) "
        "AND ({any:Bool} OR project_id = {project:String})"
    )
    sql = (
        f"SELECT {', '.join(columns)} FROM {table} FINAL WHERE {NEWEST.format(table=table)} AND {wanted} "
        f"ORDER BY project_id, series, {order}"
    )
    parameters = {"series": list(series), "any": project is None, "project": project or "", "until": until}
    with closing(connect(settings, ROLE)) as client, failures_as_sentences("reading forecasts"):
        return [dict(zip(columns, row, strict=True)) for row in client.query(sql, parameters=parameters).result_rows]


def _days(one: Told) -> list[tuple[Any, ...]]:
    ahead, last = one.ahead, one.subject.last_day
    return [
        (
            *(one.subject.project, one.subject.name, str(last), str(last + timedelta(days=step + 1)), step + 1),
            float(ahead.expected[step]),
            *(float(side[share][step]) for share in SHARES for side in (ahead.lower, ahead.upper)),
            *(ahead.method, one.version),
        )
        for step in range(len(ahead.expected))
    ]


def _scores(one: Told) -> list[tuple[Any, ...]]:
    return [
        (
            *(one.subject.project, one.subject.name, str(one.subject.last_day), method, method == one.learned.method),
            *(scores.mase, scores.smape, scores.mape, *(scores.coverage[share] for share in SHARES)),
        )
        for method, scores in one.learned.tried.items()
    ]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
