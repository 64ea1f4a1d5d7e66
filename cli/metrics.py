"""`millrace metrics …`: what can be asked, and asking it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import define
from cli.estimates import ExplainOption, show_estimate
from cli.output import Format, FormatOption, console, json_text, print_json, print_text, say
from cli.rows import RowsFormat, check_output, write_rows, written
from warehouse.errors import WrongUsage
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from semantic_layer.metrics.catalogue import Catalogue
    from semantic_layer.metrics.models import MetricQuery

MetricOption = Annotated[
    list[str] | None, typer.Option("--metric", "-m", metavar="NAME", help="As revenue; again for more.")
]
ByOption = Annotated[
    list[str] | None,
    typer.Option("--by", metavar="DIM", help="Group by user__country, metric_time:week, month; again for more."),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(metavar="CONDITION", help="As \"user__plan = 'pro' and not session__channel in ('email')\"."),
]
HavingOption = Annotated[
    list[str] | None, typer.Option(metavar="CONDITION", help='What must hold of a metric in a row: "orders > 100".')
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, e.g. 2026-01-01.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, included.")]
CompareOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help="previous (the time just before), or week, month, quarter, year: the same days so long before.",
    ),
]
ShareOption = Annotated[bool, typer.Option("--share", help="Beside each metric its share of the total.")]
OrderOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="By a metric, its NAME__change or a grouping; -revenue: the largest first."),
]
LimitOption = Annotated[int | None, typer.Option(help="So many rows.")]
ProjectOption = Annotated[str | None, typer.Option(help="Of which project. \\[default: MILLRACE_PROJECT]")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        no_args_is_help=True, help="Metrics: what can be asked, and asking it (docs/semantic-layer.md)."
    )
    group.command("list")(list_metrics)
    for command in (show, query, explain, dimensions, values, validate):
        group.command()(command)
    define.register(group)
    app.add_typer(group, name="metrics", rich_help_panel="Questions")


def list_metrics(
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORD]...", help="Only those about it.")] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """The metrics, or those that a word is about: by name, label, synonym, description or owner."""
    from cli.metric_tables import print_metrics
    from semantic_layer.metrics.searching import found, similar

    catalogue = _catalogue(load_settings())
    metrics = found(catalogue, words or ())
    if format is Format.JSON:
        keys = ("name", "label", "description", "kind", "owner", "format", "good", "synonyms", "grains")
        print_json([{key: getattr(metric, key) for key in keys} for metric in metrics])
        return
    if metrics:
        print_metrics(metrics)
    near = "" if metrics else similar(catalogue, words or ())
    say(f"{len(metrics)} of {len(catalogue.metrics)} metrics.{near} `millrace metrics show NAME` tells more.")


def show(
    name: Annotated[str, typer.Argument(help="Of a metric, as revenue.")], format: FormatOption = Format.TABLE
) -> None:
    """What a metric means: its definition, owner, synonyms, grains and dimensions."""
    from dataclasses import asdict

    from cli.metric_tables import print_metric
    from semantic_layer.metrics.checking import find_metric

    catalogue = _catalogue(load_settings())
    metric = find_metric(name, catalogue)
    if format is Format.JSON:
        print_json(asdict(metric))
    else:
        print_metric(metric, catalogue)


def query(
    metric: MetricOption = None,
    by: ByOption = None,
    where: WhereOption = None,
    having: HavingOption = None,
    first_day: FromOption = None,
    last_day: ToOption = None,
    compare: CompareOption = None,
    share: ShareOption = False,
    order: OrderOption = None,
    limit: LimitOption = None,
    project: ProjectOption = None,
    format: Annotated[RowsFormat, typer.Option("--format", help="How to give the result.")] = RowsFormat.TABLE,
    output: Annotated[Path | None, typer.Option(help="A file to write to, for csv, json and parquet.")] = None,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Take what is known of the same data.")] = True,
    explain: ExplainOption = False,
) -> None:
    """Ask for metrics."""
    from semantic_layer.metrics.answers import answer, as_json, compiled_with_values
    from semantic_layer.reader import Reader

    check_output(format, output)
    settings = load_settings()
    catalogue = _catalogue(settings)
    chosen = _project(settings, catalogue, project)
    asked = _asked(metric, by, where, having, first_day, last_day, compare, share, order, limit, chosen)
    reader = Reader(settings)
    if explain:
        from semantic_layer.estimate import estimated

        sql = compiled_with_values(settings, catalogue, asked, reader).sql
        show_estimate(estimated(settings, reader, sql), format is RowsFormat.JSON)
        return
    if format in (RowsFormat.CSV, RowsFormat.PARQUET):
        write_rows(reader, compiled_with_values(settings, catalogue, asked, reader).sql, format, output)
        return
    given = answer(settings, catalogue, asked, cache=cache, reader=reader)
    if format is RowsFormat.TABLE:
        from cli.metric_tables import print_answer

        print_answer(given, catalogue)
    elif output is None:
        print_json(as_json(given))
    else:
        with written(output) as file:
            file.write(json_text(as_json(given)).encode())


def explain(
    metric: MetricOption = None,
    by: ByOption = None,
    where: WhereOption = None,
    having: HavingOption = None,
    first_day: FromOption = None,
    last_day: ToOption = None,
    compare: CompareOption = None,
    share: ShareOption = False,
    order: OrderOption = None,
    limit: LimitOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """The SQL that `query` with the same options runs. It can be run by itself: `millrace sql`."""
    from semantic_layer.metrics.compiling import compile_query

    settings = load_settings()
    catalogue = _catalogue(settings)
    chosen = _project(settings, catalogue, project)
    asked = _asked(metric, by, where, having, first_day, last_day, compare, share, order, limit, chosen)
    compiled = compile_query(settings, catalogue, asked)
    if format is Format.JSON:
        told = compiled.query.model_dump(mode="json", by_alias=True, exclude_none=True)
        print_json({"query": told, "sql": compiled.sql})
    else:
        print_text(compiled.sql)


def dimensions(metric: MetricOption = None, format: FormatOption = Format.TABLE) -> None:
    """What metrics can be grouped and filtered by; with --metric, those that all of these have."""
    from cli.metric_tables import print_dimensions
    from semantic_layer.metrics.checking import find_metric

    catalogue = _catalogue(load_settings())
    known = [find_metric(name, catalogue).dimensions for name in metric or ()]
    names = [name for name in (known[0] if known else catalogue.dimensions) if all(name in other for other in known)]
    found = [catalogue.dimensions[name] for name in names]
    if format is Format.JSON:
        keys = ("name", "label", "description", "kind", "type", "grain", "synonyms")
        print_json([{key: getattr(dimension, key) for key in keys} for dimension in found])
    elif found:
        print_dimensions(found)
    else:
        asked = list(dict.fromkeys(metric or ()))
        told = "has no dimensions: it is told" if len(asked) == 1 else "have none in common: together they are told"
        print_text(f"{' and '.join(asked)} {told} by time alone.")


def values(
    dimension: Annotated[str, typer.Argument(help="As user__country.")],
    like: Annotated[str | None, typer.Option(metavar="TEXT", help="Only those with it, of all there are.")] = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """The values of a dimension, the most frequent first, and what people call them."""
    from cli.metric_tables import print_values
    from semantic_layer.metrics.values import values_of

    settings = load_settings()
    catalogue = _catalogue(settings)
    chosen = _project(settings, catalogue, project)
    found, are_all = values_of(settings, catalogue, chosen, dimension, like)
    if format is Format.JSON:
        print_json([{"value": value, "synonyms": words} for value, words in found.items()])
        return
    if like is not None and not found:
        print_text(f"{dimension} has no value with {like!r} in it.")
        return
    print_values(found)
    if not are_all:
        say(f"The {len(found)} most frequent ones; --like TEXT looks among all.")


def validate(
    metrics: Annotated[list[str] | None, typer.Argument(metavar="[METRIC]...", help="Compile only these.")] = None,
    run: Annotated[bool, typer.Option("--run", help="Also run them, on the last day.")] = False,
    project: ProjectOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Check the YAML of metrics: that dbt reads it, that it tells what it means, that each metric compiles."""
    from semantic_layer.metrics.validating import validated

    settings = load_settings()
    run_on = None
    if run:
        catalogue = _catalogue(settings)
        chosen = _project(settings, catalogue, project)
        run_on = (chosen, catalogue.projects[chosen])
    with _bar() as watch:
        found = validated(settings, metrics or (), run_on, watch)
    if format is Format.JSON:
        print_json({"metrics": found.metrics, "dimensions": found.dimensions, "problems": found.problems})
    else:
        for problem in found.problems:
            print_text(f"{problem['about']}: {problem['problem']}")
        how = "compile and run" if run else "compile"
        if not found.problems:
            print_text(f"{found.metrics} metrics {how}; all metrics and dimensions tell what they mean.")
    if found.problems:
        raise typer.Exit(1)


