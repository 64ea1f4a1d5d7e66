"""Runs dbt in this process, as the engineer, on the server of the settings. The command line and Dagster both build
through here."""

from __future__ import annotations

import gc
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

from warehouse.alone import alone
from warehouse.aside import put_back_what_nobody_judged, settle
from warehouse.cluster import SHARD, clients
from warehouse.connection import connect, endpoint
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.private_files import private_folder
from warehouse.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

    from warehouse.lineage.graph import Graph
    from warehouse.observability.incidents import Change
    from warehouse.observability.records import CheckResult, RunRecord

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
SHOWN_FAILURES = 5


# Read by begin_build(): a variable of dbt's own would change the text, and so the definition, of every model.
DAYS_ANEW = "MILLRACE_DAYS_ANEW"
# Read by the materializations (macros/build/aside.sql): there is somebody who judges what is made, and may put it back.
JUDGED = "MILLRACE_JUDGED"
READS = {"show", "ls", "list", "debug"}
PARSED = "partial_parse.msgpack"
# What cannot be meant: a build of nothing is no success.
MUST_MATCH = '{"error": ["NoNodesForSelectionCriteria", "NothingToDo"]}'


@dataclass(frozen=True)
class NodeResult:
    """One model, test or hook of a run."""

    id: str
    name: str
    status: str  # success, pass, warn, fail, error, skipped; put back: made, and refused
    seconds: float
    message: str
    failures: int | None  # rows that a test found
    finished_at: datetime | None = None

    @property
    def is_test(self) -> bool:
        return self.id.startswith(("test.", "unit_test."))

    @property
    def failed(self) -> bool:
        return self.status in ("error", "fail", "runtime error")


@dataclass
class Run:
    nodes: list[NodeResult] = field(default_factory=list)
    judged: list[CheckResult] = field(default_factory=list)  # what others than dbt found of its tables
    remarks: list[str] = field(default_factory=list)  # what went wrong beside it
    incidents: list[Change] = field(default_factory=list)  # that were opened, failed again or ended
    put_back: list[str] = field(default_factory=list)  # tables that were made, refused, and are as before
    # Of a kind of check that the watcher judges by: every one there is, as asset, name and project.
    declared: Mapping[str, Collection[tuple[str, str, str]]] = field(default_factory=dict)

    @property
    def failed(self) -> list[NodeResult]:
        return [node for node in self.nodes if node.failed]

    @property
    def has_failed(self) -> bool:
        return bool(self.failed) or any(one.blocks for one in self.judged)

    @property
    def reasons(self) -> list[str]:
        from warehouse.observability.records import without_query

        failed = [f"{node.name}: {node.message or node.status}" for node in self.failed]
        blocking = [one for one in self.judged if one.blocks]
        told = [without_query(one.message) if one.asset in self.put_back else one.message for one in blocking]
        return [*failed, *(message.rstrip(".") for message in told)]

    def sentence(self) -> str:
        """What failed first, and what was kept back because of it."""
        shown, more = self.reasons[:SHOWN_FAILURES], len(self.reasons[SHOWN_FAILURES:])
        kept_back = [node.name for node in self.nodes if node.id.startswith("model.") and node.status == "skipped"]
        return "; ".join([*shown, *([f"{more} more"] if more else [])]) + (
            (f". Put back as before: {', '.join(self.put_back)}" if self.put_back else "")
            + (f". Kept back: {', '.join(kept_back)}." if kept_back else ". Nothing was kept back.")
        )


class KeptBack(Exception):
    """A model is not made: something that it is made of is wrong."""


class Watcher:
    """What a run tells while it works: the command line draws it, Dagster also judges."""

    def begin(self, nodes: int) -> None: ...

    def finished(self, node: NodeResult) -> None: ...

    def judge(self, node: NodeResult) -> Sequence[CheckResult]:
        """A model that was just made: what is found wrong with it and blocks keeps back all that is made of it."""
        return ()

    def judge_the_rest(self) -> Sequence[CheckResult]:
        """When all models are made."""
        return ()

    def declared(self) -> Mapping[str, Collection[tuple[str, str, str]]]:
        """All that it judges by, where it does: an incident of what is not among it is over."""
        return {}


