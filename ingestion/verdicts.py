"""The verdict on lines that are not (or not yet) landed: the landing views' own queries over data sent along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ingestion.landing import AS_IT_IS, CHECKED_COLUMNS, RULE_COLUMNS, judged_select, private_select
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

    In two queries, as the views are: most lines are as they may be kept after the first.
    """
    rules = ", ".join(RULE_COLUMNS)
    answer = query_sent(
        client,
        f"SELECT {AS_IT_IS}, {rules}, {CHECKED_COLUMNS} FROM ({judged_select(registry, SENT)})",
        "TabSeparated",
        rows,
        "TabSeparated",
        ROW_STRUCTURE,
    )
    others = []
    for line in answer.splitlines():
        as_it_is, rest = line.split(b"\t", 1)
        if as_it_is == b"1":
            yield _verdict(rest.split(b"\t", len(RULE_COLUMNS))[-1])
        else:
            others.append(rest)
    if others:
        columns = client.query(f"SELECT name, type FROM system.columns WHERE {_OF_JUDGED}").result_rows
        types = {str(name): str(kind) for name, kind in columns}
        answer = query_sent(
            client,
            private_select(registry, SENT),
            "TabSeparated",
            b"\n".join(others) + b"\n",
            "TabSeparated",
            ", ".join(f"{name} {types[name]}" for name in (*RULE_COLUMNS, *CHECKED_COLUMNS.split(", "))),
        )
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
