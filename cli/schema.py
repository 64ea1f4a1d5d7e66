"""`millrace migrate`."""

from __future__ import annotations

from contextlib import closing, nullcontext

import typer

from cli.output import print_text, say
from warehouse.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    app.command()(migrate)


def migrate() -> None:
    """Bring the schema of raw to the newest version, and projects, event types and other sources into the warehouse."""
    settings = load_settings()
    if not bring_up_to_date(settings):
        print_text("The schema is up to date.")


def bring_up_to_date(settings: Settings) -> bool:
    """Apply pending steps and changed projects; False where there was nothing to do."""
    from ingestion.loader import prepare
    from ingestion.registry import load_registry
    from ingestion.sources.definitions import load_definitions
    from ingestion.sources.tables import make_tables
    from warehouse.backup.restoring import recover
    from warehouse.connection import connect, failures_as_sentences
    from warehouse.locks import one_at_a_time
    from warehouse.migrate import load_steps, sync_projects
    from warehouse.migrate import migrate as apply_steps
    from warehouse.projects import load_projects

    projects, registry, definitions = load_projects(settings), load_registry(), load_definitions(settings)
    client = connect(settings, "admin")
    # On your own server two at once only repeat each other: every statement can be run again.
    alone = one_at_a_time(settings.data_dir / "migrate.lock") if settings.is_local else nullcontext()
    with closing(client), alone, failures_as_sentences("the migration"):
        if recover(client):
            say("restore: one that was interrupted is put right")
        applied = apply_steps(client, load_steps(), lambda step: say(f"schema: {step.version:03}_{step.name}"))
        changed = sync_projects(client, projects)
        made = make_tables(client, definitions)
    described = prepare(settings)
    if changed:
        say(f"projects: {', '.join(projects)}")
    if described:
        say(f"event types: {len(registry)}, {len(described):,} changes of the way into raw")
    if made:
        say(f"sources: {', '.join(made)}")
    return bool(applied or changed or described or made)