def environment(settings: Settings) -> Mapping[str, str]:
    """What profiles.yml and dbt itself read."""
    target = endpoint(settings, "engineer")
    folder = settings.data_dir / "dbt"
    return {
        "MILLRACE_DBT_HOST": target.host,
        "MILLRACE_DBT_PORT": str(target.http_port),
        "MILLRACE_DBT_SECURE": "true" if target.secure else "false",
        "MILLRACE_DBT_USER": target.user,
        # Only where there is one: dbt reads models anew where what they ask for is set, and was not.
        **({"MILLRACE_DBT_CLUSTER": settings.cluster} if settings.cluster else {}),
        "MILLRACE_PASSWORD_ENGINEER": target.password,
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def build_arguments(
    select: Sequence[str] = (), exclude: Sequence[str] = (), full_refresh: bool = False, tests: bool = True
) -> list[str]:
    """The arguments of a build. Unit tests are tests of the code, not of what was built: `make test` runs them."""
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if not tests:
        arguments += ["--exclude-resource-type", "test"]
    if full_refresh:
        arguments.append("--full-refresh")
    if select:
        # Tests that compare with a table which is not selected would fail where that was never built.
        arguments += ["--select", *select, "--indirect-selection", "buildable"]
    if exclude:
        arguments += ["--exclude", *exclude]
    return arguments


def invoke(
    arguments: Sequence[str],
    values: Mapping[str, str],
    *listeners: Callable[[Any], None],
    settings: Settings | None = None,
) -> dbtRunnerResult:
    """dbt in this process, with these variables of the environment. `settings`: of where it builds, if it does."""
    thresholds = gc.get_threshold()
    # What dbt reads lives as long as it runs. To look for cycles in it at the usual pace takes a fifth of dbt's time.
    gc.set_threshold(50_000, 20, 20)
    try:
        from dbt.cli.main import dbtRunner

        from warehouse.cluster import on_shards

        _know_the_project_wherever_the_server_is()
        with variables(values), on_shards(settings) if settings else nullcontext():
            return dbtRunner(callbacks=list(listeners)).invoke(list(arguments))
    finally:
        gc.set_threshold(*thresholds)


def _know_the_project_wherever_the_server_is() -> None:
    """dbt reads every model anew where the server is at another address: models may use that, ours do not. A local
    server may have another port at each start, and reading takes as long as building."""
    from dbt.adapters.clickhouse.credentials import ClickHouseCredentials

    keys: Any = ClickHouseCredentials._connection_keys
    if keys.__module__ != __name__:

        def without_the_address(credentials: ClickHouseCredentials) -> tuple[str, ...]:
            return tuple(key for key in keys(credentials) if key not in ("host", "port"))

        ClickHouseCredentials._connection_keys = without_the_address  # type: ignore[method-assign]


def run(
    settings: Settings,
    arguments: Sequence[str],
    watcher: Watcher | None = None,
    waits: bool = False,
    record: RunRecord | None = None,
    days: tuple[date, date] | None = None,
) -> Run:
    """Run dbt silently. While another build runs, somebody at a terminal is refused; a scheduled run waits.
    `record`: who builds, where it is not the command line. `days`: from and until which tables of days are made anew,
    although nothing changed in raw.

    What failed is in the run. Where dbt did not get as far as running anything, it is an error.
    """
    from warehouse.observability.records import RunRecord, now

    with clients(settings, "engineer"):  # who cannot be reached is told in better words than dbt's
        pass
    with alone(settings, waits):
        record = record or RunRecord("build")
        record.started_at = now()  # the time it waited for others is theirs
        put_back_what_nobody_judged(settings)
        listener = _Listener(settings, watcher or Watcher())
        outcome = invoke(
            ["--log-level", "none", "--log-level-file", "debug", "--warn-error-options", MUST_MATCH, *arguments],
            {**environment(settings), JUDGED: "yes", DAYS_ANEW: " ".join(day.isoformat() for day in days or ())},
            listener,
            settings=settings,
        )
        if not listener.has_settled:  # it was broken off
            with suppress(Exception):  # then the next one does
                put_back_what_nobody_judged(settings)
    if outcome.exception is not None:
        error = _as_sentence(settings, outcome.exception)
        if arguments[0] == "build" and not isinstance(error, WrongUsage):
            with suppress(Exception):  # what went wrong is told by the error itself
                record.write(settings, "failed", error.message)
        raise error
    results = getattr(outcome.result, "results", None) or []
    done = Run(
        [
            listener.seen(
                *(r.node.unique_id, r.node.name, str(r.status), r.execution_time, r.message, r.failures),
                finished_at=r.timing[-1].completed_at if r.timing else None,
            )
            for r in results
            # A hook that went well is nothing that was built.
            if not r.node.unique_id.startswith("operation.") or str(r.status) not in ("success", "pass")
        ],
        judged=listener.judged,
        put_back=listener.put_back,
        declared=listener.watcher.declared(),
    )
    if listener.unsettled and not done.has_failed:
        raise listener.unsettled
    if not outcome.success and not done.has_failed:
        raise MillraceError("dbt ended without success and named no failure.", hint=_where_the_log_is(settings))
    if arguments[0] == "build":
        done.remarks += [*_record(settings, done, record), *_look(settings)]
    return done


def _record(settings: Settings, done: Run, record: RunRecord) -> list[str]:
    """The build, written down. Where that fails, the build has not."""
    from warehouse.observability.builds import record_build

    try:
        done.incidents = record_build(settings, done, record)
    except Exception as error:  # noqa: BLE001 - a broken notebook breaks no build
        return [as_one_line(f"The build was not written down: {error} {getattr(error, 'hint', '')}").strip()]
    return []


def _look(settings: Settings) -> list[str]:
    """What the warehouse looks like now, written down. Where that fails, the build has not."""
    from warehouse.observability.looks import observe

    try:
        observe(settings)
    except MillraceError as error:
        return [f"What the build has changed was not looked at: {error.message} {error.hint}".strip()]
    return []


def left_over(settings: Settings, done: Run) -> list[str]:
    """Tables and views that no model makes any more, after a build of everything."""
    made = {node.name for node in done.nodes if not node.is_test}
    with closing(connect(settings, "engineer")) as client:
        found = client.query(
            "SELECT database, name FROM system.tables "
            "WHERE database IN ('staging', 'intermediate', 'marts') ORDER BY ALL"
        ).result_rows
    return [f"{database}.{name}" for database, name in found if name.removesuffix(SHARD) not in made]


def pass_through(settings: Settings, arguments: Sequence[str]) -> bool:
    """dbt as it is, with its own output; whether it succeeded."""
    if READS & set(arguments[:1]):
        outcome = invoke(arguments, _beside_a_build(settings), settings=settings)
    else:
        with alone(settings):
            if {"build", "run", "retry"} & set(arguments):
                put_back_what_nobody_judged(settings)
            outcome = invoke(arguments, environment(settings), settings=settings)
    if outcome.exception is not None:
        raise _as_sentence(settings, outcome.exception)
    return bool(outcome.success)


def _beside_a_build(settings: Settings) -> Mapping[str, str]:
    """What only reads has files of its own, so that it need not wait: what a build has refused is looked at by it."""
    values = environment(settings)
    whole, own = Path(values["DBT_TARGET_PATH"]), private_folder(settings.data_dir / "dbt" / "reading")
    with suppress(OSError):  # what dbt read last: without it dbt reads the project anew
        shutil.copy2(whole / PARSED, own / PARSED)
    return {**values, "DBT_TARGET_PATH": str(own)}


def _as_sentence(settings: Settings, error: BaseException) -> MillraceError:
    from dbt.cli.exceptions import DbtUsageException
    from dbt.exceptions import InvalidSelectorError
    from dbt_common.exceptions.events import EventCompilationError

    clear_frames(error.__traceback__)  # they hold a pool of threads, which complains if it is there when we end
    text = as_one_line(str(error))
    if isinstance(error, DbtUsageException | InvalidSelectorError):
        return WrongUsage(f"dbt: {text}", hint="`millrace dbt --help` says what dbt can do.")
    if isinstance(error, EventCompilationError) and "criterion" in text:
        wanted = text.partition("'")[2].partition("'")[0]
        return WrongUsage(
            f"Nothing in the dbt project is selected by {wanted!r}{nearest(wanted.strip('+@'), _model_names()) or '.'}",
            hint="`millrace dbt ls` lists what there is.",
        )
    if isinstance(error, EventCompilationError) and "Nothing to do" in text:
        return WrongUsage("Nothing is left to build of what was selected.", hint="What --exclude names was taken out.")
    if isinstance(error, KeyboardInterrupt):
        raise error
    return MillraceError(f"dbt: {text}", hint=_where_the_log_is(settings))


def _model_names() -> set[str]:
    return {path.stem for path in (PROJECT / "models").rglob("*.sql")}


def _where_the_log_is(settings: Settings) -> str:
    return f"Its log: {settings.data_dir / 'dbt' / 'logs' / 'dbt.log'}"


def as_one_line(text: str) -> str:
    """Without the wrappings of drivers, and without the query: dbt writes that to the file which it names."""
    text = re.sub(r" > in macro .*", "", " ".join(text.split()))
    text = re.sub(r"Received ClickHouse exception, code: \d+, server response: Code: \d+\. DB::Exception: ", "", text)
    text = re.sub(r" In scope .*?\. (\([A-Z_]+\))", r" \1", text)
    return re.sub(r" \(for url \S+\)", "", text)


class _Listener:
    """Hears dbt's events, in the threads that make the tables: dbt waits until one is heard."""

    def __init__(self, settings: Settings, watcher: Watcher) -> None:
        self.settings, self.watcher = settings, watcher
        self.judged: list[CheckResult] = []
        self.wrong: dict[str, str] = {}  # by dbt's id of a table: what is wrong with it
        self.kept_back: dict[str, str] = {}  # by dbt's id of what is made of it: why
        self.refused: set[str] = set()  # dbt's ids of tables that failed, by whatever check
        self.put_back: list[str] = []
        self.has_settled = False
        self.unsettled: Exception | None = None

    def __call__(self, event: Any) -> None:
        match event.info.name:
            case "LogStartLine" if event.data.index == 1:
                self.watcher.begin(event.data.total)
            case "NodeExecuting" if self.wrong and event.data.node_info.resource_type == "model":
                self._stop_if_wrong(event.data.node_info.unique_id)
            case "NodeFinished":
                node, result = event.data.node_info, event.data.run_result
                told = (node.node_status, result.execution_time, result.message, result.num_failures)
                self._finished(self.seen(node.unique_id, node.node_name, *told))
            case "LogHookStartLine" if "on-run-end" in event.data.statement:  # all is made and tested
                self._settle()

    def _finished(self, node: NodeResult) -> None:
        if node.id.startswith("model.") and node.status == "success":
            found = self.watcher.judge(node)
            self.judged += found
            if wrong := [one for one in found if one.blocks]:
                self.wrong[node.id] = wrong[0].message
        if node.failed:
            test = self.graph.tests.get(node.id)
            self.refused.add(self.graph.nodes.get(self.graph.asset_of_test(test), "") if test else node.id)
        self.watcher.finished(node)

    def _settle(self) -> None:
        """What is raised here would be dbt's end without a result."""
        try:
            rest = self.watcher.judge_the_rest()
            self.judged += rest
            wrong = {self.graph.nodes.get(one.asset, "") for one in rest if one.blocks} | self.refused | set(self.wrong)
            models = {node for node in wrong if node.startswith("model.")}
            self.put_back = settle(self.settings, models, self.graph)
            self.has_settled = True
        except Exception as error:  # noqa: BLE001 - raised when dbt has ended
            self.unsettled = error

    def _stop_if_wrong(self, node: str) -> None:
        """dbt takes what is raised here for a failure of this node, and skips all that is made of it."""
        for table in self.graph.above(node) & set(self.wrong):
            self.kept_back[node] = self.wrong[table]
            raise KeptBack(self.wrong[table])

    @cached_property
    def graph(self) -> Graph:
        from warehouse.lineage.graph import built_graph

        return built_graph(self.settings)  # dbt writes what it read before it makes anything

    def seen(
        self,
        unique_id: str,
        name: str,
        status: str,
        seconds: float,
        message: str | None,
        failures: int | None,
        finished_at: datetime | None = None,
    ) -> NodeResult:
        if unique_id in self.kept_back:
            status, message = "skipped", self.kept_back[unique_id]
        elif self.put_back and status == "success" and self.graph.assets.get(unique_id) in self.put_back:
            status = "put back"
        ended = finished_at.replace(tzinfo=UTC) if finished_at else None  # dbt's times are UTC without saying so
        return NodeResult(unique_id, name, status, seconds, as_one_line(message or ""), failures, ended)


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        # What differs alone: another thread that reads the environment meanwhile finds all else in it.
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})
