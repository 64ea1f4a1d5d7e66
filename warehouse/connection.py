"""Connections to ClickHouse, local or your own, as a role of access.yaml; and clear words when one fails."""

from __future__ import annotations

import http.client
import json
import logging
import re
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode, urlsplit

from warehouse.errors import MillraceError
from warehouse.query_settings import QUERY_SETTINGS
from warehouse.server.state import running_state
from warehouse.settings import PASSWORD_PREFIX, Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

MINIMUM_VERSION = 26
CONNECT_SECONDS = 10
QUERY_SECONDS = 3600
LONGEST_ANSWER = 1024**2  # of a health check, also where it is not ClickHouse that answers
NOT_CLICKHOUSE = (
    "Check host and port in MILLRACE_CLICKHOUSE_URL: it must be ClickHouse's HTTP port (8123, or 8443 with https)."
)


@dataclass(frozen=True)
class Endpoint:
    """Where ClickHouse is and who we are there: all that any driver needs."""

    host: str
    http_port: int
    tcp_port: int
    secure: bool
    user: str
    password: str = field(repr=False)
    is_local: bool

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.http_port}"


BROKE_OFF = "The connection to ClickHouse broke off."
REPEAT = "Does it run (`millrace status`)? Then repeat the command: what is in stays in; nothing is doubled."

# For what makes the users of the roles: it cannot log in as one of them.
CONFIGURED_USER = ""


def endpoint(settings: Settings, role: str) -> Endpoint:
    """The endpoint for a role: its own user where that user's password is known, else the user of your settings."""
    return _local_endpoint(settings, role) if settings.is_local else _own_endpoint(settings, role)


def connect(settings: Settings, role: str) -> Client:
    """A clickhouse-connect client that runs under the project's query settings."""
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import Error
    from clickhouse_connect.driver.httputil import get_pool_manager

    # What fails is told by an exception as well.
    logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
    target = endpoint(settings, role)
    server_version(settings, target)
    try:
        return clickhouse_connect.get_client(
            host=target.host,
            port=target.http_port,
            secure=target.secure,
            username=target.user,
            password=target.password,
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=QUERY_SECONDS,
            pool_mgr=get_pool_manager(),  # else a proxy of the environment would be used, and be given the login
            autogenerate_session_id=False,  # sessions would forbid two queries of one client at a time
            settings=dict(QUERY_SETTINGS),
        )
    except Error as error:
        raise MillraceError(f"ClickHouse at {target.url} refused the connection: {first_line(error)}") from error


def insert_rows(client: Client, table: str, rows: Iterable[Sequence[object]], columns: Sequence[str]) -> None:
    """A few rows of what JSON can say. The client's own insert() imports pandas first, which takes longer."""
    lines = (json.dumps(dict(zip(columns, row, strict=True))) for row in rows)
    client.raw_insert(table, columns, "\n".join(lines).encode(), fmt="JSONEachRow")


def server_version(settings: Settings, target: Endpoint) -> str:
    """Log in with plain HTTP and read the version; every way to fail becomes a sentence that says what to change."""
    try:
        version = query_text(target, "SELECT version()").strip()
    except urllib.error.HTTPError as error:
        raise _refusal(settings, target, error) from error
    except urllib.error.URLError as error:
        raise _unreachable(settings, target, str(error.reason), isinstance(error.reason, ssl.SSLError)) from error
    except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
        raise _unreachable(settings, target, str(error) or type(error).__name__, False) from error
    match = re.fullmatch(r"(\d+)\.[\w.+-]+", version)
    if not match:
        raise MillraceError(
            f"{target.url} answers, but not as ClickHouse does.",
            hint=NOT_CLICKHOUSE,
        )
    if int(match[1]) < MINIMUM_VERSION:
        raise MillraceError(
            f"ClickHouse at {target.url} is version {version}; Millrace needs {MINIMUM_VERSION} or newer.",
            hint="Upgrade that server, or unset MILLRACE_CLICKHOUSE_URL to use the local one.",
        )
    return version


