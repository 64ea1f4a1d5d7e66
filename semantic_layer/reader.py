"""Reading the marts as the analyst: one query at a time by plain HTTP, streamed, and ended on the server when we end.

No driver: loading one takes longer than most of these queries.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import uuid
from base64 import b64encode
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from warehouse.connection import CONNECT_SECONDS, QUERY_SECONDS, endpoint, first_line, server_version
from warehouse.errors import MillraceError, WrongUsage
from warehouse.query_settings import QUERY_SETTINGS
from warehouse.settings import Settings

ROLE = "analyst"
CHUNK = 256 * 1024
UNKNOWN_TABLE = ("60", "81")
SHARD_IS_DOWN = "279"
NOT_LOGGED_IN = ("192", "193", "194", "195", "516")


# By the limits of the role and the quota of the user, which access.yaml declares.
OVER_A_LIMIT = {
    "158": ("reads more rows than {user} may in one query", "max_rows_to_read"),
    "307": ("reads more than {user} may in one query", "max_bytes_to_read"),
    "159": ("took longer than {user} may wait", "max_execution_time"),
    "241": ("needs more memory than {user} may use", "max_memory_usage"),
    "202": ("was one too many at the same time for {user}", "max_concurrent_queries_for_user"),
    "201": ("was one too many: the quota of {user} is used up for now", "quota"),
}


class QueryRefused(MillraceError):
    """ClickHouse's answer to a query that it does not run, or not to its end; `code` as in its documentation."""

    def __init__(self, text: str, code: str = "") -> None:
        # After a syntax error: everything that might have stood there instead, a screenful.
        told = first_line(Exception(text)).partition(". Expected one of")[0]
        hint = "MILLRACE_PARTIAL_ANSWERS=1 answers from the other shards alone." if code == SHARD_IS_DOWN else ""
        if code in OVER_A_LIMIT:
            what, setting = OVER_A_LIMIT[code]
            told = f"it {what.format(user=ROLE)} ({told})"
            hint = (
                "Ask for fewer days or fewer columns; --explain tells what would be read. "
                f"{setting} in access.yaml says how much is allowed."
            )
        super().__init__(f"ClickHouse refused the query: {told}", hint=hint)
        self.code = code


class Reader:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._target = endpoint(settings, ROLE)
        self._query_settings: dict[str, int | str] = dict(QUERY_SETTINGS)
        if settings.partial_answers:
            self._query_settings["skip_unavailable_shards"] = 1
        if self._target.user != ROLE:
            # On your own ClickHouse without a login of the role's own: its limits all the same.
            from warehouse.access.model import load_access
            from warehouse.projects import load_projects

            role = load_access(settings, load_projects(settings)).roles[ROLE]
            self._query_settings |= {**role.limits, "readonly": 2}

    def rows(self, sql: str) -> list[list[Any]]:
        """A small result."""
        return self.document(sql)["data"]  # type: ignore[no-any-return]

    def document(self, sql: str, **settings: int | str) -> dict[str, Any]:
        """A small result with the names and types of its columns, as ClickHouse's JSONCompact has it."""
        body = b"".join(self.stream(sql, "JSONCompact", {"wait_end_of_query": 1, **settings}))
        document: dict[str, Any] = json.loads(body)
        return document

    def answer(self, sql: str) -> list[list[Any]]:
        """The rows that a question is about, as against what is asked on the way to it."""
        return self.rows(sql)

    def stream(self, sql: str, form: str, settings: Mapping[str, int | str] | None = None) -> Generator[bytes]:
        """The bytes of a result in one of ClickHouse's formats."""
        query_id = str(uuid.uuid4())
        parameters = {"query_id": query_id, "default_format": form, **self._query_settings, **(settings or {})}
        try:
            yield from self._answer(parameters, sql)
        except QueryRefused as error:
            if error.code in NOT_LOGGED_IN:
                server_version(self._settings, self._target)
            raise
        except (OSError, http.client.HTTPException) as error:
            server_version(self._settings, self._target)  # says what is wrong, where nothing answers any more
            raise MillraceError(f"The connection to {self._target.url} broke during a query: {error}") from error
        except BaseException:
            # Ctrl-C, or whoever reads the result has had enough: else the server would work on.
            self._end(query_id)
            raise

    def _answer(self, parameters: Mapping[str, int | str], sql: str) -> Iterator[bytes]:
        connection = self._connection()
        try:
            credentials = b64encode(f"{self._target.user}:{self._target.password}".encode()).decode()
            connection.request(
                "POST",
                f"/?{urlencode(parameters)}",
                body=sql.encode("utf-8", errors="replace"),
                headers={"Authorization": f"Basic {credentials}"},
            )
            if connection.sock:
                connection.sock.settimeout(QUERY_SECONDS)
            reply = connection.getresponse()
            if reply.status != http.client.OK:
                text = reply.read().decode(errors="replace")
                raise QueryRefused(text, reply.headers.get("X-ClickHouse-Exception-Code", ""))
            if reply.headers.get("X-ClickHouse-Format") != parameters["default_format"]:
                raise WrongUsage("The query names a FORMAT of its own.", hint="Leave it out, and use --format.")
            tag = reply.headers.get("X-ClickHouse-Exception-Tag", "")
            end = f"__exception__\r\n{tag}".encode()
            held = b""
            # What failed in the middle is told at the end of the body: so the last bytes wait until more have come.
            while chunk := _read(reply):
                held += chunk
                if tag and end in held:
                    held += b"".join(iter(lambda: _read(reply), b""))
                    raise QueryRefused(held.partition(end)[2].decode(errors="replace"))
                yield held[: -len(end)]
                held = held[-len(end) :]
            yield held
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        # http.client takes no proxy from the environment and follows no redirect: the login is for this server alone.
        if self._target.secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                self._target.host, self._target.http_port, timeout=CONNECT_SECONDS, context=context
            )
        return http.client.HTTPConnection(self._target.host, self._target.http_port, timeout=CONNECT_SECONDS)

    def _end(self, query_id: str) -> None:
        """End our own query: KILL QUERY asks for a grant on system.processes, taking over its id does not."""
        instead: dict[str, int | str] = {
            "query_id": query_id,
            "replace_running_query": 1,
            "default_format": "TabSeparated",
        }
        try:
            for _ in self._answer(instead, "SELECT 1"):
                pass
        except (OSError, http.client.HTTPException, MillraceError):
            pass  # we are on our way out; the role's time limit ends the query then


def _read(reply: http.client.HTTPResponse) -> bytes:
    try:
        return reply.read1(CHUNK)
    except http.client.IncompleteRead as error:
        return error.partial


def tables_missing(error: QueryRefused) -> bool:
    return error.code in UNKNOWN_TABLE and bool(re.search(r"\bmarts\b", error.message))