def _project(settings: Settings, catalogue: Catalogue, given: str | None) -> str:
    from semantic_layer.projects import choose_project

    known = catalogue.projects
    return choose_project(settings, given, known, lambda names: [n for n in names if n in known and known[n].events])


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    from rich.progress import Progress

    with Progress(console=console(stderr=True), transient=True) as bars:
        task = bars.add_task("reading the project", total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of, description="asking for each metric")


def _catalogue(settings: Settings) -> Catalogue:
    from semantic_layer.metrics.catalogue import load_catalogue

    return load_catalogue(settings, say)


def _asked(
    metrics: list[str] | None,
    by: list[str] | None,
    where: list[str] | None,
    having: list[str] | None,
    first_day: str | None,
    last_day: str | None,
    compare: str | None,
    share: bool,
    order: list[str] | None,
    limit: int | None,
    project: str,
) -> MetricQuery:
    from semantic_layer.metrics.flags import query_of

    if not metrics:
        raise WrongUsage("Which metric?", hint="Add --metric revenue; `millrace metrics list` tells them all.")
    return query_of(
        project,
        metrics,
        by=by or (),
        where=where or (),
        having=having or (),
        first_day=first_day,
        last_day=last_day,
        compare=compare,
        share=share,
        order=order or (),
        limit=limit,
    )
