"""`millrace up | down | status`."""

from __future__ import annotations

import time

import typer

from cli.output import Format, FormatOption, human_age, human_bytes, print_json, print_table, print_text, say
from warehouse.settings import Settings, load_settings

SHOWN_LATE = 10


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up() -> None:
    """Start the local services (none with your own ClickHouse) and bring the schema to the newest version."""
    start_services(load_settings())


def down() -> None:
    """Stop the local services; waits until all files are closed."""
    from bi.service import Service
    from semantic_layer.metrics.catalogue import folder
    from warehouse.server import control

    settings = load_settings()
    if Service(settings).down():
        print_text("Superset stopped.")
    if folder(settings).exists():
        from semantic_layer.metrics.compiling import stop_resident

        stop_resident(settings)
    print_text("Stopped." if control.down(settings) else "Nothing was running.")


def status(format: FormatOption = Format.TABLE) -> None:
    """Health, ports, sizes and freshness. Exit code 1 unless everything runs."""
    from warehouse.status import read_status

    settings = load_settings()
    found = read_status(settings)
    found["metrics"] = _metrics(settings)
    if format is Format.JSON:
        print_json(found)
    else:
        _print_status(found)
    if found["status"] != "running":
        raise typer.Exit(1)


def _metrics(settings: Settings) -> dict[str, object]:
    """What can be asked, and whether something was built since it was written down."""
    from semantic_layer.metrics.catalogue import is_behind, read_catalogue

    catalogue = read_catalogue(settings)
    return {"count": len(catalogue.metrics) if catalogue else 0, "behind": bool(catalogue) and is_behind(settings)}


def _told(metrics: object) -> str:
    assert isinstance(metrics, dict)
    if not metrics["count"]:
        return ""
    behind = ", as of an earlier build: the next question reads them anew" if metrics["behind"] else ""
    return f"{metrics['count']} can be asked{behind}"


def start_services(settings: Settings) -> Settings:
    """What `up` does, also for the demo; returns the settings with the passwords that were made up."""
    from cli.schema import bring_up_to_date
    from warehouse.connection import endpoint, server_version
    from warehouse.server import control

    begun = time.monotonic()
    if settings.is_local:
        control.up(settings)
        settings = load_settings()
    target = endpoint(settings, "admin")
    version = server_version(settings, target)
    bring_up_to_date(settings)
    kind = "local" if settings.is_local else "your own"
    print_text(f"ClickHouse {version} ({kind}) answers at {target.url}, native port {target.tcp_port}.")
    if settings.is_local and control.settings_changed(settings):
        say("Settings were changed since the server started: `millrace down`, then `millrace up` puts them into force.")
    if settings.is_local and control.access_changed(settings):
        say("access.yaml was changed since the server started: `millrace access apply` puts it into force.")
    say(f"Ready in {time.monotonic() - begun:.1f} s. Next: `millrace status`.")
    return settings


def _print_assets(assets: object) -> None:
    """Those that are older than their SLA, the latest first."""
    assert isinstance(assets, list)
    promised = [one for one in assets if one["sla_seconds"] is not None]
    late = [one for one in promised if one["late"]]
    if late:
        print_text(f"Older than their SLA allows: {len(late)} of {len(promised)} assets.")
        rows = [
            (one["asset"], one["project"], human_age(one["age_seconds"]), human_age(one["sla_seconds"]))
            for one in late[:SHOWN_LATE]
        ]
        print_table(("asset", "project", "age", "SLA"), rows)
        if len(late) > SHOWN_LATE:
            print_text(f"… and {len(late) - SHOWN_LATE} more: --format json lists them.")
    elif promised:
        print_text(f"All {len(promised)} assets are as fresh as their SLA asks for.")


def _print_status(found: dict[str, object]) -> None:
    server, schema = found["server"], found["schema"]
    assert isinstance(server, dict)
    assert isinstance(schema, dict)
    lines = [
        ("ClickHouse", f"{found['status']} ({found['mode']})"),
        ("", found["message"]),
        ("version", server["version"]),
        ("address", server["url"]),
        ("native port", server["tcp_port"] or None),
        ("process", f"{server['pid']}, watched by {server['supervisor_pid']}" if server["pid"] else None),
        ("up for", f"{server['uptime_seconds']} s, {server['restarts']} restarts" if server["version"] else None),
        (
            "memory",
            f"{human_bytes(server['memory_bytes'])} of {human_bytes(server['memory_limit_bytes'])}"
            if server["version"]
            else None,
        ),
        ("disk", f"{human_bytes(server['disk_free_bytes'])} free" if server["version"] else None),
        ("schema", f"version {schema['version']} of {schema['newest']}" if server["version"] else None),
        ("metrics", _told(found["metrics"])),
        ("data", server["data_dir"]),
        ("log", server["log"]),
    ]
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        if value:
            print_text(f"{name:<{width}}  {value}")
    databases, freshness = found["databases"], found["freshness"]
    assert isinstance(databases, list)
    assert isinstance(freshness, list)
    if databases:
        rows = [(d["name"], d["tables"], d["rows"], human_bytes(d["bytes"])) for d in databases]
        print_table(("database", "tables", "rows", "on disk"), rows)
    if freshness:
        rows = [(f["project"], f["events"], f["last_event_at"], f["last_loaded_at"]) for f in freshness]
        print_table(("project", "events", "last event (UTC)", "last load (UTC)"), rows)
    elif found["status"] == "running":
        print_text("No events yet.")
    elif found["status"] == "stopped":
        print_text("Start it with `millrace up`.")
    _print_assets(found["assets"])
