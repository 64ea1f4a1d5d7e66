"""Rows of a REST API and of a SQL database, by dlt's own clients, from a cursor on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from ingestion.sources.batches import BATCH_ROWS, Batch, batch_of_items, batch_of_rows
from ingestion.sources.definitions import Definition, Type
from ingestion.sources.feeds import Feed, Rest, Sql
from warehouse.errors import MillraceError
from warehouse.named_secrets import Secret
from warehouse.settings import MASK

RETRIES = 3
REQUEST_SECONDS = 60


class Masking:
    """Reveals secrets, and takes them out of what an error says."""

    def __init__(self) -> None:
        self._revealed: list[str] = []

    def reveal(self, value: Any) -> Any:
        if isinstance(value, Secret):
            value = value.reveal()
            self.hide(value)
        return value

    def hide(self, value: str) -> None:
        self._revealed += [value, quote(value, safe=""), quote(value)]

    def mask(self, text: str) -> str:
        for value in sorted(self._revealed, key=len, reverse=True):
            text = text.replace(value, MASK)
        # The query of an address may have a secret in it, and is of no use to who reads the error.
        return re.sub(r"(https?://[^\s?]+)\?\S*", r"\1", text)


def read_remote(feed: Feed, definition: Definition, since: datetime | None) -> Iterator[Batch]:
    masking = Masking()
    if feed.rest:
        where = f"{feed.rest.base_url.rstrip('/')}/{feed.rest.path.lstrip('/')}"
        batches = _pages(feed.rest, feed, definition, since, masking)
    else:
        assert feed.sql is not None
        where, batches = feed.sql.table, _table(feed.sql, feed, definition, since, masking)
    try:
        yield from batches
    except MillraceError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a driver or an API throws; and without its trace, which shows secrets
        reason = masking.mask(" ".join(str(error).split()))[:400]
        raise MillraceError(f"The feed {feed.name} could not read {where}: {reason or type(error).__name__}") from None


def cursor_text(definition: Definition, since: datetime) -> str:
    if definition.columns[definition.cursor].type is Type.DATE:
        return since.date().isoformat()
    return since.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _pages(rest: Rest, feed: Feed, definition: Definition, since: datetime | None, masking: Masking) -> Iterator[Batch]:
    from dlt.sources.helpers.requests import Client
    from dlt.sources.helpers.rest_client.client import RESTClient
    from dlt.sources.rest_api.config_setup import create_auth, create_paginator

    auth: Any = rest.auth and {key: masking.reveal(value) for key, value in rest.auth.items()}
    paginator: Any = rest.paginator
    client = RESTClient(
        base_url=rest.base_url,
        headers={key: masking.reveal(value) for key, value in rest.headers.items()},
        auth=create_auth(auth),
        session=Client(request_timeout=REQUEST_SECONDS, request_max_attempts=RETRIES).session,
    )
    params = dict(rest.params)
    if rest.since and since:
        params[rest.since] = cursor_text(definition, since)
    pages = client.paginate(rest.path, params=params, paginator=create_paginator(paginator), data_selector=rest.data)
    for page in pages:
        yield batch_of_items(page, feed.rename, feed.name)


def _table(sql: Sql, feed: Feed, definition: Definition, since: datetime | None, masking: Masking) -> Iterator[Batch]:
    from dlt.sources.sql_database import sql_table
    from sqlalchemy import create_engine, make_url

    address = make_url(masking.reveal(sql.url))
    if address.password:
        masking.hide(str(address.password))
    theirs = {ours: name for name, ours in feed.rename.items()}
    cursor = theirs.get(definition.cursor, definition.cursor)

    def from_cursor(query: Any, table: Any) -> Any:
        if not (cursor and since):
            return query
        return query.where(table.c[cursor] >= _comparable(table.c[cursor], definition, since))

    schema, _, name = sql.table.rpartition(".")
    engine = create_engine(address)
    try:
        yield from (
            batch_of_rows([dict(row) for row in rows], feed.rename, feed.name)
            for rows in _chunks(
                sql_table(
                    engine,
                    table=name,
                    schema=schema or None,
                    backend="sqlalchemy",
                    chunk_size=BATCH_ROWS,
                    included_columns=list(sql.columns) or None,
                    query_adapter_callback=from_cursor,
                    reflection_level="minimal",
                    defer_table_reflect=True,
                )
            )
        )
    finally:
        engine.dispose()


def _comparable(column: Any, definition: Definition, since: datetime) -> Any:
    """The cursor as the database's column has it: an instant, an instant without zone, a date or a text.

    Texts compare letter by letter, and instants have many spellings: of them a whole day more is read.
    """
    import sqlalchemy

    if isinstance(column.type, sqlalchemy.DateTime):
        return since if column.type.timezone else since.replace(tzinfo=None)
    if isinstance(column.type, sqlalchemy.Date):
        return since.date()
    return (since - timedelta(days=1)).date().isoformat()


def _chunks(resource: Any) -> Iterator[list[Mapping[str, Any]]]:
    """dlt gives rows one by one when a resource is iterated."""
    chunk: list[Mapping[str, Any]] = []
    for row in resource:
        chunk.append(row)
        if len(chunk) >= BATCH_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
