"""`millrace dagster`: the Dagster of this warehouse."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import print_text, say
from warehouse.errors import MillraceError
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from warehouse.dagster_instance import Dagster
    from warehouse.settings import Settings


def register(app: typer.Typer) -> None:
    app.command()(dagster)


def dagster(
    port: Annotated[
        int,
        typer.Option(min=1, max=65534, help="Where the UI listens, on loopback; pages of expectations: the next."),
    ] = 3000,
) -> None:
    """Start Dagster, its UI and what runs by itself, until Ctrl-C: the same as `dagster dev` with its storage kept."""
    from cli.services import start_services
    from expectations.data_docs import served
    from warehouse.dagster_instance import Dagster, must_load, only_one

    settings = load_settings()
    with only_one(settings, port) as lock:
        must_load(settings)
        settings = start_services(settings)
        with nullcontext(settings.data_docs_url) if settings.data_docs_url else served(settings, port + 1) as pages:
            _run(Dagster(settings, port, pages), settings, port, lock)


def _run(instance: Dagster, settings: Settings, port: int, lock: int) -> None:
    from warehouse.alone import alone_for_a_run

    instance.prepare()
    # Of a Dagster that was killed a run may go on, and ends by itself: only what nobody works on is lost.
    with alone_for_a_run(settings, lambda: say("A run of before, or a build, is still at work: waiting for it.")):
        lost = instance.fail_lost_runs()
    if lost:
        print_text(f"Runs that were under way when Dagster last ended, and are run again: {len(lost)}.")
    print_text(f"Dagster at http://127.0.0.1:{port}, its storage in {instance.home}.")
    print_text(f"What runs by itself in the environment {settings.environment}, orchestration/automation.yaml says.")
    if settings.environment != "production":
        print_text("With MILLRACE_ENVIRONMENT=production all of it does, as the load of files that land.")
    print_text(f"Files of events land in {settings.landing}. Ctrl-C ends it.")
    if instance.run(lock):
        raise MillraceError(
            "Dagster ended by itself: one of its processes is gone.", hint="What it said stands above. Start it again."
        )
