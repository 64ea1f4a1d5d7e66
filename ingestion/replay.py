"""Rejected lines judged again, after the contract, a dialect or projects.yaml was mended; accepted ones are moved.

A move is exactly once, whoever is killed and however many retries run at once: what to do is written down first.

1. Lines are judged; those accepted now are a batch. It takes the next number and is inserted into raw.retried_lines
   under the token of that number: of two retries that take the same number, the server keeps one.
2. What stands there is carried out, by its owner or by whoever finds it (the next retry, the next load): rows into
   raw.landing_checked under the batch's token, the rejected rows deleted, raw.load_counts corrected under a token, the
   batch recorded in raw.retries, and its rows deleted. Each of these steps may be repeated.

The lines of a batch are read after the batch before it was carried out, so that they cannot be in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from ingestion.contract import MAX_LINE_BYTES, Reason
from ingestion.enrichment.lookups import fill_lookups
from ingestion.landing import CHECKED_COLUMNS, way_for_one
from ingestion.pieces import CANONICAL, PIECE_SETTINGS, Header, decoded_columns
from ingestion.registry import load_registry
from ingestion.rejected import Filters
from ingestion.verdicts import SENT, escaped, insert_checked, judged, landing_row, query_sent
from ingestion.wire import AUTO, DIALECTS, check_dialect
from warehouse.cluster import clients, everywhere, shards
from warehouse.connection import Endpoint, endpoint, failures_as_sentences, insert_body
from warehouse.locks import while_writing_raw
from warehouse.projects import hash_write_key, load_projects
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

BATCH_LINES = 20_000
BATCH_BYTES = 32 * 1024**2
WITHHELD = b'{"withheld":{'  # what stands in the place of a line that may not be kept
NEXT_NUMBER = "SELECT max(batch) + 1 FROM (SELECT batch FROM raw.retries UNION ALL SELECT batch FROM raw.retried_lines)"
RECEIVED_AT = (
    "concat(formatDateTime(received_at, '%Y-%m-%dT%H:%i:%S.'), "
    "leftPad(toString(toUnixTimestamp64Milli(received_at) % 1000), 3, '0'), 'Z')"
)


@dataclass
class Verdicts:
    """On the lines of a page. A line that cannot be judged again has why not among `kept`."""

    moved: list[bytes] = field(default_factory=list)  # rows of raw.retried_lines, without what a batch has in common
    lines: int = 0
    accepted: int = 0  # events
    rejected: Counter[str] = field(default_factory=Counter)  # still, by the reason of today
    kept: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Reject:
    id: str
    project: str
    reason: str
    source: str
    file_id: str
    received_at: str
    line: bytes


class Retry:
    def __init__(self, settings: Settings, dry_run: bool = False, as_project: str = "", as_dialect: str = "") -> None:
        if as_dialect:
            check_dialect(as_dialect)
        self._settings = settings
        self._dry_run = dry_run
        self._as_project, self._as_dialect = as_project, as_dialect
        self._registry = load_registry()
        self._project_of_hash = {key: p.id for p in load_projects(settings).values() for key in p.write_keys}

    def run(self, filters: Filters, limit: int = 0) -> Iterator[Verdicts]:
        """Page by page, what became of its lines; the last page of a shard may be smaller."""
        since, left = datetime.now(UTC), limit
        with clients(self._settings, "loader") as connected, failures_as_sentences("a retry of rejected lines"):
            for shard, client in zip(shards(self._settings), connected, strict=True):
                self._shard, self._client, self._target = shard, client, endpoint(shard, "loader")
                if not self._dry_run:
                    finish_retries(shard, client)
                for ids in self._pages(filters, left) if left or not limit else ():
                    left -= min(len(ids), left)
                    yield self._judge(ids) if self._dry_run else self._moved(ids)
            if not self._dry_run:
                events = everywhere(self._settings, "events")
                fill_lookups(connected[0], self._settings.geo_database, since, events=events)

    def _pages(self, filters: Filters, limit: int) -> Iterator[list[str]]:
        found = self._client.query(
            f"SELECT toString(reject_id), length(line) FROM raw.events_rejected WHERE {filters.condition} "
            f"ORDER BY project_id, reason, received_at, reject_id{f' LIMIT {limit}' if limit else ''}",
            parameters=filters.parameters,
        ).result_rows
        page: list[str] = []
        size = 0
        for identity, length in found:
            page.append(identity)
            size += length
            if len(page) >= BATCH_LINES or size >= BATCH_BYTES:
                yield page
                page, size = [], 0
        if page:
            yield page

    def _moved(self, ids: list[str]) -> Verdicts:
        while True:
            number = int(self._client.query(NEXT_NUMBER).result_rows[0][0])
            verdicts = self._judge(ids)
            with while_writing_raw(self._settings.data_dir):
                took = bool(verdicts.moved) and self._took(number, verdicts)
            finish_retries(self._shard, self._client)
            if took or not verdicts.moved:
                return verdicts
            # Another retry has the number, and perhaps these very lines: see what is left of them.

    def _judge(self, ids: list[str]) -> Verdicts:
        verdicts = Verdicts()
        rejects: list[Reject] = []  # of each row
        rows: list[bytes] = []
        for reject in self._read(ids):
            verdicts.lines += 1
            source, events = self._decoded(reject)
            if why := self._kept_because(reject, source, len(events)):
                verdicts.kept[why] += 1
                continue
            header = Header(
                file_id=reject.file_id,
                source=source,
                default_project=reject.project or self._as_project,
                accept_unknown=self._settings.accept_unknown_projects,
                received_at=reject.received_at,
            )
            for columns in events:
                rows.append(landing_row(header, *columns, number=len(rows)))
                rejects.append(reject)
        if rows:
            found = judged(self._client, self._registry, b"\n".join(rows) + b"\n")
            self._sort(verdicts, [(rejects[number], reason, row) for _, number, reason, row in found])
        return verdicts

    def _kept_because(self, reject: Reject, source: str, events: int) -> str:
        """Why a line cannot be judged again; '' where it can."""
        if reject.line.startswith(WITHHELD):
            return "the line itself was not kept"
        if reject.reason == Reason.TOO_LARGE and len(reject.line) <= MAX_LINE_BYTES:
            return "the line was longer when it came"  # before what was personal was taken out of it
        # A batch that its own dialect left whole: others of its events are in. Read as another, all of it is new.
        if events == 0 or (events > 1 and source == reject.source):
            return f"the line stands for {events:,} events"
        return ""

    @staticmethod
    def _sort(verdicts: Verdicts, judged: list[tuple[Reject, str, bytes]]) -> None:
        """A line of which nothing is accepted stays. Else what it stands for takes its place, also what is rejected."""
        with_an_event = {reject.id for reject, reason, _ in judged if not reason}
        still = {reject.id: reason for reject, reason, _ in judged if reject.id not in with_an_event}
        verdicts.rejected += Counter(still.values())
        for was, reason, row in judged:
            if was.id not in with_an_event:
                continue
            if reason:
                verdicts.rejected[reason] += 1
            else:
                verdicts.accepted += 1
            # Pieces are those of a file; a retry has none.
            checked = row.rpartition(b"\t")[0] + b"\t0"
            cells = (was.id.encode(), was.project.encode(), was.reason.encode(), was.file_id.encode(), checked)
            verdicts.moved.append(b"\t".join(map(escaped, cells)))

    def _read(self, ids: list[str]) -> Iterator[Reject]:
        """Those of these rejects that are still there."""
        answer = query_sent(
            self._client,
            f"SELECT toString(reject_id), project_id, reason, source, file_id, {RECEIVED_AT}, line "
            f"FROM raw.events_rejected WHERE reject_id IN (SELECT id FROM {SENT}) ORDER BY reject_id",
            "RowBinary",
            "\n".join(ids).encode(),
            "TabSeparated",
            "id UUID",
        )
        texts = _texts(answer)
        for identity in texts:
            project, reason, source, file_id, received_at = (next(texts).decode(errors="replace") for _ in range(5))
            yield Reject(identity.decode(), project, reason, source, file_id, received_at, next(texts))

    def _decoded(self, reject: Reject) -> tuple[str, list[tuple[bytes, bytes, str, str]]]:
        """What it says it came from, and the events that it stands for."""
        dialect, colon, name = reject.source.partition(":")
        named = bool(colon) and dialect in (AUTO, *DIALECTS)  # canonical lines may name a source of their own
        source = reject.source
        if self._as_dialect:
            dialect, source = self._as_dialect, f"{self._as_dialect}:{name if named else reject.source}"
        elif not named:
            dialect = CANONICAL
        if dialect == CANONICAL:
            return source, [(reject.line, b"", "", "")]
        return source, list(decoded_columns(reject.line, dialect, reject.received_at, self._project_of_key))

    def _project_of_key(self, key: str) -> str:
        """Write keys are hashed in the lines that are kept. Only here is a hash as good as the key."""
        return self._project_of_hash.get(key) or self._project_of_hash.get(hash_write_key(key), "")

    def _took(self, number: int, verdicts: Verdicts) -> bool:
        """Write the batch down; False where another has the number."""
        import pyarrow

        owner = str(uuid4())
        insert_body(
            self._target,
            "INSERT INTO raw.retried_lines SELECT {number:UInt64}, {owner:UUID}, reject_id, project_id, reason, "
            "file_id, {columns:String}, checked FROM input("
            "'reject_id UUID, project_id String, reason String, file_id String, checked String') FORMAT TabSeparated",
            pyarrow.Codec("zstd", 1).compress(b"\n".join(verdicts.moved) + b"\n", asbytes=True),
            encoding="zstd",
            parameters={"number": str(number), "owner": owner, "columns": CHECKED_COLUMNS},
            settings=_once(f"retry.{number}"),
        )
        holders = self._client.query(
            "SELECT toString(owner) FROM raw.retried_lines WHERE batch = {number:UInt64} UNION DISTINCT "
            "SELECT toString(owner) FROM raw.retries WHERE batch = {number:UInt64}",
            parameters={"number": number},
        ).result_rows
        return (owner,) in [tuple(row) for row in holders]


def finish_retries(settings: Settings, client: Client) -> None:
    """Carry out what retries have written down: the one that runs, or one that was killed."""
    pending = client.query("SELECT DISTINCT batch, columns FROM raw.retried_lines ORDER BY batch").result_rows
    for number, columns in pending:
        with while_writing_raw(settings.data_dir), way_for_one(settings):
            _carry_out(client, endpoint(settings, "loader"), int(number), columns)


def _carry_out(client: Client, target: Endpoint, number: int, columns: str) -> None:
    batch = f"FROM raw.retried_lines WHERE batch = {number}"
    rows = client.raw_query(f"SELECT checked {batch} ORDER BY reject_id", fmt="TSVRaw")
    if rows:  # else somebody else has finished it by now; so may they, on another machine, at every step below
        insert_checked(target, columns, rows, f"retry.{number}")
    client.command(f"DELETE FROM raw.events_rejected WHERE reject_id IN (SELECT reject_id {batch})")
    client.command(
        "INSERT INTO raw.load_counts (file_id, piece, project_id, reason, lines) "
        f"SELECT file_id, 0, project_id, reason, -toInt64(uniqExact(reject_id)) {batch} "
        "GROUP BY file_id, project_id, reason",
        settings=_once(f"retry.{number}.moved"),
    )
    client.command(
        f"INSERT INTO raw.retries (batch, owner, lines) SELECT batch, owner, uniqExact(reject_id) {batch} "
        "GROUP BY batch, owner",
        settings=_once(f"retry.{number}"),
    )
    client.command(f"DELETE {batch}")


def _once(token: str) -> dict[str, str]:
    return {**PIECE_SETTINGS, "insert_deduplication_token": token}


def _texts(answer: bytes) -> Iterator[bytes]:
    """The cells of an answer in RowBinary that has only texts: each its length, seven bits a byte, and its bytes."""
    place = 0
    while place < len(answer):
        length = shift = 0
        while True:
            byte = answer[place]
            place += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield answer[place : place + length]
        place += length
