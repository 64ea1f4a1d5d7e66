"""The verdict on lines that are not (or not yet) landed: the landing views' own queries over data sent along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ingestion.landing import CHECKED_COLUMNS, RULE_COLUMNS, WAY, checked_ways, judged_select
from ingestion.pieces import PIECE_SETTINGS, Header
from warehouse.connection import Endpoint, failures_as_sentences, insert_body

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from ingestion.registry import Registry

Verdict = tuple[str, int, str, bytes]  # file, number, reason ('': accepted), the row of raw.landing_checked

SENT = "sent"
_OF_JUDGED = "database = 'raw' AND table = 'landing_judged'"
_FILE_ID, _PIECE, _REASON = (CHECKED_COLUMNS.split(", ").index(name) for name in ("file_id", "piece", "reason"))
ROW_STRUCTURE = (
    "default_project String, accept_unknown Bool, default_received_at DateTime64(3, 'UTC'), source String, "
    "file_id String, piece UInt32, line String, original String, refused String, refused_detail String"
)


def escaped(value: bytes) -> bytes:
    """A cell of TabSeparated; unlike in JSON every byte can be said."""
    return value.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n").replace(b"\r", b"\\r")


def landing_row(header: Header, line: bytes, original: bytes, refused: str, detail: str, number: int) -> bytes:
    """A row of raw.landing; `number` stands in the column `piece`, which comes through the query unchanged."""
    same = (*header.parameters.values(), str(number))
    return b"\t".join(map(escaped, (*map(str.encode, same), line, original, refused.encode(), detail.encode())))


def judged(client: Client, registry: Registry, rows: bytes) -> Iterator[Verdict]:
    """The verdicts on rows of `landing_row`, each with its row of raw.landing_checked.

    In several queries, as the views are: most lines are as they may be kept after the first. One query for all ways
    would be longer than the server takes beside data (64 KB).
    """
    rules = ", ".join(RULE_COLUMNS)
    answer = query_sent(
        client,
        f"SELECT {WAY}, {rules}, {CHECKED_COLUMNS} FROM ({judged_select(registry, SENT)})",
        "TabSeparated",
        rows,
        "TabSeparated",
        ROW_STRUCTURE,
    )
    others: dict[str, list[bytes]] = {}
    for line in answer.splitlines():
        way, rest = line.split(b"\t", 1)
        if way == b"kept":
            yield _verdict(rest.split(b"\t", len(RULE_COLUMNS))[-1])
        else:
            others.setdefault(way.decode(), []).append(rest)
    if others:
        columns = client.query(f"SELECT name, type FROM system.columns WHERE {_OF_JUDGED}").result_rows
        types = {str(name): str(kind) for name, kind in columns}
        structure = ", ".join(f"{name} {types[name]}" for name in (*RULE_COLUMNS, *CHECKED_COLUMNS.split(", ")))
        ways = checked_ways(registry, SENT)
        for taken, rows_of_way in others.items():
            body = b"\n".join(rows_of_way) + b"\n"
            select = f"SELECT {CHECKED_COLUMNS} FROM ({ways[taken]})"
            answer = query_sent(client, select, "TabSeparated", body, "TabSeparated", structure)
            yield from map(_verdict, answer.splitlines())


def _verdict(row: bytes) -> Verdict:
    cells = row.split(b"\t")
    return cells[_FILE_ID].decode(), int(cells[_PIECE]), cells[_REASON].decode(), row


def query_sent(
    client: Client,
    sql: str,
    answer_format: str,
    body: bytes,
    format: str,
    structure: str,
    parameters: Mapping[str, str] | None = None,
) -> bytes:
    """A query over the table `sent`, whose data go along with the query and are forgotten with it."""
    from clickhouse_connect.driver.external import ExternalData

    with failures_as_sentences("to judge lines"):
        return bytes(
            client.raw_query(
                sql,
                parameters=dict(parameters or {}),
                settings={"max_threads": 1},  # rows stay in their order
                fmt=answer_format,
                external_data=ExternalData(file_name=SENT, data=body, fmt=format, structure=structure),
            )
        )


def insert_checked(target: Endpoint, columns: str, rows: bytes, token: str) -> None:
    """Judged rows behind the judging query, whole or not at all, once per token."""
    import pyarrow

    insert_body(
        target,
        f"INSERT INTO raw.landing_checked ({columns}) FORMAT TabSeparated",
        pyarrow.Codec("zstd", 1).compress(rows, asbytes=True),
        encoding="zstd",
        parameters={},
        settings={**PIECE_SETTINGS, "insert_deduplication_token": token},
    )
