"""What it costs to load the rows of a source, to load them again, and to load them beside dlt's own merge.

python -m bench.sources [ROWS]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from bench.harness import median_seconds, report, server
from tests.support import MILLRACE, REPOSITORY, Instance

ROWS = 1_000_000
# dlt's merge of the same rows, typed already: a process of its own, as a load is.
STOCK = """
import os, sys
os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR", NORMALIZE__WORKERS="1")
import dlt, pyarrow as pa, pyarrow.parquet as pq
from dlt.destinations import clickhouse
host, tcp, http, user, password, path, folder = sys.argv[1:]
credentials = dict(host=host, port=int(tcp), http_port=int(http), username=user, password=password, database="raw")
credentials["secure"] = 0
target = clickhouse(credentials=credentials)
pipeline = dlt.pipeline("stock", destination=target, dataset_name="stock", pipelines_dir=folder)
rows = dlt.resource((pa.Table.from_batches([b]) for b in pq.ParquetFile(path).iter_batches(50_000)), name="customers",
                    primary_key=("project_id", "user_id", "updated_at"), write_disposition="merge")
pipeline.run(rows, loader_file_format="parquet").raise_on_failed_jobs()
"""


def customers(rows: int, changed: int = 0) -> pa.Table:
    """Every hundredth customer has another plan, where `changed` is 1."""
    at = [f"2026-0{1 + n % 6}-{1 + n % 28:02}T10:00:{n % 60:02}.000Z" for n in range(rows)]
    return pa.table(
        {
            "project_id": pa.repeat(pa.scalar("demo"), rows),
            "user_id": [f"u_{n:09}" for n in range(rows)],
            "email": [f"customer.{n}@mail.example" for n in range(rows)],
            "name": [f"Customer {n}" for n in range(rows)],
            "plan": ["enterprise" if changed and n % 100 == 0 else ("free", "pro")[n % 2] for n in range(rows)],
            "country": [("DE", "FR", "US", "GB")[n % 4] for n in range(rows)],
            "tier": pa.repeat(pa.scalar("standard"), rows),
            "company_id": [f"company_{n % 5000:08}" for n in range(rows)],
            "is_internal": pa.repeat(pa.scalar("false"), rows),
            "created_at": at,
            "onboarded_at": at,
            "updated_at": at,
        }
    )


def loaded(instance: Instance, path: Path) -> float:
    begun = time.perf_counter()
    instance.json("sources", "load", "--file", f"customers={path}")
    return time.perf_counter() - begun


def merged(instance: Instance, path: Path, folder: Path) -> float:
    target = instance.endpoint("loader")
    arguments = [target.host, target.tcp_port, target.http_port, target.user, target.password, path, folder]
    begun = time.perf_counter()
    subprocess.run([MILLRACE.with_name("python"), "-c", STOCK, *map(str, arguments)], check=True, cwd=REPOSITORY)
    return time.perf_counter() - begun


def main(rows: int) -> None:
    table: list[tuple[str, float, int]] = []
    with server() as instance, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(2):
            made = customers(rows, number)
            pa_csv.write_csv(made, folder / f"{number}.csv")
            pq.write_table(made, folder / f"{number}.parquet")
        for what, path in (
            ("CSV, all new", folder / "0.csv"),
            ("CSV, the same again", folder / "0.csv"),
            ("CSV, 1 % changed", folder / "1.csv"),
            ("Parquet, the same again", folder / "1.parquet"),
        ):
            seconds = loaded(instance, path)
            table.append((what, seconds, round(rows / seconds)))
        for what, number in (("dlt's merge, all new", 0), ("dlt's merge, the same again", 0)):
            seconds = merged(instance, folder / f"{number}.parquet", folder / "dlt")
            table.append((what, seconds, round(rows / seconds)))
        for what, final in (("count plans", ""), ("count plans, FINAL", "FINAL")):
            sql = f"SELECT plan, count() FROM raw.customers {final} GROUP BY plan FORMAT Null"
            seconds = median_seconds(lambda sql=sql: instance.client().command(sql))
            table.append((what, seconds, round(rows / seconds)))
    report("sources", f"Rows of a source, {rows:,} customers", ("what", "seconds", "rows/s"), table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
