"""Answers to questions about metrics, run as the analyst, and kept as long as the marts are what they were."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.checking import check_values, checked
from semantic_layer.metrics.compiling import Compiled, compile_query
from semantic_layer.metrics.kept_answers import KeptAnswer
from semantic_layer.metrics.models import MOST_ROWS, MetricQuery
from semantic_layer.reader import QueryRefused, Reader, tables_missing
from warehouse.errors import MillraceError
from warehouse.settings import Settings


@dataclass(frozen=True)
class Column:
    name: str
    type: str  # as ClickHouse has it


@dataclass(frozen=True)
class Answer:
    query: MetricQuery  # with what it left open filled in
    sql: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]  # times as date and datetime
    seconds: float
    days: tuple[date | None, date | None]
    compared_days: tuple[date, date] | None
    from_cache: bool = False


def answer(
    settings: Settings, catalogue: Catalogue, query: MetricQuery, *, cache: bool = True, reader: Reader | None = None
) -> Answer:
    begun = time.monotonic()
    reader = reader or Reader(settings)
    compiled = compiled_with_values(settings, catalogue, query, reader)
    # What a load changes is not known by the version of what builds change.
    live = any(f"`{table.partition('.')[2]}`" in compiled.sql for table in catalogue.live_tables)
    kept = KeptAnswer(settings, compiled.query.project, compiled.sql) if cache and not live else None
    document, from_cache = _document(reader, compiled.sql, kept)
    types = [column["type"] for column in document["meta"]]
    readers = [_reader(kind) for kind in types]
    return Answer(
        query=compiled.query,
        sql=compiled.sql,
        columns=tuple(Column(column["name"], column["type"]) for column in document["meta"]),
        rows=tuple(
            tuple(
                read(value) if read and value is not None else value for read, value in zip(readers, row, strict=True)
            )
            for row in document["data"]
        ),
        seconds=time.monotonic() - begun,
        days=compiled.days,
        compared_days=compiled.compared_days,
        from_cache=from_cache,
    )


def compiled_with_values(settings: Settings, catalogue: Catalogue, query: MetricQuery, reader: Reader) -> Compiled:
    """The statement, when it is sure that its filters are on values which exist."""
    query = checked(query, catalogue)
    check_values(query, catalogue, reader)
    return compile_query(settings, catalogue, query)


def as_json(answer: Answer) -> dict[str, Any]:
    return {
        "query": answer.query.model_dump(mode="json", by_alias=True, exclude_none=True),
        "sql": answer.sql,
        "columns": [{"name": column.name, "type": column.type} for column in answer.columns],
        "rows": [list(row) for row in answer.rows],
        "seconds": round(answer.seconds, 3),
    }


def _document(reader: Reader, sql: str, kept: KeptAnswer | None) -> tuple[dict[str, Any], bool]:
    """The rows of the statement, and whether they were known."""
    if kept and (known := kept.get()) is not None:
        return known, True
    try:
        document = reader.document(sql, max_result_rows=MOST_ROWS + 1, result_overflow_mode="break")
    except QueryRefused as error:
        if not tables_missing(error):
            raise
        raise MillraceError(
            "Tables that these metrics are made of are not there.", hint="Run `millrace build`."
        ) from error
    if len(document["data"]) > MOST_ROWS:
        raise MillraceError(
            f"The answer has more than {MOST_ROWS:,} rows.", hint="Add --limit, or --format csv to have them all."
        )
    if kept:
        kept.put({"meta": document["meta"], "data": document["data"]})
    return document, False


def _reader(kind: str) -> Any:
    bare = re.sub(r"^(?:(?:Nullable|LowCardinality)\()*", "", kind)
    if bare.startswith("DateTime"):
        return datetime.fromisoformat
    return date.fromisoformat if bare.startswith("Date") else None
