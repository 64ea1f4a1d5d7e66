"""`millrace models | train | evaluate | promote | rollback | predict | explain`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Format, FormatOption, console, print_json, print_table, print_text, say
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from ml.drift.watching import Watch
    from ml.registry.store import Store, Version
    from ml.registry.training import Trained
    from ml.trainable import Trainable

NamesArgument = Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="Of these models; else of all.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of this model: `millrace models` lists them.")]
ProjectOption = Annotated[str | None, typer.Option(help="Of this project; else that of MILLRACE_PROJECT.")]
DayOption = Annotated[
    str | None, typer.Option("--day", help="As of the end of this day, 2026-01-31; else the newest that has events.")
]

SHOWN_FEATURES = 8


def register(app: typer.Typer) -> None:
    for command in (models, train, evaluate, promote, rollback, predict, explain):
        app.command()(command)


def models(
    names: NamesArgument = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """The versions of each model: which is the champion, how good it is, and why others are not."""
    from ml.catalogue import chosen
    from ml.registry.store import Store

    settings = load_settings()
    store, wanted = Store(settings), chosen(names or ())
    found = {one.name: store.versions(project or settings.project, one.name) for one in wanted}
    if format is Format.JSON:
        print_json([_as_json(version) for versions in found.values() for version in versions])
        return
    shown = 10 if names else 3
    rows = [
        (
            one.name,
            version.version,
            version.role,
            version.trained_at[:10],
            _figure(one, version.metrics),
            version.verdict,
        )
        for one in wanted
        for version in found[one.name][:shown]
    ]
    if rows:
        print_table(("model", "version", "is", "trained", "figure", "because"), rows)
    for one in wanted:
        if not found[one.name]:
            print_text(f"{one.name}: {one.title}. Not trained yet.")
    print_text("Next: millrace train" if not rows else f"Next: millrace evaluate {rows[0][0]}")


def train(
    names: NamesArgument = None,
    project: ProjectOption = None,
    day: DayOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Train models, judge each beside its champion, and promote what is better. Exit code 1 where one fails."""
    from ml.catalogue import chosen
    from ml.registry.store import Store
    from ml.registry.training import train as train_one

    settings, project = _of(project)
    wanted, until, store = chosen(names or ()), _day(settings, project, day), Store(settings)
    done: list[tuple[Trainable, Trained | MillraceError, float]] = []
    with _bar(len(wanted)) as step:
        for one in wanted:
            step(f"training {one.name}")
            begun = time.monotonic()
            outcome: Trained | MillraceError
            try:
                outcome = train_one(store, one, project, until)
            except MillraceError as error:
                outcome = error
            done.append((one, outcome, time.monotonic() - begun))
    if format is Format.JSON:
        print_json([_trained_as_json(one, outcome, seconds) for one, outcome, seconds in done])
    else:
        _print_trained(done)
    failed = [outcome for _, outcome, _ in done if isinstance(outcome, MillraceError)]
    _end_with(failed)


