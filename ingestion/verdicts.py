"""The verdict on lines that are not (or not yet) landed: the landing view's own query over data sent along with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ingestion.landing import checking_select
from ingestion.pieces import PIECE_SETTINGS, Header
from warehouse.connection import Endpoint, failures_as_sentences, insert_body

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from ingestion.registry import Registry

Verdict = tuple[str, int, str, bytes]  # file, number, reason ('': accepted), the row of raw.landing_checked

SENT = "sent"
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


def judged(client: Client, registry: Registry, rows: bytes, piece: str = "piece") -> tuple[str, Iterator[Verdict]]:
    """The verdicts on rows of `landing_row`, and the columns of raw.landing_checked that their rows have.

    `piece` is the expression for the piece they are inserted as.
    """
    answer = query_sent(
        client,
        f"SELECT file_id, piece, reason, * REPLACE (toUInt32({piece}) AS piece) "
        f"FROM ({checking_select(registry, source=SENT)})",
        "TabSeparatedWithNames",
        rows,
        "TabSeparated",
        ROW_STRUCTURE,
    )
    names, *lines = answer.removesuffix(b"\n").split(b"\n")
    columns = ", ".join(names.decode().split("\t")[3:])

    def rows_of_answer() -> Iterator[tuple[str, int, str, bytes]]:
        for line in lines:
            file_id, number, reason, row = line.split(b"\t", 3)
            yield file_id.decode(), int(number), reason.decode(), row

    return columns, rows_of_answer()


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
