"""Latency of `millrace serve` at 50 requests a second, on a warehouse that is built.

python -m bench.serving [SECONDS]

It reads what is there and writes nothing: a build, training and predictions come first. What has no data is answered
404, and counted by itself: percentiles are of answers with data.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

from bench.harness import report
from tests.support import MILLRACE
from warehouse.connection import connect
from warehouse.settings import SECRET_PREFIX, load_settings

PER_SECOND = 50
SECONDS = 20
USERS = 500


def main(seconds: int) -> None:
    settings = load_settings()
    with closing(connect(settings, "modeler")) as client:
        users = [
            str(user)
            for (user,) in client.query(
                "SELECT person_id FROM marts.dim_users WHERE project_id = {project:String} "
                "GROUP BY person_id ORDER BY cityHash64(person_id) LIMIT {users:UInt32}",
                parameters={"project": settings.project, "users": USERS},
            ).result_rows
        ]
    key = secrets.token_hex(32)
    environment = {**os.environ, f"{SECRET_PREFIX}API_KEY_{settings.project.upper()}": key}
    with subprocess.Popen(
        [str(MILLRACE), "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdout is not None
        address = serving.stdout.readline().strip()
        try:
            rows = asyncio.run(measured(address, key, users, seconds))
        finally:
            serving.terminate()
    report(
        "serving",
        f"millrace serve, {PER_SECOND} requests a second for {seconds} s each",
        ("request", "with data", "404", "failed", "p50 ms", "p95 ms", "p99 ms"),
        rows,
    )


async def measured(address: str, key: str, users: list[str], seconds: int) -> list[tuple[Any, ...]]:
    import httpx

    async with httpx.AsyncClient(base_url=address, headers={"X-API-Key": key}, timeout=10) as client:
        while (await client.get("/health")).status_code != 200:
            await asyncio.sleep(0.2)
        asked: dict[str, Callable[[int], Awaitable[httpx.Response]]] = {
            "POST /predict/churn": lambda n: client.post("/predict/churn", json={"user_id": users[n % len(users)]}),
            "GET /forecast/revenue": lambda n: client.get("/forecast/revenue"),
            "GET /recommendations/USER": lambda n: client.get(f"/recommendations/{users[n % len(users)]}"),
        }
        return [(name, *await at_a_rate(request, seconds)) for name, request in asked.items()]


async def at_a_rate(request: Callable[[int], Awaitable[Any]], seconds: int) -> tuple[Any, ...]:
    """Each is sent at its time, whether the ones before are answered or not; waiting counts."""
    for number in range(PER_SECOND):
        await request(number)
    begun = time.perf_counter()

    async def one(number: int) -> tuple[float, int]:
        due = begun + number / PER_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        answer = await request(number)
        return time.perf_counter() - due, answer.status_code

    done = await asyncio.gather(*(one(number) for number in range(PER_SECOND * seconds)))
    took = sorted(1000 * second for second, status in done if status == 200)
    at = [took[min(len(took) - 1, int(len(took) * share))] if took else None for share in (0.5, 0.95, 0.99)]
    answers = Counter(status for _, status in done)
    return (answers[200], answers[404], len(done) - answers[200] - answers[404], *at)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
