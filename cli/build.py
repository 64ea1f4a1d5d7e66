"""`millrace build` and `millrace dbt`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from cli.days import FromOption, ToOption
from cli.expectations import as_json
from cli.output import Format, FormatOption, console, print_json, print_text, say
from warehouse.errors import MillraceError, WrongUsage
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from expectations.breaker import Breaker
    from warehouse.dbt import NodeResult, Run, Watcher
    from warehouse.settings import Settings

SHOWN_FAILURES = 10
SHOWN_SLOWEST = 3


def register(app: typer.Typer) -> None:
    app.command()(build)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})(
        dbt
    )


def build(
    select: Annotated[
        list[str] | None, typer.Option(help="Only these, in dbt's words: fct_events+, tag:daily.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="All but these.")] = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Make every table anew.")] = False,
    tests: Annotated[bool, typer.Option(help="Test what is made, by dbt's tests and by expectations.")] = True,
    from_: FromOption = None,
    to: ToOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Bring the models up to date with raw: only the days that changed are made anew, and those of --from and --to."""
    from warehouse.days import days_between, must_have_events
    from warehouse.dbt import left_over

    begun = time.monotonic()
    settings, days = load_settings(), days_between(from_, to)
    if days and full_refresh:
        raise WrongUsage("--full-refresh makes all days anew: leave out --from.")
    if days:
        must_have_events(settings, days)
    done = build_models(settings, select or (), exclude or (), full_refresh, tests, days)
    seconds = time.monotonic() - begun
    renew_catalogue(settings)
    for remark in done.remarks:
        say(f"Warning: {remark}")
    if format is Format.JSON:
        print_json(
            {
                "seconds": round(seconds, 3),
                "nodes": [
                    {
                        **{"name": n.name, "id": n.id, "status": n.status, "seconds": round(n.seconds, 3)},
                        **({"failures": n.failures} if n.is_test else {}),
                        **({"message": n.message} if n.failed or n.status == "warn" else {}),
                    }
                    for n in done.nodes
                ],
                **({"expectations": [as_json(one) for one in done.judged]} if done.judged else {}),
            }
        )
    else:
        print_build(done, seconds)
        print_expectations(done)
        print_put_back(done)
        print_incidents(done)
    # What failed at its first step tells no models, and then every table would seem to be left over.
    if not select and not exclude and not done.failed and (tables := left_over(settings, done)):
        say(
            f"No model makes {', '.join(tables)} any more; to drop what is left over: "
            "millrace dbt run-operation drop_what_no_model_makes"
        )
    if done.has_failed:
        raise typer.Exit(1)


def build_models(
    settings: Settings,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    full_refresh: bool = False,
    tests: bool = True,
    days: tuple[date, date] | None = None,
) -> Run:
    """Build with a progress bar."""
    from warehouse.dbt import build_arguments, run

    with ExitStack() as open_meanwhile:
        breaker = None
        if tests:
            from expectations.breaker import Breaker
            from expectations.suites import read_suites

            breaker = open_meanwhile.enter_context(Breaker(settings, read_suites()))
        watcher = open_meanwhile.enter_context(_bar(breaker))
        return run(settings, build_arguments(select, exclude, full_refresh, tests), watcher, days=days)


def renew_catalogue(settings: Settings) -> None:
    """Questions know what was built. Where that fails, the build has not."""
    from semantic_layer.metrics.writing import write_catalogue

    try:
        write_catalogue(settings)
    except MillraceError as error:
        say(f"Warning: the catalogue of metrics is behind: {error.message} Questions will try to make it anew.")


