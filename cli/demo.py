"""`millrace demo`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.output import console, print_text
from warehouse.settings import Settings, load_settings

AN_HOUR_MS = 3_600_000
DAY_OF_A_DIGEST = "2026-03-25"
REPORT, DAY_OF_A_REPORT = "weekly_operations", "2026-03-30"
EVENTS_OF_A_PLAN = "10M"
TRAINED = ("churn", "lifetime")
QUESTIONS = ("revenue by country last month", "what do people do after signing up")


class Size(StrEnum):
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    size: Annotated[Size, typer.Option(help="How large a world to simulate.")] = Size.SMALL,
    dashboards: Annotated[bool, typer.Option(help="Start Superset with its dashboards at the end.")] = True,
) -> None:
    """The whole stack on this machine, filled with a simulated world; then what to open."""
    from cli.load import fail_if_unusable, load_files, print_result
    from cli.services import start_services

    begun = time.monotonic()
    settings = start_services(load_settings())
    world = simulate(settings, size)
    result = load_files([world / "events", world / "faults", *examples(world)])
    print_result(result)
    fail_if_unusable(result)
    load_sources(settings, world / "sources")
    build(settings)
    show_a_funnel(settings)
    show_metrics()
    show_anomalies()
    train_models()
    show_lifetimes()
    show_a_forecast()
    ask_questions()
    show_an_incident(settings)
    show_quality()
    judge_alerts()
    show_a_digest()
    write_a_report(settings)
    show_a_plan()
    if dashboards:
        show_dashboards()
    print_text(f"Done in {time.monotonic() - begun:.0f} s.")
    print_text("")
    print_text("What to do next:")
    print_text("  millrace status            health, ports, sizes, freshness")
    print_text("  millrace projects list     who sends events")
    print_text("  millrace sources list      what other systems hand over")
    print_text("  millrace ask               questions in words, one after the other")
    print_text("  millrace retention --project demo --start signed_up --return '*' --period week --periods 8")
    print_text("  millrace paths --project demo --from-event signed_up")
    print_text("  millrace metrics list      what can be asked: revenue, retention, conversion and more")
    print_text("  millrace forecast run      what every metric that says so will be, for 90 days")
    print_text("  millrace quality --format html --output quality.html     the scorecard as a page")
    print_text(
        "  millrace models            what is trained, how good it is; millrace evaluate says whether it has drifted"
    )
    print_text("  millrace alerts list       what the rules in alerts/ found; alerts/channels.yaml says who is told")
    print_text("  millrace access list       who may read what")
    print_text("  millrace backup create     all of it, to be restored elsewhere (MILLRACE_BACKUP_PASSWORD first)")
    print_text("  millrace dagster           what runs, what is fresh: http://127.0.0.1:3000")
    print_text("  millrace bi up             dashboards: where Superset is, and as whom to log in")
    print_text("  millrace down              stop it; the data stays")
    print_text("")
    print_text(f"The files that SDKs would have sent, and what is true of them: {world}")


def examples(world: Path) -> list[Path]:
    """Of the event types that were added to the registry since the world was thought up."""
    from ingestion.demo.examples import write_examples
    from ingestion.registry import load_registry

    return write_examples(world / "examples", load_registry())


def build(settings: Settings) -> None:
    """The models, of what was loaded, tested and judged by expectations as `millrace build` does."""
    from cli.build import build_models, print_build, print_expectations, renew_catalogue

    begun = time.monotonic()
    done = build_models(settings)
    renew_catalogue(settings)
    print_build(done, time.monotonic() - begun)
    print_expectations(done)
    if done.has_failed:
        raise typer.Exit(1)


def show_a_funnel(settings: Settings) -> None:
    """An answer, as `millrace funnel` gives it."""
    from cli.journeys import funnel

    steps = ["product_viewed", "product_added", "checkout_started", "order_completed"]
    print_text("")
    print_text(f"millrace funnel --project demo {' '.join(f'--step {step}' for step in steps)}")
    funnel(project="demo", step=steps)


def show_metrics() -> None:
    """An answer, as `millrace metrics query` gives it."""
    from cli.metrics import query

    print_text("")
    print_text("millrace metrics query --project demo --metric orders --metric revenue --by month")
    query(project="demo", metric=["orders", "revenue"], by=["month"])


def show_anomalies() -> None:
    """What watched metrics did that was not to be expected: most of it is what the world has planted."""
    from cli.monitor import list_anomalies, run

    print_text("")
    print_text("millrace monitor run")
    run()
    print_text("")
    print_text("millrace monitor list --all")
    list_anomalies(all=True)


def train_models() -> None:
    """Models that learn from the marts, and what they say: those that take seconds."""
    from cli.models import predict, train

    names = list(TRAINED)
    print_text("")
    print_text(f"millrace train {' '.join(names)}")
    train(names, project="demo")
    print_text("")
    print_text(f"millrace predict {' '.join(names)}")
    predict(names, project="demo")


def show_lifetimes() -> None:
    """What customers are worth, as `millrace lifetime` has it."""
    from cli.lifetime import lifetime

    print_text("")
    print_text("millrace lifetime --project demo")
    lifetime(project="demo")


def show_a_forecast() -> None:
    """What comes next, as `millrace forecast` says it: of one metric, since all of them take longer."""
    from cli.forecast import run, show

    print_text("")
    print_text("millrace forecast run --project demo --metric sessions")
    run(project="demo", metric=["sessions"])
    print_text("")
    print_text("millrace forecast show sessions --project demo --horizon 7")
    show("sessions", project="demo", horizon=7)


def ask_questions() -> None:
    """Answers, as `millrace ask` gives them."""
    from cli.ask import ask

    for question in QUESTIONS:
        print_text("")
        print_text(f'millrace ask "{question}"')
        ask(question, project="demo")


def show_an_incident(settings: Settings) -> None:
    """A check that fails, what it opens, what hangs on the column, and how it ends. Only the record of it stays."""
    from cli.expectations import print_report
    from cli.impact import impact
    from cli.incidents import list_incidents
    from expectations.runner import run
    from expectations.suites import read_suites

    suites = read_suites()
    sessions, check = suites["sessions"], "lasts_a_day_at_most"
    stricter = sessions.expectations[check].model_copy(update={"max": AN_HOUR_MS})
    too_strict = sessions.model_copy(update={"expectations": {**sessions.expectations, check: stricter}})
    print_text("")
    print_text("What if a check fails? For a moment no session may last longer than an hour.")
    print_report(run(settings, ["sessions"], "demo", suites=list({**suites, "sessions": too_strict}.values())))
    print_text("")
    print_text("millrace incidents")
    list_incidents()
    print_text("")
    print_text("millrace impact fct_sessions.duration_ms")
    impact("fct_sessions.duration_ms")
    print_text("")
    print_text("Sessions may last a day again: millrace expectations run sessions --project demo")
    print_report(run(settings, ["sessions"], "demo"))
    list_incidents()


def show_quality() -> None:
    """The scorecard, as `millrace quality` gives it."""
    from cli.quality import quality

    print_text("")
    print_text("millrace quality")
    quality()


def judge_alerts() -> None:
    """What the shipped rules find, told by the channel `console`, as `millrace alerts check` does."""
    from cli.alerts import check

    print_text("")
    print_text("millrace alerts check")
    check()


def show_a_digest() -> None:
    """Of the day on which the world plants a gap in what is sent."""
    from cli.digest import digest

    print_text("")
    print_text(f"millrace digest --project demo --day {DAY_OF_A_DIGEST}")
    digest(project="demo", day=DAY_OF_A_DIGEST)


def write_a_report(settings: Settings) -> None:
    """Of the week of that gap, as a page to open; where it is still declared."""
    from cli.report import Written, run
    from monitoring.reports.declared import load_reports

    if REPORT not in load_reports(settings).reports:
        return
    print_text("")
    print_text(f"millrace report run {REPORT} --project demo --day {DAY_OF_A_REPORT} --format html")
    folder = settings.data_dir / "demo"
    run(REPORT, project="demo", day=DAY_OF_A_REPORT, written=[Written.HTML], out=folder)


def show_a_plan() -> None:
    """What so many events would need, by what these take."""
    from cli.plan import plan

    print_text("")
    print_text(f"millrace plan --events-per-day {EVENTS_OF_A_PLAN}")
    plan(events_per_day=EVENTS_OF_A_PLAN)
    print_text("")


def show_dashboards() -> None:
    """Superset with its dashboards, as `millrace bi up` starts it."""
    from cli.bi import up

    print_text("")
    print_text("millrace bi up")
    up()
    print_text("")


def load_sources(settings: Settings, folder: Path) -> None:
    """What CRM, billing and the others would hand over. The catalogue and the rates are of both projects."""
    from cli.sources import load_chosen, print_result
    from ingestion.sources.feeds import Feed

    shared = {"products": ("demo", "demo_mobile"), "currency_rates": ("demo", "demo_mobile")}
    results = load_chosen(
        settings,
        [
            Feed(name=file.stem, source=file.stem, project=shared.get(file.stem, ()), file=str(file))
            for file in sorted(folder.iterdir())
        ],
    )
    print_result(results)
    for result in results:
        if result.error:
            raise result.error


def simulate(settings: Settings, size: Size) -> Path:
    """The simulated world of this size, made once: the same files each time."""
    from ingestion.demo import World, generate

    folder = settings.data_dir / "demo" / size
    if (folder / "truths.json").is_file():
        print_text(f"The {size} world is there already.")
        return folder
    with _bar() as progress:
        summary = generate(World(size=size.value), folder, progress)
    print_text(
        f"Simulated {summary.events:,} events of {len(summary.events_per_project)} projects in {summary.seconds:.1f} s."
    )
    return folder


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    from rich.progress import Progress

    with Progress(console=console(stderr=True), transient=True) as bars:
        task = bars.add_task("simulating", total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of)
