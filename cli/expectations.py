"""`millrace expectations`: what is expected of the tables, and whether it holds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Format, FormatOption, print_json, print_table, print_text, say
from warehouse.errors import MillraceError
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from expectations.runner import Report
    from warehouse.observability.records import CheckResult

app = typer.Typer(
    help="What is expected of the tables (expectations/suites), judged by Great Expectations.", no_args_is_help=True
)
Suites = Annotated[list[str] | None, typer.Argument(metavar="[SUITE]...", help="Suites; all, where none is named.")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="expectations")


@app.command("list")
def list_suites(suites: Suites = None, format: FormatOption = Format.TABLE) -> None:
    """What is expected of which table, and why."""
    from expectations.suites import chosen, read_suites

    found = chosen(read_suites(), suites or [])
    if format is Format.JSON:
        print_json(
            [
                {
                    "suite": suite.name,
                    "table": suite.table,
                    "owner": suite.owner,
                    "description": suite.description,
                    "projects": suite.projects,
                    "expectations": [
                        {
                            "name": name,
                            "kind": getattr(one, "kind", ""),
                            "severity": one.severity,
                            "dimension": one.dimension,
                            "why": one.why,
                        }
                        for name, one in suite.expectations.items()
                    ],
                }
                for suite in found
            ]
        )
        return
    for suite in found:
        print_text(f"{suite.name}: {suite.table}, owner {suite.owner}. {suite.description}")
        print_table(
            ("expectation", "kind", "if not", "why"),
            [
                (name, getattr(one, "kind", ""), "stops" if one.severity == "error" else "warns", one.why)
                for name, one in suite.expectations.items()
            ],
        )


@app.command()
def run(
    suites: Suites = None,
    project: Annotated[str | None, typer.Option(help="Of this project alone.")] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Judge the tables. Exit code 1 where something that stops what is made of them has failed."""
    from expectations.runner import run as judge
    from warehouse.observability.incident_reading import read_refused

    settings = load_settings()
    report = judge(settings, suites or [], project)
    if format is Format.JSON:
        print_json(
            {
                "seconds": round(report.seconds, 3),
                "docs": str(report.docs) if report.docs else None,
                "results": [as_json(result) for result in report.results],
            }
        )
    else:
        print_report(report)
        for table in sorted(read_refused(settings) & {result.asset for result in report.results}):
            say(
                f"{table} is as it was before the last build, whose rows were refused; "
                "`millrace build` judges them again."
            )
    if report.blocking:
        raise typer.Exit(1)


@app.command()
def docs() -> None:
    """Where the pages of the last run are (Great Expectations' Data Docs)."""
    from expectations.data_docs import first_page

    page = first_page(load_settings())
    if not page.is_file():
        raise MillraceError("No run has made Data Docs yet.", hint="millrace expectations run")
    print_text(str(page))


def as_json(result: CheckResult) -> dict[str, Any]:
    return {
        "table": result.asset,
        "expectation": result.check_name,
        "project": result.project_id,
        "dimension": result.dimension,
        "severity": result.severity,
        "status": result.status,
        "checked": result.checked,
        "failures": result.failures,
        "observed": result.observed,
        "message": result.message,
    }


def print_report(report: Report) -> None:
    groups: dict[tuple[str, str], Counter[str]] = {}
    for result in report.results:
        groups.setdefault((result.asset, result.project_id), Counter())[_state(result)] += 1
    print_table(
        ("table", "project", "pass", "failed", "warned", "too few rows"),
        [
            (table, project or "together", n["pass"], n["failed"], n["warned"], n["skipped"])
            for (table, project), n in groups.items()
        ],
    )
    for result in report.results:
        if result.failed:
            print_text(f"{_state(result)}: {result.message}")
    counts = Counter(_state(result) for result in report.results)
    told = ", ".join(f"{counts[state]} {state}" for state in ("failed", "warned", "skipped") if counts[state])
    print_text(f"{counts['pass']} passed{f', {told}' if told else ''} in {report.seconds:.1f} s.")
    if report.docs:
        say(f"Pages: {report.docs}")


def _state(result: CheckResult) -> str:
    if not result.failed:
        return result.status
    return "failed" if result.blocks else "warned"
