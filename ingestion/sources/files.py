"""Files as batches: CSV and TSV, JSON lines, a JSON array, Parquet; plain or gzip."""

from __future__ import annotations

import csv
import glob
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ingestion.sources.batches import BATCH_ROWS, NO_OBJECT, Batch, Unreadable, batch_of_items, batch_of_rows, names_of
from ingestion.sources.values import column_as_text, trimmed
from ingestion.unzipping import decompressed
from warehouse.errors import MillraceError

GZIP_MAGIC = b"\x1f\x8b"
CSV_BLOCK_BYTES = 16 * 1024**2  # a row must fit into it
HEADER_BYTES = 1024**2
KEPT_CHARACTERS = 10_000  # of a line that is no row
DELIMITERS = ",;\t|"


def find_files(pattern: str, base: Path) -> list[Path]:
    """A file, a folder or a pattern, relative to the project's folder; in order of their names."""
    path = base / Path(pattern).expanduser()
    found = [path] if path.is_file() else []
    if path.is_dir():
        found = sorted(inside for inside in path.rglob("*") if inside.is_file() and not inside.name.startswith("."))
    elif not found:
        named = glob.glob(str(path), recursive=True)  # noqa: PTH207 - a pattern may begin at the root
        found = sorted(Path(name) for name in named if Path(name).is_file())
    if not found:
        raise MillraceError(f"There is no file {path}.")
    return found


def read_file(path: Path, rename: Mapping[str, str]) -> Iterator[Batch]:
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind not in _READERS:
        raise MillraceError(f"{path}: the name of a file ends in {', '.join(_READERS)}, and .gz where it is zipped.")
    try:
        yield from _READERS[kind](path, rename)
    except (pa.ArrowException, OSError) as error:
        raise MillraceError(f"{path} cannot be read: {' '.join(str(error).split())[:300]}") from error


def _csv(path: Path, rename: Mapping[str, str]) -> Iterator[Batch]:
    header, delimiter = _header(path)
    names = names_of(header, rename, str(path))
    skipped: list[Unreadable] = []

    def skip(row: Any) -> str:
        detail = f"columns: {row.actual_columns}; in the header: {row.expected_columns}"
        skipped.append(Unreadable((row.text or "")[:KEPT_CHARACTERS], detail))
        return "skip"

    with pa.OSFile(str(path), "rb") as file, _unzipped(file, path) as stream:
        reader = pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(block_size=CSV_BLOCK_BYTES, use_threads=False),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip),
            # As bytes: a value that is no UTF-8 must cost its row, not the file.
            convert_options=pa_csv.ConvertOptions(column_types={name: pa.binary() for name in header}),
        )
        for block in reader:
            taken, skipped[:] = tuple(skipped), []
            yield _decoded(block, names, str(path), taken)
    if skipped:
        yield Batch({name: pa.nulls(0, pa.string()) for name in names.values()}, 0, str(path), tuple(skipped))


def _header(path: Path) -> tuple[list[str], str]:
    start = b""
    for chunk in decompressed(path):
        start += chunk
        if b"\n" in start or len(start) > HEADER_BYTES:
            break
    try:
        text = start[:HEADER_BYTES].decode("utf-8-sig", errors="strict" if len(start) <= HEADER_BYTES else "replace")
    except UnicodeDecodeError:
        text = start.decode("utf-8-sig", errors="replace")
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise MillraceError(f"{path} is empty: it has no header.")
    delimiter = max(DELIMITERS, key=lines[0].count)
    return next(csv.reader(lines[:1], delimiter=delimiter)), delimiter


def _unzipped(file: pa.NativeFile, path: Path) -> Any:
    with path.open("rb") as start:
        return pa.CompressedInputStream(file, "gzip") if start.read(2) == GZIP_MAGIC else file


def _decoded(block: pa.RecordBatch, names: Mapping[str, str], origin: str, skipped: tuple[Unreadable, ...]) -> Batch:
    try:
        columns = {ours: trimmed(block.column(theirs).cast(pa.string())) for theirs, ours in names.items()}
        return Batch(columns, block.num_rows, origin, skipped)
    except pa.ArrowInvalid:
        pass
    rows, broken = [], list(skipped)
    for row in block.to_pylist():
        try:
            rows.append({key: value.decode() if value else None for key, value in row.items()})
        except UnicodeDecodeError:
            text = b",".join(value or b"" for value in row.values()).decode(errors="backslashreplace")
            broken.append(Unreadable(text[:KEPT_CHARACTERS], "it is not UTF-8"))
    columns = {ours: trimmed(pa.array([row[theirs] for row in rows], pa.string())) for theirs, ours in names.items()}
    return Batch(columns, len(rows), origin, tuple(broken))


def _json_lines(path: Path, rename: Mapping[str, str]) -> Iterator[Batch]:
    rows: list[dict[str, Any]] = []
    broken: list[Unreadable] = []
    for line in _lines(path):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        if isinstance(row, dict):
            rows.append(row)
        else:
            broken.append(Unreadable(line.decode(errors="backslashreplace")[:KEPT_CHARACTERS], NO_OBJECT))
        if len(rows) + len(broken) >= BATCH_ROWS:
            yield batch_of_rows(rows, rename, str(path), broken)
            rows, broken = [], []
    if rows or broken:
        yield batch_of_rows(rows, rename, str(path), broken)


def _lines(path: Path) -> Iterator[bytes]:
    rest = b""
    for chunk in decompressed(path):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())
    if rest.strip():
        yield rest


def _json(path: Path, rename: Mapping[str, str]) -> Iterator[Batch]:
    try:
        rows = orjson.loads(b"".join(decompressed(path)))
    except orjson.JSONDecodeError as error:
        raise MillraceError(f"{path} is no JSON: {error}.", hint="Lines of JSON are a .jsonl.") from error
    if not isinstance(rows, list):
        raise MillraceError(f"{path} must hold an array of objects.")
    yield batch_of_items(rows, rename, str(path))


def _parquet(path: Path, rename: Mapping[str, str]) -> Iterator[Batch]:
    with pq.ParquetFile(path) as file:
        names = names_of(file.schema_arrow.names, rename, str(path))
        for block in file.iter_batches(BATCH_ROWS):
            columns = {ours: trimmed(column_as_text(block.column(theirs))) for theirs, ours in names.items()}
            yield Batch(columns, block.num_rows, str(path))


_READERS = {
    "csv": _csv,
    "tsv": _csv,
    "jsonl": _json_lines,
    "ndjson": _json_lines,
    "json": _json,
    "parquet": _parquet,
}
