"""`millrace serve`."""

from __future__ import annotations

import socket
import sys
from typing import Annotated

import typer

from cli.output import print_text, say
from warehouse.errors import MillraceError
from warehouse.settings import load_settings

SECONDS_TO_END = 10
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8090,
    listen: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
) -> None:
    """Predictions over HTTP, until Ctrl-C; each project asks with a key of its own. Its documentation is at /docs."""
    from ml.serving.keys import load_keys

    settings = load_settings()
    keys = load_keys(settings)

    import uvicorn

    from ml.serving.app import application

    try:
        bound = socket.create_server((listen, port), family=socket.AF_INET6 if ":" in listen else socket.AF_INET)
    except OSError as error:
        raise MillraceError(
            f"{listen}:{port} cannot be listened at: {error.strerror or error}.",
            hint="Choose another by --port or --listen; 0 is any free port.",
        ) from error
    if listen not in LOOPBACK:
        say("Keys go over the network in the clear: put a proxy with TLS in front.")
    say(f"Projects with a key: {', '.join(keys.digests)}. Loading their champions ...")
    print_text(f"http://{listen}:{bound.getsockname()[1]}")
    sys.stdout.flush()  # for who waits for the address through a pipe
    # No log of requests: a path may hold the id of a user.
    configuration = uvicorn.Config(
        application(settings, keys),
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=SECONDS_TO_END,  # who keeps a connection open would keep it running for ever
    )
    uvicorn.Server(configuration).run(sockets=[bound])
    say("Stopped.")
