"""Who may see and do what on the local server, over both protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from clickhouse_connect.driver.exceptions import Error as HttpError
from clickhouse_driver.errors import Error as NativeError

from tests.support import Instance
from warehouse.connection import Endpoint, query_text

ACCESS = """
  analyst_demo: {role: analyst, projects: [demo]}
  engineer_demo: {role: engineer, projects: [demo]}
"""

Query = Callable[[str, str], list[tuple[object, ...]]]


# In marts, rows of no project are everybody's: the calendar, the unknown row of each dimension.
EVERYBODYS_AND_OWN = [("", 4), ("demo", 1)]


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Two projects' rows, and users who may see one of them."""
    with Instance(tmp_path_factory.mktemp("tenants") / "millrace") as own:
        with (own.project_dir / "access.yaml").open("a") as access:
            access.write(ACCESS)
        own.up()
        for database in ("raw", "intermediate", "marts"):
            own.client().command(
                f"CREATE TABLE {database}.secret (project_id String, amount UInt64) ENGINE = MergeTree ORDER BY amount"
            )
            own.client().command(f"INSERT INTO {database}.secret VALUES ('demo', 1), ('demo_mobile', 2), ('', 4)")
        own.client().command("CREATE VIEW marts.secret_view AS SELECT * FROM marts.secret")
        own.client().command("CREATE TABLE marts.without_project (amount UInt64) ENGINE = MergeTree ORDER BY amount")
        own.client().command("INSERT INTO marts.without_project VALUES (1)")
        # system.query_log is made by the first flush of the logs: it would appear in the middle of the tests.
        own.client().command("SYSTEM FLUSH LOGS")
        yield own


@pytest.fixture(params=["http", "native"])
def query(request: pytest.FixtureRequest, tenants: Instance) -> Query:
    """Runs a query as a user, over HTTP or native TCP."""
    if request.param == "http":
        return lambda user, sql: tenants.rows(sql, user)

    def native(user: str, sql: str) -> list[tuple[object, ...]]:
        from clickhouse_driver import Client

        target = tenants.endpoint(user)
        client = Client(target.host, target.tcp_port, user=target.user, password=target.password)
        try:
            return list(client.execute(sql))
        finally:
            client.disconnect()

    return native


def refused(query: Query, user: str, sql: str) -> str:
    with pytest.raises((HttpError, NativeError)) as error:
        query(user, sql)
    return str(error.value)


def test_a_user_of_one_project_never_sees_a_row_of_another(query: Query) -> None:
    assert query("admin", "SELECT sum(amount) FROM marts.secret") == [(7,)]
    assert query("analyst", "SELECT sum(amount) FROM marts.secret") == [(7,)]
    for sql in (
        "SELECT project_id, amount FROM marts.secret",
        "SELECT project_id, amount FROM marts.secret_view",
        "SELECT project_id, amount FROM marts.secret WHERE project_id = 'demo_mobile' OR 1",
        "SELECT project_id, amount FROM marts.secret PREWHERE 1 SETTINGS optimize_move_to_prewhere = 0",
        "SELECT a.project_id, b.amount FROM marts.secret AS a JOIN marts.secret AS b USING amount",
        "SELECT project_id, amount FROM marts.secret UNION DISTINCT SELECT project_id, amount FROM marts.secret",
    ):
        assert sorted(query("analyst_demo", sql)) == EVERYBODYS_AND_OWN, sql
    for database in ("raw", "intermediate"):
        assert query("engineer_demo", f"SELECT project_id, amount FROM {database}.secret") == [("demo", 1)]
    assert sorted(query("engineer_demo", "SELECT project_id, amount FROM marts.secret")) == EVERYBODYS_AND_OWN


def test_a_table_made_after_the_start_is_filtered_too(tenants: Instance, query: Query) -> None:
    tenants.client().command(
        "CREATE OR REPLACE TABLE marts.later ENGINE = MergeTree ORDER BY amount AS SELECT * FROM marts.secret"
    )
    assert sorted(query("analyst_demo", "SELECT project_id, amount FROM marts.later")) == EVERYBODYS_AND_OWN


def test_a_table_without_project_id_is_not_shown_to_a_user_of_one_project(query: Query) -> None:
    assert query("analyst", "SELECT amount FROM marts.without_project") == [(1,)]
    refused(query, "analyst_demo", "SELECT amount FROM marts.without_project")


