"""The files of events: which event goes into which file, in which shape, and how many lines each file has."""

from __future__ import annotations

import csv
import io
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingestion.demo.block import Block
from ingestion.demo.dialects import ENCODERS
from ingestion.demo.lines import SCHEMA_VERSION, Columns, canonical_json, columns
from ingestion.demo.sdk import CANONICAL, DIALECTS, repeats
from ingestion.demo.table import EXACT_COPY, RESENT_COPY, Table
from ingestion.demo.text import instants
from ingestion.demo.world import PARQUET_SHARE

Ints = NDArray[np.int64]

CHUNK: Final = 20_000  # events made into text at once; more is slower, it falls out of the caches
PARQUET: Final = len(DIALECTS)  # a shape of its own beside the dialects
SHAPES: Final = (*DIALECTS, "parquet")
FOLDERS: Final = {"parquet": "canonical"}
SUFFIXES: Final = {
    "canonical": ".jsonl.gz",
    "segment": ".jsonl.gz",
    "rudderstack": ".jsonl.gz",
    "posthog": ".jsonl",
    "amplitude": ".jsonl",
    "mixpanel": ".jsonl.gz",
    "snowplow": ".tsv.gz",
    "requests": ".jsonl",
    "csv": ".csv",
    "parquet": ".parquet",
}
TEXT_FIELDS: Final = ("event_id", "event", "message_type", "user_id", "anonymous_id", "session_id", "group_id")
CSV_HEADER: Final = (
    *("project_id", *TEXT_FIELDS, "original_timestamp", "sent_at", "received_at", "properties", "context"),
    *("consent_analytics", "consent_marketing", "schema_version"),
)
_INSTANT: Final = pa.timestamp("ms", tz="UTC")
PARQUET_SCHEMA: Final = pa.schema(
    [("project_id", pa.string())]
    + [(name, pa.string()) for name in TEXT_FIELDS]
    + [(name, _INSTANT) for name in ("original_timestamp", "sent_at", "received_at")]
    + [("properties", pa.string()), ("context", pa.string())]
    + [("consent_analytics", pa.bool_()), ("consent_marketing", pa.bool_()), ("schema_version", pa.string())]
)


