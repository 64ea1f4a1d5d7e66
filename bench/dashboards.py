"""How long dashboards take to have all of their data, for one user and several at once, on a warehouse that is built.

python -m bench.dashboards [USERS]

It asks Superset what a browser would, chart by chart, six at a time for each user as browsers do; a `millrace bi up`
comes first. Fresh: nothing is taken from Superset's cache; else what somebody saw in the last five minutes is.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.harness import report
from bi.client import Client
from bi.service import Service
from bi.syncing import bundle_of
from warehouse.settings import load_settings

USERS = 10
VISITS = 3  # of each user
AT_ONCE = 6  # requests of one browser


def main(users: int) -> None:
    settings = load_settings()
    service = Service(settings)
    ids = {row["uuid"]: row["id"] for row in service.client().listed("chart", ["id", "uuid"])}
    rows = []
    for dashboard in bundle_of(settings).dashboards:
        # Of tabs only the first is drawn when a dashboard is opened.
        first = dashboard.sections[0]
        charts = [ids[tile.chart.id] for row in first.rows for tile in row.tiles if tile.chart]
        for number, fresh in ((1, True), (1, False), (users, False)):
            people = [service.client() for _ in range(number)]
            with ThreadPoolExecutor(number) as at_once:
                visits = [
                    seconds
                    for found in at_once.map(_visits, people, [charts] * number, [fresh] * number)
                    for seconds in found
                ]
            p95 = statistics.quantiles(visits, n=20)[-1]
            rows.append(
                (dashboard.title, len(charts), number, fresh, round(statistics.median(visits), 2), round(p95, 2))
            )
    report(
        "dashboards",
        "Seconds until a dashboard has all of its data",
        ("dashboard", "charts", "users", "fresh", "median s", "p95 s"),
        rows,
    )


def _visits(client: Client, charts: Sequence[int], fresh: bool) -> list[float]:
    seconds = []
    with ThreadPoolExecutor(AT_ONCE) as requests:
        for _ in range(VISITS):
            begun = time.perf_counter()
            list(requests.map(client.chart_data, charts, [fresh] * len(charts)))
            seconds.append(time.perf_counter() - begun)
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else USERS)
