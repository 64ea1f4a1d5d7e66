"""`millrace migrate`."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import print_text, say
from warehouse.errors import WrongUsage
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from warehouse.migrate import Step


def register(app: typer.Typer) -> None:
    app.command()(migrate)


def migrate(
    replicated: Annotated[
        bool,
        typer.Option("--replicated", help="Only print the steps for a cluster with a Keeper: ON CLUSTER, replicated."),
    ] = False,
) -> None:
    """Bring the schema of raw to the newest version, and projects, event types and other sources into the warehouse."""
    settings = load_settings()
    if replicated:
        _print_replicated(settings)
        return
    if not bring_up_to_date(settings):
        print_text("The schema is up to date.")


def bring_up_to_date(settings: Settings) -> bool:
    """Apply pending steps and changed projects; False where there was nothing to do."""
    from ingestion.loader import prepare
    from ingestion.registry import load_registry
    from ingestion.sources.definitions import load_definitions
    from ingestion.sources.tables import make_tables
    from warehouse.backup.restoring import recover
    from warehouse.cluster import clients
    from warehouse.cold import move_what_is_old
    from warehouse.connection import failures_as_sentences
    from warehouse.locks import one_at_a_time
    from warehouse.migrate import load_steps, share_salts, sync_projects
    from warehouse.migrate import migrate as apply_steps
    from warehouse.projects import load_projects

    projects, registry, definitions = load_projects(settings), load_registry(), load_definitions(settings)
    applied: list[Step] = []
    made: list[str] = []
    changed, moved = False, 0
    # On your own server two at once only repeat each other: every statement can be run again.
    alone = one_at_a_time(settings.data_dir / "migrate.lock") if settings.is_local else nullcontext()
    with clients(settings, "admin") as connected, alone, failures_as_sentences("the migration"):
        for number, client in enumerate(connected, start=1):
            if recover(client):
                say("restore: one that was interrupted is put right")
            applied += apply_steps(client, load_steps(), partial(_say, number if len(connected) > 1 else 0))
            if number > 1:
                share_salts(connected[0], client, number)
            changed |= sync_projects(client, projects, settings)
            moved += move_what_is_old(client, settings)
            made += make_tables(client, definitions)
    described = prepare(settings)
    if changed:
        say(f"projects: {', '.join(projects)}")
    if described:
        say(f"event types: {len(registry)}, {len(described):,} changes of the way into raw")
    if moved:
        say(f"months of events on another disk than before: {moved}")
    if made:
        say(f"sources: {', '.join(made)}")
    return bool(applied or changed or described or made or moved)


def _print_replicated(settings: Settings) -> None:
    from warehouse.migrate import load_steps
    from warehouse.replicated_schema import replicated_statements

    if not settings.cluster:
        raise WrongUsage("Whose shards and replicas?", hint="Name the cluster: MILLRACE_CLUSTER and MILLRACE_SHARDS.")
    for statement in replicated_statements(load_steps(), settings.cluster):
        print_text(f"{statement};\n")


def _say(shard: int, step: Step) -> None:
    say(f"{f'shard {shard}, ' if shard else ''}schema: {step.version:03}_{step.name}")
