"""Feeds into raw: read, judged, loaded by dlt and counted; the same rows again change nothing."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.dlt_clickhouse import dlt_failures_as_sentences, quiet_dlt
from ingestion.privacy import salts
from ingestion.sources.batches import Batch
from ingestion.sources.definitions import PROJECT_ID, Definition, Definitions
from ingestion.sources.feeds import Feed
from ingestion.sources.files import find_files, read_file
from ingestion.sources.remote import read_remote
from ingestion.sources.rows import Checker
from ingestion.sources.tables import add_columns, insert_statement, sync_table
from warehouse.connection import connect, endpoint, failures_as_sentences, insert_rows
from warehouse.errors import MillraceError
from warehouse.locks import held_if_free, one_at_a_time, while_writing_raw
from warehouse.private_files import private_folder
from warehouse.projects import Project
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

REJECTED_TABLE = "source_rows_rejected"
CURSORS = "cursors"  # in dlt's state: by place, since a feed may be declared anew to read elsewhere
FILE_ROWS = 250_000  # of one insert


@dataclass
class LoadedFeed:
    feed: str
    source: str
    received: int = 0
    accepted: int = 0
    new: int = 0
    updated: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    undeclared: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: MillraceError | None = None

    @property
    def unchanged(self) -> int:
        return self.accepted - self.new - self.updated


class Progress:
    """What a load tells while it works; the command line draws it."""

    def begin(self, feeds: int) -> None: ...

    def reading(self, feed: str) -> None: ...

    def read(self, rows: int) -> None: ...

    def done(self) -> None: ...


def load_feeds_into_raw(
    settings: Settings,
    feeds: list[Feed],
    definitions: Definitions,
    projects: dict[str, Project],
    progress: Progress | None = None,
    *,
    from_the_start: bool = False,
) -> list[LoadedFeed]:
    """Load each feed; one that fails is told with its error and does not keep the others from being loaded."""
    progress = progress or Progress()
    progress.begin(len(feeds))
    client = connect(settings, "loader")
    try:
        with failures_as_sentences("to read the salts of projects"):
            known_salts = salts(client)
        results = []
        for feed in feeds:
            progress.reading(feed.name)
            load = _FeedLoad(settings, client, feed, definitions.find(feed.source), projects, known_salts, progress)
            with while_writing_raw(settings.data_dir):
                results.append(load.run(from_the_start))
            progress.done()
        return results
    finally:
        client.close()


class _FeedLoad:
    def __init__(
        self,
        settings: Settings,
        client: Client,
        feed: Feed,
        definition: Definition,
        projects: dict[str, Project],
        known_salts: dict[str, str],
        progress: Progress,
    ) -> None:
        self.settings, self.client, self.feed, self.definition = settings, client, feed, definition
        self.projects, self.salts, self.progress = projects, known_salts, progress
        self.checkers = [Checker(definition, projects, known_salts, project) for project in feed.project or ("",)]
        self.begun = datetime.now(UTC)
        self.load_id = uuid.uuid4().hex
        self.inserted = {definition.name: 0, REJECTED_TABLE: 0}

    def run(self, from_the_start: bool) -> LoadedFeed:
        result = LoadedFeed(self.feed.name, self.feed.source)
        clock = time.monotonic()
        try:
            with failures_as_sentences(f"the load of {self.feed.name}"):
                sync_table(self.client, self.definition)
                rows_before = self._count("count()")
                # Whatever the cursor says: an empty table has nothing that is before it.
                self._run_pipeline(from_the_start or rows_before == 0)
                self._account(result, rows_before)
        except MillraceError as error:
            result.error = error
        result.seconds = time.monotonic() - clock
        return result

    def _run_pipeline(self, from_the_start: bool) -> None:
        from ingestion.sources.destination import source_destination

        dlt = quiet_dlt()
        dlt.config["load.workers"] = 1
        dlt.config["data_writer.file_max_items"] = FILE_ROWS
        with _working_directory(self.settings) as folder:
            pipeline = dlt.pipeline(
                f"source_{self.feed.name}",
                destination=source_destination(endpoint(self.settings, "loader"), self._statement, self._on_inserted),
                dataset_name="",
                pipelines_dir=str(folder),
            )

            def rows() -> Iterator[Any]:
                state = dlt.current.resource_state()
                cursors = state.setdefault(CURSORS, {})
                last = str(cursors.get(self.feed.place, ""))
                since = None if from_the_start or not last else datetime.fromisoformat(last) - self.definition.lag
                for batch in self._batches(since):
                    yield from self._judged(batch)
                if (newest := self._newest()) is not None:
                    cursors[self.feed.place] = max(newest.isoformat(timespec="milliseconds"), last)

            with dlt_failures_as_sentences():
                pipeline.run(dlt.resource(rows, name=self.feed.name), loader_file_format="parquet")

    def _batches(self, since: datetime | None) -> Iterator[Batch]:
        if not self.feed.file:
            yield from read_remote(self.feed, self.definition, since)
            return
        for path in find_files(self.feed.file, self.settings.project_dir):
            yield from read_file(path, self.feed.rename)

    def _judged(self, batch: Batch) -> Iterator[Any]:
        import dlt

        if len(self.checkers) > 1 and PROJECT_ID in batch.columns:
            raise MillraceError(
                f"{batch.origin} has a column {PROJECT_ID}, so its rows cannot be those of several projects.",
                hint="Name one project, of rows that name none, or no project at all.",
            )
        for checker in self.checkers:
            before = set(checker.undeclared)
            verdict = checker.check(batch)
            self.progress.read(batch.rows + len(batch.unreadable))
            if found := sorted(set(checker.undeclared) - before):
                add_columns(self.client, self.definition, found)
            for table, name in ((verdict.accepted, self.definition.name), (verdict.rejected, REJECTED_TABLE)):
                if table.num_rows:
                    yield dlt.mark.with_table_name(table, name)

    def _newest(self) -> datetime | None:
        """The cursor of the newest row; a row of the future must not hide those that are still to come."""
        found = [checker.newest for checker in self.checkers if checker.newest is not None]
        return min(max(found), self.begun) if found else None

    def _statement(self, table: str, columns: list[str]) -> tuple[str, dict[str, str]] | None:
        begun = f"{self.begun:%Y-%m-%d %H:%M:%S.%f}"[:-3]
        parameters = {"feed": self.feed.name, "load_id": self.load_id, "begun": begun}
        if table == self.definition.name:
            return insert_statement(self.definition, columns), parameters
        if table == REJECTED_TABLE:
            return REJECTED_STATEMENT, {**parameters, "source": self.feed.source}
        return None

    def _on_inserted(self, table: str, rows: int) -> None:
        self.inserted[table] += rows

    def _account(self, result: LoadedFeed, rows_before: int) -> None:
        """Compare what was judged with what was inserted, and record the load."""
        for checker in self.checkers:
            result.accepted += checker.accepted
            for reason, rows in checker.reasons.items():
                result.rejected[reason] = result.rejected.get(reason, 0) + rows
        rejected = sum(result.rejected.values())
        result.received = result.accepted + rejected
        result.undeclared = sorted({name for checker in self.checkers for name in checker.undeclared})
        result.missing = self.checkers[0].missing if result.received else []
        if (result.accepted, rejected) != (self.inserted[self.definition.name], self.inserted[REJECTED_TABLE]):
            raise MillraceError(
                f"{result.received:,} rows were read, and {sum(self.inserted.values()):,} arrived.",
                hint="Load the feed again; nothing is doubled.",
            )
        changed = self._count("countIf(_load_id = {load_id:String})")
        # Another loader's new rows may be among them, when two load at once: no more than this one wrote.
        result.new = max(0, min(changed, self._count("count()") - rows_before))
        result.updated = changed - result.new
        report = self.definition.other_columns == "report"
        row = {
            "load_id": self.load_id,
            "feed": self.feed.name,
            "source": self.feed.source,
            "received": result.received,
            "accepted": result.accepted,
            "rejected": result.rejected,
            "new": result.new,
            "updated": result.updated,
            "undeclared": result.undeclared if report else [],
            "missing": result.missing,
        }
        insert_rows(self.client, "raw.source_loads", [list(row.values())], list(row))

    def _count(self, expression: str) -> int:
        return int(
            self.client.query(
                f"SELECT {expression} FROM {self.definition.table} FINAL", parameters={"load_id": self.load_id}
            ).result_rows[0][0]
        )


REJECTED_STATEMENT = (
    f"INSERT INTO raw.{REJECTED_TABLE} (source, feed, project_id, row, reason, detail, origin, copy, load_id) "
    "SELECT {source:String}, {feed:String}, project_id, row, reason, detail, origin, copy, {load_id:String} FROM input("
    "'project_id String, row String, reason String, detail String, origin String, copy UInt32') FORMAT Parquet"
)


@contextmanager
def _working_directory(settings: Settings) -> Iterator[Path]:
    """A new folder for one load, and none of it left behind: what dlt must remember is in the warehouse.

    Folders of loads that were killed are removed by the next load; their rows come again.
    """
    parent = private_folder(settings.data_dir / "loads" / "sources")
    with ExitStack() as held:
        with one_at_a_time(parent.with_suffix(".lock")):
            for leftover in parent.iterdir():
                with held_if_free(leftover / "lock") as is_abandoned:  # else of a load that is running
                    if is_abandoned:
                        shutil.rmtree(leftover)
            folder = private_folder(parent / uuid.uuid4().hex)
            held.callback(shutil.rmtree, folder)
            held.enter_context(one_at_a_time(folder / "lock"))
        yield folder / "dlt"