@pytest.mark.parametrize("user", ["analyst", "bi", "analyst_demo"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM raw.secret",
        "SELECT * FROM intermediate.secret",
        "SELECT * FROM raw.events",
        "SELECT * FROM ops.schema_migrations",
        "SELECT * FROM vault.salts",
        "SELECT query FROM system.query_log",
        "SELECT query FROM system.processes",
        "SELECT * FROM system.parts",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
        "SELECT * FROM s3('http://127.0.0.1/bucket/key', 'a', 'b', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1:9000', marts.secret)",
        "SELECT * FROM filesystem('/etc')",
        "SELECT * FROM `/etc/passwd`",
        "SELECT * FROM mysql('127.0.0.1', 'd', 't', 'u', 'p')",
        "INSERT INTO marts.secret VALUES ('demo', 8)",
        "CREATE TABLE marts.mine (n UInt8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE mine (n UInt8)",
        "ALTER TABLE marts.secret DELETE WHERE 1",
        "TRUNCATE TABLE marts.secret",
        "DROP TABLE marts.secret",
        "SYSTEM STOP LISTEN HTTP",
        "SYSTEM FLUSH LOGS",
        "SET max_memory_usage = 0",
        "SET max_execution_time = 100000",
        "SET readonly = 0",
        "KILL QUERY WHERE 0",
        "CREATE USER me",
        "GRANT SELECT ON raw.* TO bi",
    ],
)
def test_readers_read_marts_and_nothing_else(query: Query, user: str, sql: str) -> None:
    words = ("Not enough privileges", "readonly mode", "shouldn't be", "Unknown table expression")
    reply = refused(query, user, sql)
    assert any(word in reply for word in words), reply


@pytest.mark.parametrize("user", ["analyst", "bi"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('/etc/passwd')",
        "SELECT file('/etc/passwd', 'default')",
        "SELECT `file`('/etc/passwd')",
        "SELECT arrayMap(path -> file(path), ['/etc/passwd'])",
        "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
        "SELECT COLUMNS('path') APPLY(path -> file(path)) FROM (SELECT '/etc/passwd' AS path)",
        "SELECT * REPLACE(file(path) AS path) FROM (SELECT '/etc/passwd' AS path)",
        "WITH (path -> file(path)) AS read SELECT read('/etc/passwd')",
        "SELECT count() FROM marts.secret WHERE file('/etc/passwd') = 1",
        "SELECT * FROM python('sys')",
        "SELECT * FROM python('sys') SETTINGS allow_python_table_function = 1",
    ],
)
def test_the_engine_reads_no_file_and_no_object_of_its_process(query: Query, user: str, sql: str) -> None:
    """Two doors that ask for no grant: the scalar function file(), and python(), which crashed the server."""
    words = ("file() is switched off", "expect 1 arguments", "Python table function is disabled", "shouldn't be")
    assert any(word in refused(query, user, sql) for word in words)
    assert query("admin", "SELECT 1") == [(1,)]


def test_the_loader_writes_raw_only(query: Query) -> None:
    assert query("loader", "SELECT count() FROM raw.events_rejected") == [(0,)]
    assert "Not enough privileges" in refused(query, "loader", "SELECT * FROM marts.secret")
    assert "Not enough privileges" in refused(query, "loader", "INSERT INTO marts.secret SELECT 'demo', 9")


@pytest.mark.parametrize("user", ["engineer", "engineer_demo", "analyst", "bi", "analyst_demo"])
def test_nobody_who_reads_events_reads_the_salts(query: Query, user: str) -> None:
    salts = query("admin", "SELECT project_id, salt FROM vault.salts ORDER BY 1")
    assert [project for project, _ in salts] == ["", "demo", "demo_mobile"]
    for sql in (
        "SELECT salt FROM vault.salts",
        "SELECT count() FROM vault.salts",
        "SELECT * FROM merge('vault', '.*')",
        "SELECT (SELECT max(salt) FROM vault.salts)",
    ):
        refused(query, user, sql)
    # Nor does a log or the view that reads them say what they are.
    query("admin", "SYSTEM FLUSH LOGS")
    for _, salt in salts:
        half = str(salt)[:32]
        where = f"WHERE position(query, concat('{half[:16]}', '{half[16:]}')) > 0"
        assert query("admin", f"SELECT count() FROM system.query_log {where}") == [(0,)]