def query_text(target: Endpoint, sql: str, timeout: float = CONNECT_SECONDS) -> str:
    """One query by plain HTTP: for health checks, where loading a driver would take longer than the query."""
    credentials = b64encode(f"{target.user}:{target.password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the scheme is http or https by construction
        f"{target.url}/?default_format=TabSeparated",
        data=sql.encode(),
        headers={"Authorization": f"Basic {credentials}"},
    )
    with _open(request, timeout) as reply:
        text: str = reply.read(LONGEST_ANSWER).decode()
        return text


def insert_body(
    target: Endpoint,
    sql: str,
    body: bytes,
    *,
    encoding: str,
    parameters: Mapping[str, str],
    settings: Mapping[str, str],
) -> None:
    """One INSERT with its data as the body, by plain HTTP: the drivers cannot send a compressed body as it is."""
    query = {
        "query": sql,
        **{name: str(value) for name, value in QUERY_SETTINGS.items()},
        **settings,
        **{f"param_{name}": value for name, value in parameters.items()},
    }
    credentials = b64encode(f"{target.user}:{target.password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the scheme is http or https by construction
        f"{target.url}/?{urlencode(query)}",
        data=body,
        headers={
            "Authorization": f"Basic {credentials}",
            "Content-Encoding": encoding,
            "Content-Type": "application/octet-stream",
        },
    )
    try:
        with _open(request, QUERY_SECONDS) as reply:
            reply.read()
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        raise MillraceError(
            f"ClickHouse refused an insert: {first_line(Exception(text))}",
            hint="When that is mended, repeat the command: what is in stays in; nothing is doubled.",
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise MillraceError(f"The connection to {target.url} broke during an insert: {error}", hint=REPEAT) from error


def is_alive(target: Endpoint, timeout: float = 2.0) -> bool:
    """/ping answers and a query runs."""
    try:
        with _open(f"{target.url}/ping", timeout) as reply:
            return bool(reply.read() == b"Ok.\n" and query_text(target, "SELECT 1", timeout) == "1\n")
    except (OSError, http.client.HTTPException):
        return False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _open(request: urllib.request.Request | str, timeout: float) -> http.client.HTTPResponse:
    # No proxy from the environment, and no following elsewhere: the login is for this server alone.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    reply: http.client.HTTPResponse = opener.open(request, timeout=timeout)
    return reply


def first_line(error: BaseException) -> str:
    """The telling part of a ClickHouse error, without stack traces and server versions."""
    text = " ".join(str(error).split())
    if is_broken_connection(error):
        return "the connection broke off"
    if "ALL_CONNECTION_TRIES_FAILED" in text or "All connection tries failed" in text:
        addresses = ", ".join(dict.fromkeys(re.findall(r"\(([\w.:\[\]-]+:\d+)[,)]", text)))
        return f"a shard of the cluster does not answer{f': {addresses}' if addresses else ''}"
    match = re.search(r"(Code: \d+\. )?DB::(?:NetException|Exception): (.+?)(?: \(version | Stack trace|$)", text)
    # Through which views an insert went is nothing that anybody can mend.
    return re.sub(r"(?:: while pushing to view [\w`]+\.[\w`]+)+", "", match[2] if match else text)[:500]


def is_broken_connection(error: BaseException) -> bool:
    """Of clickhouse-connect; its text is the whole request."""
    return "executing HTTP request" in str(error)


@contextmanager
def failures_as_sentences(doing: str) -> Iterator[None]:
    """What ClickHouse refuses, most often for a missing right or table, in one sentence."""
    from clickhouse_connect.driver.exceptions import Error

    try:
        yield
    except Error as error:
        if is_broken_connection(error):
            raise MillraceError(BROKE_OFF, hint=REPEAT) from error
        raise MillraceError(
            f"ClickHouse refused {doing}: {first_line(error)}",
            hint="Does the user have the rights of its role (`millrace access sql`), and is the schema there "
            "(`millrace migrate`)?",
        ) from error


def native_url(target: Endpoint, database: str) -> str:
    """For drivers that take one URL."""
    scheme = "clickhouses" if target.secure else "clickhouse"
    return (
        f"{scheme}://{quote(target.user)}:{quote(target.password, safe='')}@{target.host}:{target.tcp_port}/{database}"
    )


def _local_endpoint(settings: Settings, role: str) -> Endpoint:
    state = running_state(settings)
    if state is None or state.status not in ("ready", "restarting"):
        raise MillraceError(
            "The local ClickHouse is not running.",
            hint="Start it with `millrace up`, or set MILLRACE_CLICKHOUSE_URL to use your own server.",
        )
    password = settings.passwords.get(role)
    if password is None:
        raise MillraceError(
            f"No password is known for the ClickHouse user {role!r}.",
            hint=f"Set {PASSWORD_PREFIX}{role.upper()}, or run `millrace down` and `millrace up` to have one made.",
        )
    host = "127.0.0.1" if settings.listen_host in ("0.0.0.0", "localhost") else settings.listen_host  # noqa: S104
    host = "::1" if host == "::" else host
    return Endpoint(host, state.http_port, state.tcp_port, False, role, password.get_secret_value(), True)


def _own_endpoint(settings: Settings, role: str) -> Endpoint:
    parts = urlsplit(settings.clickhouse_url)
    secure = parts.scheme == "https"
    user, password = settings.clickhouse_user, settings.clickhouse_password.get_secret_value()
    if role in settings.passwords:
        user, password = role, settings.passwords[role].get_secret_value()
    return Endpoint(
        host=parts.hostname or "",
        http_port=parts.port or (8443 if secure else 8123),
        tcp_port=settings.clickhouse_native_port or (9440 if secure else 9000),
        secure=secure,
        user=user or unquote(parts.username or "default"),
        password=password or unquote(parts.password or ""),
        is_local=False,
    )


def _refusal(settings: Settings, target: Endpoint, error: urllib.error.HTTPError) -> MillraceError:
    text = error.read().decode(errors="replace")
    code = error.headers.get("X-ClickHouse-Exception-Code", "")
    if code in ("516", "192", "193", "194", "195") or (error.code in (401, 403) and not code):
        variable = f"{PASSWORD_PREFIX}{target.user.upper()}"
        where = "MILLRACE_CLICKHOUSE_USER and MILLRACE_CLICKHOUSE_PASSWORD"
        return MillraceError(
            f"ClickHouse at {target.url} refuses the login of user {target.user!r}.",
            hint=f"Check {variable}." if target.user in settings.passwords else f"Check {where}.",
        )
    if code:
        return MillraceError(f"ClickHouse at {target.url} answers with an error: {first_line(Exception(text))}")
    return MillraceError(
        f"{target.url} answers with HTTP status {error.code}, not as ClickHouse does.",
        hint=NOT_CLICKHOUSE,
    )


def _unreachable(settings: Settings, target: Endpoint, reason: str, tls: bool) -> MillraceError:
    reason = re.sub(r"^\[Errno -?\d+\] ", "", reason)
    if settings.is_local:
        return MillraceError(
            f"The local ClickHouse at {target.url} does not answer: {reason}.",
            hint="See `millrace status`; `millrace down` and `millrace up` start it anew.",
        )
    if tls:
        hint = "Is it http instead of https in MILLRACE_CLICKHOUSE_URL, or a certificate this machine does not trust?"
    else:
        hint = "Check MILLRACE_CLICKHOUSE_URL (scheme, host, port), or unset it to use the local server."
    return MillraceError(f"Nothing usable answers at {target.url}: {reason}.", hint=hint)
