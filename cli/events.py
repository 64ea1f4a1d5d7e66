"""`millrace events list | show | validate | rejected`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import rejected
from cli.output import Format, FormatOption, print_json, print_table, print_text
from warehouse.errors import MillraceError
from warehouse.projects import get_project, load_projects
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from ingestion.offline_check import Check
    from ingestion.registry import EventType

app = typer.Typer(help="The event types you have registered, and events checked against them.", no_args_is_help=True)


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="events")


app.add_typer(rejected.app, name="rejected")

# Problems beyond these are counted, not listed.
LISTED_IN_TABLE, LISTED_IN_JSON = 50, 1000


@app.command("list")
def list_event_types(format: FormatOption = Format.TABLE) -> None:
    """The registered event types."""
    from ingestion.registry import load_registry

    event_types = load_registry().values()
    if format is Format.JSON:
        print_json([_summary(event_type) for event_type in event_types])
    else:
        rows = [(e.name, e.owner, len(e.properties), ", ".join(_required(e)), e.description) for e in event_types]
        print_table(("event", "owner", "properties", "required", "description"), rows)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="An event type, as `millrace events list` has it.")],
    format: FormatOption = Format.TABLE,
) -> None:
    """One event type: its properties, rules and an example."""
    import json

    from ingestion.registry import load_registry
    from ingestion.validation import rule_in_words

    event_type = load_registry().get_type(name)
    if format is Format.JSON:
        properties = [
            {
                "name": path,
                "type": schema.type,
                "column_type": schema.clickhouse_type,
                "required": path in event_type.schema.required,
                "rule": rule_in_words(schema),
                "pii": str(schema.pii),
                "deprecated": schema.deprecated,
                "description": schema.description,
            }
            for path, schema in event_type.properties.items()
        ]
        print_json({**_summary(event_type), "properties": properties, "example": event_type.example})
        return
    print_text(f"{event_type.name}: {event_type.description}")
    print_text(f"Owner {event_type.owner}, sent as {event_type.message_type}.")
    if event_type.synonyms:
        print_text(f"Also called {', '.join(event_type.synonyms)}.")
    if event_type.deprecated:
        print_text(f"Deprecated: {event_type.deprecated}")
    rows = [
        (
            path,
            rule_in_words(schema) or schema.expected,
            path in event_type.schema.required,
            "" if schema.pii == "none" else schema.pii,
            f"{schema.description}{f' (deprecated: {schema.deprecated})' if schema.deprecated else ''}",
        )
        for path, schema in event_type.properties.items()
    ]
    if rows:
        print_table(("property", "is", "required", "personal", "description"), rows)
    print_text(f"Example: {json.dumps(event_type.example, ensure_ascii=False)}")


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="Events as a load takes them: JSONL, JSONL.gz, CSV; of any SDK.")],
    dialect: Annotated[str, typer.Option(help="What sent the events; auto: seen from the file.")] = "auto",
    project: Annotated[str, typer.Option(help="Project of events that name none.")] = "",
    format: FormatOption = Format.TABLE,
) -> None:
    """What a load would reject of a file, and why; no server is asked. Exit code 1 where it would reject anything."""
    from ingestion.inputs import find_inputs
    from ingestion.offline_check import check
    from ingestion.registry import load_registry

    settings = load_settings()
    default_project = get_project(settings, project).id if project else ""
    if file.is_dir():
        raise MillraceError(f"{file} is a folder.", hint="Name a file of it, or: millrace load --dry-run FOLDER")
    find_inputs([file])
    told = check(file, load_registry(), load_projects(settings), dialect, default_project, LISTED_IN_JSON)
    if format is Format.JSON:
        print_json(
            {
                "file": str(file),
                "received": told.received,
                "accepted": told.received - told.rejected,
                "rejected": told.rejected,
                "reasons": dict(told.reasons.most_common()),
                "unregistered": dict(told.unregistered.most_common()),
                "problems": [
                    {"line": n, "reason": p.reason, "path": p.path, "expected": p.expected, "got": p.got}
                    for n, p in told.problems
                ],
            }
        )
    else:
        _print_check(told)
    if told.rejected:
        raise typer.Exit(1)


def _print_check(told: Check) -> None:
    if told.problems:
        rows = [(number, problem.reason, problem.detail) for number, problem in told.problems[:LISTED_IN_TABLE]]
        print_table(("line", "reason", "what"), rows)
        if len(told.problems) > LISTED_IN_TABLE:
            print_text(f"Only the first {LISTED_IN_TABLE} problems are shown; --format json lists {LISTED_IN_JSON:,}.")
    by_reason = ", ".join(f"{reason} {count:,}" for reason, count in told.reasons.most_common())
    print_text(
        f"{told.received:,} events: {told.received - told.rejected:,} would be accepted, {told.rejected:,} rejected"
        f"{f' ({by_reason})' if told.rejected else ''}."
    )
    if told.unregistered:
        names = ", ".join(f"{name} {count:,}" for name, count in told.unregistered.most_common(10))
        print_text(f"Accepted without a registered event type: {names}.")


def _summary(event_type: EventType) -> dict[str, Any]:
    return {
        "name": event_type.name,
        "owner": event_type.owner,
        "description": event_type.description,
        "synonyms": list(event_type.synonyms),
        "message_type": str(event_type.message_type),
        "properties": list(event_type.properties),
        "required": _required(event_type),
        "deprecated": event_type.deprecated,
    }


def _required(event_type: EventType) -> list[str]:
    return [name for name in event_type.properties if name in event_type.schema.required]
