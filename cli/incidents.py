"""`millrace incidents [list] | show`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.listing import AllOption, at, plain, print_list, short
from cli.output import Format, FormatOption, print_json, print_table, print_text
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from warehouse.observability.incidents import Incident

app = typer.Typer(help="Blocking checks that fail: since when, what they keep back, what to do.")


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="incidents")


@app.callback(invoke_without_command=True)
def incidents(context: typer.Context, all: AllOption = False, format: FormatOption = Format.TABLE) -> None:
    """Blocking checks that fail: since when, what they keep back, what to do."""
    if context.invoked_subcommand is None:
        list_incidents(all, format)


@app.command("list")
def list_incidents(all: AllOption = False, format: FormatOption = Format.TABLE) -> None:
    """The open ones, the newest first."""
    from warehouse.observability.incident_reading import read_incidents

    found = read_incidents(load_settings(), all)
    print_list(
        found,
        format,
        _as_json,
        ("incident", "since (UTC)", "what", "found"),
        lambda one: (short(one.incident_id), f"{one.opened_at:%Y-%m-%d %H:%M}", _what(one), _state(one)),
        none="No incident was ever opened." if all else "No incident is open.",
        show="millrace incidents show",
    )


@app.command()
def show(
    incident: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    format: FormatOption = Format.TABLE,
) -> None:
    """What fails, what waits for it, what was found before, how to see the rows, and the next step."""
    from warehouse.lineage.graph import built_graph
    from warehouse.observability.incident_reading import (
        how_to_see,
        next_step,
        read_history,
        read_incident,
        read_refused,
    )
    from warehouse.observability.records import without_query

    settings = load_settings()
    one = read_incident(settings, incident)
    history = read_history(settings, one)
    downstream = built_graph(settings).tables_below(one.asset)
    refused = read_refused(settings)
    to_see = how_to_see(one, refused)
    if format is Format.JSON:
        more = {"downstream": downstream, "history": history, "how_to_see": to_see}
        print_json({**_as_json(one), **more, "next_step": next_step(one)})
        return
    ended = f", ended {at(one.resolved_at)}: {one.resolution}" if one.resolved_at else ""
    print_text(f"Incident {short(one.incident_id)} is {one.status}{ended}.")
    print_text(f"Check:      {one.check_name} ({one.kind})")
    print_text(f"Table:      {one.asset}{f', project {one.project_id}' if one.project_id else ''}; ask {one.owner}")
    print_text(f"Failing:    since {at(one.opened_at)}, last {at(one.last_failed_at)}, in {_runs(one)}")
    # Of a table that is as before the query would find nothing.
    print_text(f"Found last: {without_query(one.message) if one.asset in refused else one.message}")
    print_text(f"Kept back:  {_listed(one.kept_back)}")
    print_text(f"Downstream: {_listed(downstream)}")
    print_table(
        ("checked at (UTC)", "status", "rows", "found"),
        [tuple({**row, "message": without_query(row["message"])}.values()) for row in history],
    )
    print_text(f"To see the rows: {to_see}")
    print_text(f"Next: {next_step(one)}")


def _as_json(one: Incident) -> dict[str, Any]:
    return {name: plain(value) for name, value in asdict(one).items()}


def _what(one: Incident) -> str:
    return f"{one.asset}{f' of {one.project_id}' if one.project_id else ''}: {one.check_name}"


def _state(one: Incident) -> str:
    if one.status == "resolved":
        return f"resolved: {one.resolution}"
    # Where and what is in the column beside; the query that shows the rows is in `show`.
    from warehouse.observability.records import without_query

    where = f"{one.asset}{f' of {one.project_id}' if one.project_id else ''}, {one.check_name}: "
    return f"{without_query(one.message).removeprefix(where).rstrip('.')}, {_runs(one)}"


def _runs(one: Incident) -> str:
    return "1 run" if one.failed_runs == 1 else f"{one.failed_runs:,} runs"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "nothing"
