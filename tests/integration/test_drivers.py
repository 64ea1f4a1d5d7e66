"""Every driver that a part of Millrace uses can connect; and the start of the server is pinned to its wheel.

When the first test fails after an upgrade of chdb-core: the way the server is started has no stability promise.
Run this file, test_local_server.py, test_access.py and test_durability.py; if all else passes, raise the pin in
pyproject.toml and the versions here.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support import Instance
from warehouse.connection import native_url
from warehouse.server import launcher

CHDB_CORE, CLICKHOUSE = "26.9.0", "26.9.2.1"
EXPLANATION = "the wheel changed: see the first lines of tests/integration/test_drivers.py"


def test_the_wheel_is_the_one_the_start_was_proven_with(clickhouse: Instance) -> None:
    assert version("chdb-core") == CHDB_CORE, EXPLANATION
    assert clickhouse.rows("SELECT version()") == [(CLICKHOUSE,)], EXPLANATION
    assert callable(launcher.load_engine().query), EXPLANATION


def test_clickhouse_connect(clickhouse: Instance) -> None:
    assert clickhouse.rows("SELECT currentUser(), getSetting('join_use_nulls')", "engineer") == [("engineer", True)]


def test_clickhouse_driver(clickhouse: Instance) -> None:
    from clickhouse_driver import Client

    target = clickhouse.endpoint("engineer")
    # Compressed: needs the packages that the extras of clickhouse-driver bring.
    client = Client(target.host, target.tcp_port, user=target.user, password=target.password, compression="lz4")
    try:
        assert client.execute("SELECT currentUser(), sum(number) FROM numbers(300000)") == [("engineer", 44999850000)]
    finally:
        client.disconnect()


@pytest.mark.parametrize("driver", ["http", "native"])
def test_dbt_builds_a_table(clickhouse: Instance, tmp_path: Path, driver: str) -> None:
    target = clickhouse.endpoint("engineer")
    port = target.http_port if driver == "http" else target.tcp_port
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text("{name: smoke, version: '1.0', profile: smoke, model-paths: [models]}")
    (tmp_path / "models" / f"smoke_{driver}.sql").write_text(
        "{{ config(materialized='table') }} select number as n from numbers(10)"
    )
    (tmp_path / "profiles.yml").write_text(
        f"""
        smoke:
          target: local
          outputs:
            local: {{type: clickhouse, driver: {driver}, host: {target.host}, port: {port}, user: {target.user},
                     password: "{{{{ env_var('SMOKE_PASSWORD') }}}}", schema: staging, threads: 1}}
        """
    )
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "build", "--project-dir", tmp_path, "--profiles-dir", tmp_path],
        env={**clickhouse.environment, "SMOKE_PASSWORD": target.password, "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert clickhouse.rows(f"SELECT sum(n) FROM staging.smoke_{driver}") == [(45,)]


def test_dlt_stock_destination_loads(clickhouse: Instance, tmp_path: Path) -> None:
    import dlt

    target = clickhouse.endpoint("loader")
    pipeline = dlt.pipeline(
        "smoke",
        destination=dlt.destinations.clickhouse(
            {
                "host": target.host,
                "port": target.tcp_port,
                "http_port": target.http_port,
                "username": target.user,
                "password": target.password,
                "database": "raw",
                "secure": 0,
            }
        ),
        dataset_name="",
        pipelines_dir=str(tmp_path),
    )
    pipeline.run([{"n": n} for n in range(10)], table_name="dlt_smoke")
    assert native_url(target, "raw").startswith(f"clickhouse://loader:{target.password}@127.0.0.1:")
    assert clickhouse.rows("SELECT sum(n) FROM raw.dlt_smoke") == [(45,)]
    assert clickhouse.rows("SELECT count() FROM raw._dlt_loads WHERE status = 0 AND schema_name = 'smoke'") == [(1,)]