def print_build(done: Run, seconds: float) -> None:
    told = [node for node in done.nodes if node.failed or node.status == "warn"]
    for node in told[:SHOWN_FAILURES]:
        print_text(f"{node.name}: {_what_happened(node)}")
    if len(told) > SHOWN_FAILURES:
        print_text(f"… and {len(told) - SHOWN_FAILURES} more.")
    models = [node for node in done.nodes if not node.is_test]
    built = sum(node.status == "success" for node in models)
    tests = Counter(node.status for node in done.nodes if node.is_test)
    counts = [
        f"{built} models built",
        *([f"{back} put back"] if (back := sum(node.status == "put back" for node in models)) else []),
        *([f"{failed} failed"] if (failed := sum(node.failed for node in models)) else []),
        *([f"{skipped} skipped"] if (skipped := sum(node.status == "skipped" for node in models)) else []),
        f"{tests['pass']} tests passed",
        *([f"{tests['warn']} warned"] if tests["warn"] else []),
        *([f"{failed} failed"] if (failed := tests["fail"] + tests["error"]) else []),
        *([f"{tests['skipped']} skipped"] if tests["skipped"] else []),
    ]
    slowest = sorted((node for node in models if node.status == "success"), key=lambda node: -node.seconds)[
        :SHOWN_SLOWEST
    ]
    print_text(f"{', '.join(counts)} in {seconds:.1f} s.")
    if slowest:
        print_text(f"Slowest: {', '.join(f'{node.name} {node.seconds:.1f} s' for node in slowest)}.")


def print_expectations(done: Run) -> None:
    if not done.judged:
        return
    from warehouse.observability.records import without_query

    wrong = [one for one in done.judged if one.failed]
    for one in wrong[:SHOWN_FAILURES]:
        print_text(without_query(one.message) if one.asset in done.put_back else one.message)
    if more := len(wrong[SHOWN_FAILURES:]):
        print_text(f"… and {more} more.")
    passed = sum(one.status == "pass" for one in done.judged)
    print_text(f"{passed} of {len(done.judged)} results of expectations passed.")


def print_put_back(done: Run) -> None:
    """Whoever looks for the rows that failed finds none in the table itself."""
    from warehouse.aside import refused_table

    for table in done.put_back[:SHOWN_FAILURES]:
        print_text(f"{table} is as it was before this build; what was refused: {refused_table(table)}.")
    if more := len(done.put_back[SHOWN_FAILURES:]):
        print_text(f"… and {more} more.")


def print_incidents(done: Run) -> None:
    for change in done.incidents:
        one = change.incident
        print_text(f"Incident {str(one.incident_id)[:8]} {change.what}: {one.asset}, {one.check_name}.")
    if any(change.incident.status == "open" for change in done.incidents):
        print_text("Next: millrace incidents")


def _what_happened(node: NodeResult) -> str:
    """A failure, and how to see more of it."""
    if not node.is_test or node.status == "error":
        return f"failed: {node.message}"
    rows = "a row" if node.failures == 1 else f"{node.failures or 0:,} rows"
    # dbt's own word for what a test finds, shown without anything being stored. A test of relationships ends with
    # settings of its own, behind which no limit can stand.
    all_of_it = " --limit -1" if node.name.startswith("relationships_") else ""
    found = "warns of" if node.status == "warn" else "failed on"
    return f"{found} {rows}; millrace dbt show --select {node.name}{all_of_it}"


def dbt(context: typer.Context) -> None:
    """dbt itself, on your warehouse: millrace dbt run --select fct_events."""
    from warehouse.dbt import pass_through

    if not context.args:
        raise WrongUsage("What shall dbt do?", hint="For example: millrace dbt ls, millrace dbt test -s fct_events")
    if not pass_through(load_settings(), context.args):
        raise typer.Exit(1)


@contextmanager
def _bar(breaker: Breaker | None) -> Iterator[Watcher]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from warehouse.dbt import Watcher

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bars:
        task = bars.add_task("reading the project", total=None)

        class Bar(Watcher):
            def begin(self, nodes: int) -> None:
                bars.update(task, total=nodes)

            def finished(self, node: NodeResult) -> None:
                bars.update(task, advance=1, description=node.name)

        if breaker is None:
            yield Bar()
            return
        from expectations.breaker import Judging

        class JudgingBar(Bar, Judging): ...

        yield JudgingBar(breaker)
