"""Pointing at one's own ClickHouse: what can be wrong, and what each message says to change.

The own server is a second local one, reached only by its URL; what no local server can be (an old version, something
that is no ClickHouse, a server whose users are managed by SQL) is a small stub that speaks the same HTTP.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support import Instance
from warehouse.access.model import FILTERED_DATABASES


def as_own_server(server: Instance, user: str = "admin") -> dict[str, str]:
    """The settings that make another Millrace use this server as the user's own."""
    target = server.endpoint(user)
    return {
        "MILLRACE_CLICKHOUSE_URL": target.url,
        "MILLRACE_CLICKHOUSE_NATIVE_PORT": str(target.tcp_port),
        "MILLRACE_CLICKHOUSE_USER": target.user,
        "MILLRACE_CLICKHOUSE_PASSWORD": target.password,
    }


@contextmanager
def stub(reply: str, status: int = 200, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """An HTTP server that answers everything with one text; yields its URL and the bodies it received."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            received.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace"))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.encode())

        do_GET = do_POST = _answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


def test_one_setting_is_enough_to_use_another_server(instance: Instance, clickhouse: Instance) -> None:
    own = as_own_server(clickhouse)
    up = instance.run("up", **own)
    assert up.returncode == 0, up.stderr
    assert f"(your own) answers at {own['MILLRACE_CLICKHOUSE_URL']}" in up.stdout
    status = json.loads(instance.run("status", "--format", "json", **own).stdout)
    assert (status["mode"], status["status"]) == ("external", "running")
    assert status["server"]["url"] == own["MILLRACE_CLICKHOUSE_URL"]
    assert status["schema"]["version"] == status["schema"]["newest"]
    kept = {path.name for path in instance.data_dir.iterdir()}
    assert kept == {"landing.lock", "writers.lock"}  # no server, no passwords
    assert instance.run("down", **own).stdout == "Nothing was running.\n"
    assert clickhouse.rows("SELECT 1") == [(1,)]


def test_a_password_in_the_url_works_and_is_never_shown(instance: Instance, clickhouse: Instance) -> None:
    target = clickhouse.endpoint("admin")
    url = f"http://admin:{target.password}@{target.host}:{target.http_port}"
    for command in (("up",), ("status",), ("config",), ("status", "--format", "json"), ("access", "sql")):
        done = instance.run(*command, MILLRACE_CLICKHOUSE_URL=url)
        assert done.returncode == 0, done.stderr
        assert target.password not in done.stdout + done.stderr


def test_passwords_made_up_for_the_local_server_are_not_tried_elsewhere(
    instance: Instance, clickhouse: Instance
) -> None:
    instance.up()
    instance.run("down")
    up = instance.run("up", **as_own_server(clickhouse))
    assert up.returncode == 0, up.stderr


def test_a_proxy_of_the_environment_is_not_used(instance: Instance, clickhouse: Instance) -> None:
    with stub("I am a proxy") as (proxy, received):
        up = instance.run("up", **as_own_server(clickhouse), http_proxy=proxy, HTTP_PROXY=proxy, ALL_PROXY=proxy)
    assert up.returncode == 0, up.stderr
    assert received == []


def test_the_login_does_not_follow_a_redirect(instance: Instance) -> None:
    with stub("caught") as (elsewhere, received), stub("", 302, {"Location": elsewhere}) as (url, _):
        refused = instance.run("up", MILLRACE_CLICKHOUSE_URL=url, MILLRACE_CLICKHOUSE_PASSWORD="secret")
    assert refused.returncode == 1
    assert "HTTP status 302" in refused.stderr
    assert received == []


def test_each_role_uses_its_own_user_where_its_password_is_known(instance: Instance, clickhouse: Instance) -> None:
    own = as_own_server(clickhouse)
    own["MILLRACE_PASSWORD_ENGINEER"] = clickhouse.endpoint("engineer").password
    instance.variables |= own
    assert instance.rows("SELECT currentUser()", "engineer") == [("engineer",)]
    assert instance.rows("SELECT currentUser()", "loader") == [("admin",)]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:8123", "MILLRACE_CLICKHOUSE_URL must look like https://host:8443"),
        ("ftp://localhost", "MILLRACE_CLICKHOUSE_URL must look like https://host:8443"),
        ("http://localhost:99999", "has no valid port"),
        ("http://localhost:8123/database", "takes no path"),
        ("http://no-such-host.invalid:8123", "Nothing usable answers at http://no-such-host.invalid:8123"),
    ],
)
def test_a_wrong_url_says_what_to_change(instance: Instance, url: str, said: str) -> None:
    for command in ("up", "migrate"):
        refused = instance.run(command, MILLRACE_CLICKHOUSE_URL=url)
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "MILLRACE_CLICKHOUSE_URL" in refused.stderr


def test_nothing_listening(instance: Instance) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    refused = instance.run("up", MILLRACE_CLICKHOUSE_URL=f"http://127.0.0.1:{port}")
    assert refused.returncode == 1
    assert f"Nothing usable answers at http://127.0.0.1:{port}: Connection refused." in refused.stderr
    assert "unset it to use the local server" in refused.stderr
    status = instance.run("status", "--format", "json", MILLRACE_CLICKHOUSE_URL=f"http://127.0.0.1:{port}")
    assert status.returncode == 1
    assert json.loads(status.stdout)["status"] == "unreachable"


def test_https_where_http_is_spoken_and_the_native_port(instance: Instance, clickhouse: Instance) -> None:
    target = clickhouse.endpoint("admin")
    tls = instance.run("up", MILLRACE_CLICKHOUSE_URL=f"https://127.0.0.1:{target.http_port}")
    assert tls.returncode == 1
    assert "http instead of https" in tls.stderr
    native = instance.run("up", MILLRACE_CLICKHOUSE_URL=f"http://127.0.0.1:{target.tcp_port}")
    assert native.returncode == 1
    assert "HTTP port" in native.stderr


def test_a_refused_login_names_the_user_and_the_variable(instance: Instance, clickhouse: Instance) -> None:
    own = as_own_server(clickhouse)
    wrong = instance.run("up", **{**own, "MILLRACE_CLICKHOUSE_PASSWORD": "wrong"})
    assert wrong.returncode == 1
    assert "refuses the login of user 'admin'" in wrong.stderr
    assert "MILLRACE_CLICKHOUSE_USER and MILLRACE_CLICKHOUSE_PASSWORD" in wrong.stderr
    role = instance.run("up", **own, MILLRACE_PASSWORD_ADMIN="wrong")
    assert "Check MILLRACE_PASSWORD_ADMIN" in role.stderr


@pytest.mark.parametrize("version", ["25.8.3.1", "24.3.1.2672", "9.1.2"])
def test_an_old_server_is_refused_with_its_version(instance: Instance, version: str) -> None:
    with stub(f"{version}\n") as (url, _):
        refused = instance.run("up", MILLRACE_CLICKHOUSE_URL=url)
    assert refused.returncode == 1
    assert f"is version {version}; Millrace needs 26 or newer" in refused.stderr


@pytest.mark.parametrize(("reply", "status"), [("<html>hello</html>", 200), ("not here", 404), ("\x00\x01", 200)])
def test_something_that_is_no_clickhouse(instance: Instance, reply: str, status: int) -> None:
    with stub(reply, status) as (url, _):
        refused = instance.run("up", MILLRACE_CLICKHOUSE_URL=url)
    assert refused.returncode == 1
    assert "not as ClickHouse does" in refused.stderr


ACCESS_DDL = re.compile(rb"^(CREATE|ALTER) (ROLE|USER|ROW POLICY|QUOTA)|^GRANT")


@contextmanager
def managing_users(server: Instance) -> Iterator[tuple[str, list[str]]]:
    """The server, with a proxy before it that takes the statements on users and roles, which it would refuse."""
    taken: list[str] = []
    behind = server.endpoint("admin")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if ACCESS_DDL.match(body):
                taken.append(body.decode())
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            connection = http.client.HTTPConnection(behind.host, behind.http_port)
            connection.request(self.command, self.path, body, dict(self.headers))
            reply = connection.getresponse()
            content = reply.read()
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        do_GET = do_POST = _pass_on

        def log_message(self, *_: object) -> None:
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}", taken
    finally:
        proxy.shutdown()
        proxy.server_close()


def test_access_sql_parses_and_apply_runs_exactly_that(instance: Instance, clickhouse: Instance) -> None:
    with (instance.project_dir / "access.yaml").open("a") as access:
        access.write("  analyst_demo: {role: analyst, projects: [demo]}\n")
    variables = {**as_own_server(clickhouse), "MILLRACE_PASSWORD_ANALYST_DEMO": "chosen-by-me"}
    shown = instance.run("access", "sql", **variables)
    assert shown.returncode == 0
    assert (
        "Left out, since no password is known: "
        "admin, engineer, loader, analyst, historian, observer, alerter, monitor, modeler, exporter, bi" in shown.stderr
    )
    statements = [line.removesuffix(";") for line in shown.stdout.splitlines()]
    for statement in statements:
        parsed = clickhouse.client().query("SELECT formatQuery({sql:String})", parameters={"sql": statement})
        assert parsed.result_rows[0][0].split()[0] == statement.split()[0]

    with managing_users(clickhouse) as (url, taken):
        variables["MILLRACE_CLICKHOUSE_URL"] = url
        applied = instance.run("access", "apply", **variables)
        assert applied.returncode == 0, applied.stderr
        first = list(taken)
        taken.clear()
        assert instance.run("access", "apply", **variables).returncode == 0
        assert taken == first, "not idempotent"
    digest = hashlib.sha256(b"chosen-by-me").hexdigest()
    assert [sent.replace(digest, "********") for sent in first] == statements
    assert digest not in shown.stdout
    assert "chosen-by-me" not in "".join(first) + applied.stdout + applied.stderr
    assert f"({len(statements)} statements)" in applied.stdout
    # No moment in which the user could read without the filter: the role is granted after the policies are there.
    grant = statements.index("GRANT millrace_analyst TO analyst_demo WITH REPLACE OPTION")
    policies = [n for n, statement in enumerate(statements) if statement.startswith("CREATE ROW POLICY")]
    assert len(policies) == len(FILTERED_DATABASES)
    assert max(policies) < grant
    assert "project_id IN ('demo')" in statements[policies[0]]


def test_a_server_that_refuses_an_access_statement_is_quoted(instance: Instance, clickhouse: Instance) -> None:
    refused = instance.run("access", "apply", **as_own_server(clickhouse))
    assert refused.returncode == 1
    assert "The server refused `CREATE ROLE IF NOT EXISTS millrace_admin`" in refused.stderr
    assert "ACCESS MANAGEMENT" in refused.stderr
