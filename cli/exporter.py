"""`millrace metrics-exporter`."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Any

import typer

from cli.output import print_text, say
from warehouse.settings import load_settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def register(app: typer.Typer) -> None:
    app.command("metrics-exporter")(metrics_exporter)


def metrics_exporter(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 9464,
    listen: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
) -> None:
    """Figures for Prometheus at /metrics, until Ctrl-C: events, builds, checks, freshness, quality, queries."""
    from warehouse.observability.serving import server

    with server(load_settings(), listen, port) as serving:
        if listen not in LOOPBACK:
            say("Whoever reaches this address reads the figures: they are not behind a password.")
        print_text(f"http://{listen}:{serving.server_address[1]}/metrics")
        sys.stdout.flush()  # for who waits for the address through a pipe
        signal.signal(signal.SIGTERM, _interrupted)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            say("Stopped.")


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt
