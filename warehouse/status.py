"""What `millrace status` says. The keys are stable: scripts read them (docs/cli.md)."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psutil

from warehouse.cluster import everywhere
from warehouse.connection import connect, endpoint, failures_as_sentences, is_alive
from warehouse.errors import MillraceError
from warehouse.migrate import applied_versions, load_steps
from warehouse.observability.declared import read_declared
from warehouse.observability.freshness import Freshness, read_freshness
from warehouse.server import control
from warehouse.server.state import read_state, run_directory, running_state
from warehouse.settings import Settings, mask_url

LAYERS = ("raw", "staging", "intermediate", "marts", "ml", "ops")


def read_status(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {
        "mode": "local" if settings.is_local else "external",
        "status": "stopped",
        "message": "",
        "server": {
            "url": "" if settings.is_local else mask_url(settings.clickhouse_url),
            "http_port": 0,
            "tcp_port": 0,
            "version": "",
            "pid": 0,
            "supervisor_pid": 0,
            "uptime_seconds": 0,
            "restarts": 0,
            "memory_bytes": 0,
            "memory_limit_bytes": 0,
            "disk_free_bytes": 0,
            "data_dir": str(settings.server_dir) if settings.is_local else "",
            "log": str(run_directory(settings).server_log) if settings.is_local else "",
        },
        "schema": {"version": 0, "newest": load_steps()[-1].version},
        "databases": [],
        "freshness": [],
        "assets": [],
    }
    if settings.is_local and not _read_supervisor(settings, found):
        return found
    try:
        _read_server(settings, found)
    except MillraceError as error:
        found["status"] = "unreachable"
        found["message"] = f"{error.message} {error.hint}".strip()
    return found


def _read_supervisor(settings: Settings, found: dict[str, Any]) -> bool:
    """Fill in what the run directory says; False where there is no server to ask."""
    state = running_state(settings)
    if state is None:
        last = read_state(run_directory(settings))
        if last and last.status == "failed":
            found |= {"status": "failed", "message": last.message}
        else:
            found["message"] = control.stale_pid_message(settings)
        return False
    found["status"] = state.status
    found["message"] = state.message
    found["server"] |= {
        "http_port": state.http_port,
        "tcp_port": state.tcp_port,
        "pid": state.server_pid,
        "supervisor_pid": control.pid_of_running(settings),
        "restarts": state.restarts,
    }
    return state.status == "ready"


def _read_server(settings: Settings, found: dict[str, Any]) -> None:
    target = endpoint(settings, "engineer")
    client = connect(settings, "engineer")
    with closing(client), failures_as_sentences("to tell its state"):
        if not is_alive(target):
            raise MillraceError(f"{target.url} does not answer /ping.")
        found["status"] = "running"
        server = found["server"]
        server |= {"url": target.url, "http_port": target.http_port, "tcp_port": target.tcp_port}
        server["version"], server["uptime_seconds"] = client.query("SELECT version(), uptime()").result_rows[0]
        used, limit, free = client.query(
            "SELECT (SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'), "
            "(SELECT toUInt64(value) FROM system.server_settings WHERE name = 'max_server_memory_usage'), "
            "(SELECT min(free_space) FROM system.disks)"
        ).result_rows[0]
        # What the engine counts leaves out its own code and caches; of a local process the kernel knows better.
        server["memory_bytes"] = psutil.Process(server["pid"]).memory_info().rss if server["pid"] else used
        server["memory_limit_bytes"], server["disk_free_bytes"] = limit, free
        versions = applied_versions(client)
        found["schema"]["version"] = max(versions, default=0)
        found["databases"] = _sizes(client)
        if versions:
            found["freshness"] = _freshness(client, everywhere(settings, "events"))
        if found["schema"]["version"] == found["schema"]["newest"]:
            found["assets"] = [_asset(one) for one in read_freshness(client, read_declared(settings))]


def _sizes(client: Any) -> list[dict[str, Any]]:
    rows = client.query(
        "SELECT database, count(), sum(total_rows), sum(total_bytes) FROM system.tables "
        "WHERE database IN {layers:Array(String)} GROUP BY database ORDER BY indexOf({layers:Array(String)}, database)",
        parameters={"layers": list(LAYERS)},
    ).result_rows
    keys = ("name", "tables", "rows", "bytes")
    return [dict(zip(keys, (name, tables, rows_ or 0, size or 0), strict=True)) for name, tables, rows_, size in rows]


def _freshness(client: Any, events: str) -> list[dict[str, Any]]:
    rows = client.query(
        f"SELECT project_id, count(), max(timestamp), max(loaded_at) FROM {events} GROUP BY project_id ORDER BY 1"
    ).result_rows
    return [
        {"project": project, "events": events, "last_event_at": _utc(event), "last_loaded_at": _utc(load)}
        for project, events, event, load in rows
    ]


def _asset(one: Freshness) -> dict[str, Any]:
    return {
        "asset": one.asset,
        "project": one.project_id,
        "updated_at": _utc(one.updated_at),
        "age_seconds": round(one.age_seconds),
        "sla_seconds": one.sla_seconds,
        "late": one.late,
    }


def _utc(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