def evaluate(
    names: NamesArgument = None,
    project: ProjectOption = None,
    day: DayOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """How good the champions are on the newest days whose outcome is known, and what has drifted since the training."""
    from ml.catalogue import chosen
    from ml.drift.watching import watch
    from ml.registry.store import Store

    settings, project = _of(project)
    wanted, until, store = chosen(names or ()), _day(settings, project, day), Store(settings)
    if not names:
        wanted = _with_champions(store, project, wanted)
    found = []
    with _bar(len(wanted)) as step:
        for one in wanted:
            step(f"evaluating {one.name}")
            found.append((one, watch(store, one, project, until)))
    if format is Format.JSON:
        print_json([_watched_as_json(seen) for _, seen in found])
        return
    for one, seen in found:
        print_watch(one, seen)


def promote(
    name: NameArgument,
    version: Annotated[int, typer.Argument(help="This version of it.")],
    project: ProjectOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Make a version the champion, whatever the gate said of it."""
    from ml.catalogue import trainable
    from ml.registry.store import Store
    from ml.registry.training import promote as promote_one

    settings, project = _of(project)
    _print_champion(promote_one(Store(settings), trainable(name), project, version), format)


def rollback(name: NameArgument, project: ProjectOption = None, format: FormatOption = Format.TABLE) -> None:
    """Back to the champion before this one."""
    from ml.catalogue import trainable
    from ml.registry.store import Store
    from ml.registry.training import rollback as roll_back

    settings, project = _of(project)
    _print_champion(roll_back(Store(settings), trainable(name), project), format)


def predict(
    names: NamesArgument = None,
    project: ProjectOption = None,
    day: DayOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Write down what the champions say: marts.pred_* have it. Exit code 1 where one cannot be asked."""
    from ml.catalogue import chosen
    from ml.registry.store import Store
    from ml.registry.training import predict as predict_one

    settings, project = _of(project)
    wanted, until, store = chosen(names or ()), _day(settings, project, day), Store(settings)
    if not names:
        wanted = _with_champions(store, project, wanted)
    written: list[tuple[Version, int]] = []
    failed: list[MillraceError] = []
    with _bar(len(wanted)) as step:
        for one in wanted:
            step(f"predicting {one.name}")
            try:
                written.append(predict_one(store, one, project, until))
            except MillraceError as error:  # of one model: what the others say is asked for all the same
                failed.append(error)
    if format is Format.JSON:
        print_json([_as_json(version) | {"day": until, "rows": rows} for version, rows in written])
    elif written:
        rows = [(one.model, one.version, until, count) for one, count in written]
        print_table(("model", "version", "day", "rows"), rows)
    _end_with(failed)


def explain(
    user: Annotated[str, typer.Argument(metavar="USER", help="An id of a person, as the marts have it in person_id.")],
    project: ProjectOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """What all models say of one person, and why, where a model says so."""
    from ml.explaining import explain as explain_one

    settings, project = _of(project)
    found = explain_one(settings, project, user)
    if format is Format.JSON:
        print_json(found)
        return
    for mart, rows in found.items():
        print_text(f"marts.{mart}")
        if len(rows) == 1:
            print_table(("what", "is"), [(name.replace("_", " "), _told(value)) for name, value in rows[0].items()])
        else:
            print_table(list(rows[0]), [[_told(value) for value in row.values()] for row in rows])


def _end_with(failed: list[MillraceError]) -> None:
    for failure in failed:
        say(f"Error: {failure.message}\n  {failure.hint}" if failure.hint else f"Error: {failure.message}")
    if failed:
        raise typer.Exit(1)


def _told(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return "\n".join(str(_told(one)) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(one)}" for name, one in value.items())
    return _number(value) if isinstance(value, float) else value


def _of(project: str | None) -> tuple[Settings, str]:
    from warehouse.projects import load_projects

    settings = load_settings()
    wanted = project or settings.project
    known = load_projects(settings)
    if wanted not in known:
        raise WrongUsage(
            f"No project is called {wanted!r}{nearest(wanted, known)}.", hint=f"There are: {', '.join(known)}."
        )
    return settings, wanted


def _day(settings: Settings, project: str, text: str | None) -> date:
    from ml.registry.training import newest_day

    newest = newest_day(settings, project)
    if text is None:
        return newest
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is not a day: write it as 2026-01-31.") from None
    if day > newest:
        raise WrongUsage(f"{day} is after the last day with events of {project}, {newest}.")
    return day


def _print_trained(done: list[tuple[Trainable, Trained | MillraceError, float]]) -> None:
    rows: list[tuple[Any, ...]] = []
    for one, outcome, seconds in done:
        if isinstance(outcome, MillraceError):
            rows.append((one.name, None, "failed", None, f"{seconds:.1f}", "see below"))
            continue
        became = "champion" if outcome.promoted else "challenger"
        figure = _figure(one, outcome.evaluation.metrics)
        rows.append(
            (one.name, outcome.version.version, became, figure, f"{seconds:.1f}", "; ".join(outcome.verdict.reasons))
        )
        if outcome.remark:
            say(outcome.remark)
    print_table(("model", "version", "became", "figure", "seconds", "because"), rows)


def print_watch(one: Trainable, seen: Watch) -> None:
    version, evaluation = seen.version, seen.evaluation
    print_text(f"{one.title}: version {version.version}, trained as of {version.until}; now as of {seen.day}")
    if evaluation is None:
        print_text(seen.remark)
    else:
        if evaluation.window:
            print_text(f"Judged on {evaluation.window[0]} to {evaluation.window[1]}.")
        ways = {"now": evaluation.metrics, "when trained": version.metrics, **evaluation.baselines}
        print_table(
            ("figure", *ways),
            [(name, *(_number(way.get(name)) for way in ways.values())) for name in evaluation.metrics],
        )
        if evaluation.segments:
            print_table(
                ("segment", *evaluation.metrics),
                [
                    (segment, *(_number(figures.get(name)) for name in evaluation.metrics))
                    for segment, figures in evaluation.segments.items()
                ],
            )
    compared = (look for look in seen.looks if look.psi is not None or look.ks is not None)
    moved = sorted(compared, key=lambda look: (-(look.psi or 0), -(look.ks or 0)))
    if moved:
        print_table(
            ("moved most", "PSI", "KS", "mean now", "when trained", "drifted"),
            [
                (look.name, *map(_number, (look.psi, look.ks, look.value, look.reference)), look.drifted)
                for look in moved[:SHOWN_FEATURES]
            ],
        )
    if seen.unsaid:
        print_text(seen.unsaid)
    reasons = seen.reasons_to_train
    print_text(
        f"Train it anew: {'; '.join(reasons)}. Next: millrace train {one.name}"
        if reasons
        else "Nothing asks for a new training."
    )


def _print_champion(version: Version, format: Format) -> None:
    if format is Format.JSON:
        print_json(_as_json(version))
        return
    print_text(f"Version {version.version} of {version.model} is the champion for {version.project}.")
    print_text(f"Next: millrace predict {version.model}")


def _with_champions(store: Store, project: str, wanted: list[Trainable]) -> list[Trainable]:
    found = [one for one in wanted if store.champion(project, one.name)]
    if not found:
        raise MillraceError(f"{project} has no champion of any model.", hint="`millrace train` trains them.")
    return found


def _watched_as_json(seen: Watch) -> dict[str, Any]:
    return _as_json(seen.version) | {
        "day": seen.day,
        "evaluation": asdict(seen.evaluation) if seen.evaluation else None,
        "drift": [asdict(look) for look in seen.looks],
        "reasons_to_train": seen.reasons_to_train,
        "remark": seen.remark,
        "unsaid": seen.unsaid,
    }


def _as_json(version: Version) -> dict[str, Any]:
    return asdict(version)


def _trained_as_json(one: Trainable, outcome: Trained | MillraceError, seconds: float) -> dict[str, Any]:
    if isinstance(outcome, MillraceError):
        return {"model": one.name, "seconds": round(seconds, 3), "error": outcome.message}
    return _as_json(outcome.version) | {
        "promoted": outcome.promoted,
        "reasons": outcome.verdict.reasons,
        "remark": outcome.remark,
        "seconds": round(seconds, 3),
        "error": None,
    }


def _figure(one: Trainable, metrics: Any) -> str:
    return f"{one.gate.metric} {_number(metrics.get(one.gate.metric))}"


def _number(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.4g}" if abs(figure) < 10_000 else f"{figure:,.0f}"


@contextmanager
def _bar(steps: int) -> Iterator[Any]:
    from rich.progress import Progress

    with Progress(console=console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=steps)
        begun = 0

        def step(what: str) -> None:
            nonlocal begun
            bars.update(task, completed=begun, description=what)
            begun += 1

        yield step