class _Text:
    """A text file, compressed where its name says so; without a time stamp in it, so that it is reproducible."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("wb")
        self._gzip = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16) if path.suffix == ".gz" else None

    def write(self, data: bytes | memoryview) -> None:
        self._file.write(self._gzip.compress(data) if self._gzip else data)

    def close(self) -> None:
        if self._gzip:
            self._file.write(self._gzip.flush())
        self._file.close()


@dataclass
class FileCount:
    """What is in one file: lines and events by project (a line may be a whole request)."""

    path: str
    shape: str
    events: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)  # of them without consent to analytics


class EventFiles:
    """The files of one shard of the world: a file for each shape and month of arrival."""

    def __init__(self, folder: Path, shard: int) -> None:
        self._folder = folder
        self._shard = shard
        self._open: dict[tuple[int, str], tuple[_Text | pq.ParquetWriter, FileCount]] = {}
        self.repeated: Counter[tuple[str, str]] = Counter()  # by project and kind of repeat

    def __enter__(self) -> EventFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sink, _ in self._open.values():
            sink.close()

    @property
    def counts(self) -> list[FileCount]:
        return sorted((count for _, count in self._open.values()), key=lambda count: count.path)

    def write(self, block: Block) -> None:
        """Every event of the block and its repeats, each file in the order in which the events arrived."""
        again = repeats(block.table, block.clock)
        for name, copy in (("exact", EXACT_COPY), ("sent_again", RESENT_COPY)):
            self.repeated[block.project.id, name] += int((again.copy == copy).sum())
        lines = Table.joined([block.table, again])
        shape = _shape(lines)
        month = lines.received.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
        order = np.lexsort((lines.copy, lines.received, month, shape))
        place = np.stack([shape[order], month[order]])
        cuts = np.flatnonzero((np.diff(place, axis=1, prepend=-1) != 0).any(axis=0))
        for begin, end in zip(cuts, [*cuts[1:], len(order)], strict=True):
            named = str(np.datetime64(int(place[1, begin]), "M"))
            sink, count = self._file(int(place[0, begin]), named)
            count.events[block.project.id] += int(end - begin)
            count.refused[block.project.id] += int((lines.consent[order[begin:end]] == 0).sum())
            for low in range(begin, end, CHUNK):
                _write(sink, SHAPES[place[0, begin]], block, lines.take(order[low : min(low + CHUNK, end)]))

    def _file(self, shape: int, month: str) -> tuple[_Text | pq.ParquetWriter, FileCount]:
        key = (shape, month)
        if key not in self._open:
            name = SHAPES[shape]
            path = Path(FOLDERS.get(name, name)) / f"{month}-{self._shard:02d}{SUFFIXES[name]}"
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if shape == PARQUET:
                sink: _Text | pq.ParquetWriter = pq.ParquetWriter(target, PARQUET_SCHEMA, compression="zstd")
            else:
                sink = _Text(target)
                if name == "csv":
                    sink.write((",".join(CSV_HEADER) + "\n").encode())
            self._open[key] = (sink, FileCount(f"events/{path.as_posix()}", name))
        return self._open[key]


def _shape(lines: Table) -> Ints:
    """Canonical events go to Parquet or to JSON lines by their id; what is sent again, to the other of the two."""
    draw = (lines.id_high >> np.uint64(12)).astype(np.float64) / 2.0**52
    parquet = (draw < PARQUET_SHARE) ^ (lines.copy == RESENT_COPY)
    return np.where((lines.dialect == CANONICAL) & parquet, PARQUET, lines.dialect)


def _write(sink: _Text | pq.ParquetWriter, shape: str, block: Block, lines: Table) -> None:
    cells = columns(lines, block.facts)
    if shape == "parquet":
        assert isinstance(sink, pq.ParquetWriter)
        sink.write_table(_parquet(block.project.id, cells, lines))
        return
    assert isinstance(sink, _Text)
    if shape == "csv":
        sink.write(_csv(block.project.id, cells))
        return
    texts = canonical_json(block.project.id, cells)
    if shape == "canonical":
        sink.write(_with_line_ends(texts))
        return
    encode, key = ENCODERS[shape], block.project.write_key
    corrected = instants(lines.at).to_pylist()
    payloads = [encode(orjson.loads(text), at, key) for text, at in zip(texts.to_pylist(), corrected, strict=True)]
    sink.write(b"".join((p if isinstance(p, bytes) else orjson.dumps(p)) + b"\n" for p in payloads))


def _with_line_ends(texts: pa.StringArray) -> memoryview:
    """The bytes of all lines: those that Arrow has them in, one after the other."""
    joined = pc.binary_join_element_wise(texts, "\n", "")
    first, last = joined.offset, joined.offset + len(joined)
    offsets = np.frombuffer(joined.buffers()[1], dtype=np.int32)
    return memoryview(joined.buffers()[2])[offsets[first] : offsets[last]]


def _parquet(project: str, cells: Columns, lines: Table) -> pa.Table:
    n = len(lines)
    arrays = [pa.repeat(pa.scalar(project), n)]
    arrays += [_or_null(getattr(cells, name)) for name in TEXT_FIELDS]
    arrays += [
        pa.array(lines.original).cast(_INSTANT),
        pa.array(lines.sent, mask=lines.sent < 0).cast(_INSTANT),
        pa.array(lines.received).cast(_INSTANT),
    ]
    arrays += [_braced(cells.properties), _braced(cells.context)]
    arrays += [_flag(cells.consent_analytics), _flag(cells.consent_marketing)]
    arrays.append(pa.repeat(pa.scalar(SCHEMA_VERSION), n))
    return pa.table(arrays, schema=PARQUET_SCHEMA)


def _or_null(texts: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _flag(texts: pa.StringArray) -> pa.BooleanArray:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.bool_()), pc.equal(texts, "true"))


def _braced(texts: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise("{", texts, "}", "")


def _csv(project: str, cells: Columns) -> bytes:
    columns_of = {
        **{name: getattr(cells, name).to_pylist() for name in CSV_HEADER if hasattr(cells, name)},
        "properties": _braced(cells.properties).to_pylist(),
        "context": _braced(cells.context).to_pylist(),
    }
    n = len(columns_of["event_id"])
    columns_of |= {"project_id": [project] * n, "schema_version": [SCHEMA_VERSION] * n}
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(zip(*(columns_of[name] for name in CSV_HEADER), strict=True))
    return out.getvalue().encode()
