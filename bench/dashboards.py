"""How long dashboards take to have all of their data, on a warehouse that is built; a `millrace bi up` comes first.

python -m bench.dashboards [USERS]

It asks Superset what a browser would, chart by chart, six at a time for each user as browsers do, also the charts
further down, which a browser asks for when they are scrolled to.

one, fresh     one user, and nothing is taken from Superset's cache
one            one user, of what somebody saw in the last five minutes, as the others below
at once        all users open the same dashboard at the same instant, again and again: the most that so many can ask for
in their time  each user opens one dashboard after another, and looks at each for 10 to 30 seconds

CPU seconds are those of Superset's processes for one opening: they are nearly the same where something else runs.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from bench.harness import report
from bi.client import Client
from bi.service import Service
from bi.syncing import bundle_of
from warehouse.settings import load_settings

USERS = 10
VISITS = 3  # of each user
AT_ONCE = 6  # requests of one browser
LOOKED_AT_SECONDS = (10, 30)
COLUMNS = ("dashboard", "charts", "users", "median s", "p95 s", "CPU s")


def main(users: int) -> None:
    settings = load_settings()
    service = Service(settings)
    ids = {row["uuid"]: row["id"] for row in service.client().listed("chart", ["id", "uuid"])}
    # Of tabs only the first is drawn when a dashboard is opened.
    boards = {
        board.title: [ids[tile.chart.id] for row in board.sections[0].rows for tile in row.tiles if tile.chart]
        for board in bundle_of(settings).dashboards
    }
    people = [service.client() for _ in range(users)]
    rows = []
    for title, charts in boards.items():
        for number, how, fresh in ((1, "one, fresh", True), (1, "one", False), (users, f"{users} at once", False)):

            def visits(one: Client, charts: Sequence[int] = charts, fresh: bool = fresh) -> list[float]:
                return [_opened(one, charts, fresh) for _ in range(VISITS)]

            rows.append((title, len(charts), how, *_measured(service, people[:number], visits)))
    mean = round(statistics.mean(map(len, boards.values())))
    strolls = _measured(service, people, lambda one: _stroll(one, boards, people.index(one)))
    rows.append(("all, one after another", mean, f"{users} in their time", *strolls))
    report("dashboards", "Seconds until a dashboard has all of its data", COLUMNS, rows)


def _measured(
    service: Service, people: Sequence[Client], visits: Callable[[Client], list[float]]
) -> tuple[float, float, float]:
    """Median and p95 of the seconds of an opening, and the CPU seconds of one."""
    before = _cpu_seconds(service)
    with ThreadPoolExecutor(len(people)) as at_once:
        seconds = [one for found in at_once.map(visits, people) for one in found]
    spent = (_cpu_seconds(service) - before) / len(seconds)
    return tuple(round(one, 2) for one in (statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1], spent))  # type: ignore[return-value] # three


def _opened(client: Client, charts: Sequence[int], fresh: bool) -> float:
    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as requests:
        list(requests.map(client.chart_data, charts, [fresh] * len(charts)))
    return time.perf_counter() - begun


def _stroll(client: Client, boards: Mapping[str, Sequence[int]], number: int) -> list[float]:
    own = random.Random(number)
    order = own.sample(list(boards), len(boards))
    seconds = []
    for title in order:
        time.sleep(own.uniform(*LOOKED_AT_SECONDS))
        seconds.append(_opened(client, boards[title], fresh=False))
    return seconds


def _cpu_seconds(service: Service) -> float:
    running: Any = service.running()
    first = psutil.Process(running.pid)
    return sum(sum(one.cpu_times()[:2]) for one in (first, *first.children(recursive=True)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else USERS)