def test_the_loader_reads_the_salts_and_changes_none(query: Query) -> None:
    assert query("loader", "SELECT count() FROM vault.salts") == [(3,)]
    for sql in ("INSERT INTO vault.salts (project_id, salt) VALUES ('demo', 'x')", "TRUNCATE TABLE vault.salts"):
        assert "Not enough privileges" in refused(query, "loader", sql)


def test_a_wrong_or_empty_password_is_refused(tenants: Instance) -> None:
    target = tenants.endpoint("admin")
    for user, password in (("admin", "wrong"), ("admin", ""), ("analyst", ""), ("nobody", "")):
        wrong = Endpoint(target.host, target.http_port, target.tcp_port, False, user, password, True)
        with pytest.raises(OSError, match=r"403|401"):
            query_text(wrong, "SELECT count() FROM system.tables")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SYSTEM STOP LISTEN HTTP",
        "CREATE TEMPORARY TABLE t (n UInt8)",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        # Queries that touch system.one are charged to no quota.
        "SELECT (SELECT groupArray(line) FROM file('/etc/passwd', 'LineAsString'))",
        "SELECT line FROM file('/etc/passwd', 'LineAsString') UNION ALL SELECT toString(dummy) FROM system.one",
        "SELECT (SELECT count() FROM file('/etc/passwd', 'LineAsString')) SETTINGS max_sessions_for_user = 100",
    ],
)
def test_nobody_can_use_the_servers_own_session_user(tenants: Instance, sql: str) -> None:
    """`default` needs rights of its own to start the server, and logs in without a password."""
    from clickhouse_driver import Client

    target = tenants.endpoint("admin")
    default = Endpoint(target.host, target.http_port, target.tcp_port, False, "default", "", True)
    with pytest.raises(OSError, match="HTTP Error"):
        query_text(default, sql)
    native = Client(target.host, target.tcp_port, user="default", password="")
    with pytest.raises(NativeError, match="overflown session count"):
        native.execute(sql)
    native.disconnect()
    assert query_text(target, "SELECT 1") == "1\n"


def test_a_dictionary_of_an_engineer_reads_no_file(tenants: Instance) -> None:
    """The source of a dictionary runs as the session's user."""
    with pytest.raises(HttpError):
        tenants.client("engineer").command(
            "CREATE DICTIONARY staging.spy (n UInt64, line String) PRIMARY KEY n "
            "SOURCE(CLICKHOUSE(QUERY $$SELECT 1 AS n, "
            "(SELECT arrayStringConcat(groupArray(line), '|') FROM file('/etc/passwd', 'LineAsString')) AS line$$)) "
            "LAYOUT(FLAT()) LIFETIME(0)"
        )
        tenants.rows("SELECT dictGet('staging.spy', 'line', toUInt64(1))", "engineer")


def test_changed_access_is_put_into_force_on_the_same_ports(instance: Instance) -> None:
    before = instance.up()
    assert instance.run("access", "apply").stdout == "access.yaml was in force already.\n"
    with (instance.project_dir / "access.yaml").open("a") as access:
        access.write("  guest: {role: analyst, projects: [demo]}\n")
    assert "millrace access apply" in instance.run("up").stderr
    applied = instance.run("access", "apply")
    assert (applied.returncode, applied.stdout) == (0, "access.yaml is in force.\n"), applied.stderr
    assert (instance.state.http_port, instance.state.tcp_port) == (before.http_port, before.tcp_port)
    assert instance.rows("SELECT currentUser()", "guest") == [("guest",)]


def test_what_only_the_server_refuses_leaves_the_earlier_access_in_force(instance: Instance) -> None:
    before = instance.up()
    path = instance.project_dir / "access.yaml"
    path.write_text(path.read_text().replace("max_execution_time", "max_execution_tim"))
    refused = instance.run("access", "apply")
    assert refused.returncode == 1
    assert "runs again with the earlier one" in refused.stderr
    assert (instance.state.http_port, instance.state.tcp_port) == (before.http_port, before.tcp_port)
    assert instance.rows("SELECT getSetting('max_execution_time')", "bi") == [(60,)]


def test_a_mistake_in_access_does_not_stop_the_running_server(instance: Instance) -> None:
    before = instance.up()
    with (instance.project_dir / "access.yaml").open("a") as access:
        access.write("  guest: {role: analist, projects: [demo]}\n")
    refused = instance.run("access", "apply")
    assert refused.returncode == 1
    assert "users.guest: there is no role 'analist'; did you mean 'analyst'?" in refused.stderr
    assert instance.state.server_pid == before.server_pid
