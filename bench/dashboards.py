"""How long dashboards take to have all of their data.

python -m bench.dashboards [USERS]           on your own warehouse, which is built; a `millrace bi up` comes first
python -m bench.dashboards USERS EVENTS      on the small world, made as many times as large as so many events need

It asks Superset what a browser would, chart by chart, with the filters that a dashboard opens with, six at a time for
each user as browsers do, also the charts further down, which a browser asks for when they are scrolled to.

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
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from bench.harness import report
from bi.client import Client
from bi.model import Dashboard
from bi.service import Service
from bi.syncing import bundle_of
from ingestion.demo import World, generate
from tests.other_sources import load_other_sources
from tests.support import Instance
from warehouse.settings import Settings, load_settings

USERS = 10
VISITS = 3  # of each of several users; more of one alone: of three nobody knows a p95
VISITS_ALONE = 10
AT_ONCE = 6  # requests of one browser
OF_PEOPLE = ("person_key", "session_key")
DAYS_AT_ONCE = 14
LOOKED_AT_SECONDS = (10, 30)
KINDS = ("chart", "dashboard", "dataset")
COLUMNS = ("dashboard", "charts", "users", "median s", "p95 s", "CPU s")

Questions = Sequence[Mapping[str, Any]]


def main(users: int, events: int) -> None:
    if not events:
        measure(load_settings(), users)
        return
    with (
        tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder,
        Instance(Path(folder) / "millrace", MILLRACE_MEMORY="8GiB") as own,
    ):
        generate(World(size="small"), Path(folder) / "world")
        own.up()
        own.json("load", str(Path(folder) / "world" / "events"))
        load_other_sources(own, Path(folder) / "world" / "sources")
        for command in (("build", "--no-tests"), ("bi", "up")):
            done = own.run(*command)
            assert done.returncode == 0, done.stderr
        multiply(own, events)
        with own.active() as settings:
            try:
                measure(settings, users)
            finally:
                Service(settings).down()


def multiply(own: Instance, events: int) -> None:
    """Rows of people again and again, each time of other people, until there are so many events. Tables that have a row
    for each day are not larger where more happens."""
    ((now,),) = own.rows("SELECT count() FROM marts.fct_events")
    # What is JSON is left out of what is added: no chart reads it.
    of_people = own.rows(
        "SELECT table, groupArrayIf(name, type NOT LIKE 'JSON%') FROM system.columns WHERE database = 'marts' "
        "AND table IN (SELECT table FROM system.parts WHERE database = 'marts' AND active) "
        "GROUP BY table HAVING has(groupArray(name), 'person_key')"
    )
    for table, columns in of_people:
        read = [f"cityHash64({one}, copy)" if one in OF_PEOPLE else one for one in columns]
        # Some days at a time: each of them is a part, with memory of its own for each column.
        several = f"intDiv(toUInt32(local_date), {DAYS_AT_ONCE})" if "local_date" in columns else "0"
        for (days,) in own.rows(f"SELECT DISTINCT {several} FROM marts.{table}"):
            own.client().command(
                f"INSERT INTO marts.{table} ({', '.join(columns)}) SELECT {', '.join(read)} "
                f"FROM marts.{table} ARRAY JOIN range(1, {events // now}) AS copy WHERE {several} = {days}",
                settings={"max_partitions_per_insert_block": 0},
            )
    ((there,),) = own.rows("SELECT count() FROM marts.fct_events")
    print(f"{there:,} events, {len(of_people)} tables with rows of people", file=sys.stderr)


def measure(settings: Settings, users: int) -> None:
    service = Service(settings)
    client = service.client()
    ids = {row["uuid"]: row["id"] for kind in KINDS for row in client.listed(kind, ["id", "uuid"])}
    boards = {board.title: list(_questions(board, ids, settings.project)) for board in bundle_of(settings).dashboards}
    people = [service.client() for _ in range(users)]
    rows = []
    for title, charts in boards.items():
        for number, how, fresh in ((1, "one, fresh", True), (1, "one", False), (users, f"{users} at once", False)):
            times = VISITS_ALONE if number == 1 else VISITS

            def visits(one: Client, charts: Questions = charts, fresh: bool = fresh, times: int = times) -> list[float]:
                return [_opened(one, charts, fresh) for _ in range(times)]

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
    # Inclusive: nobody waited longer than who waited longest.
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    return tuple(round(one, 2) for one in (statistics.median(seconds), p95, spent))  # type: ignore[return-value] # three


def _opened(client: Client, charts: Questions, fresh: bool) -> float:
    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as requests:
        list(requests.map(lambda one: client.ask("POST", "chart/data", {**one, "force": fresh}), charts))
    return time.perf_counter() - begun


def _questions(board: Dashboard, ids: Mapping[str, int], project: str) -> Iterator[dict[str, Any]]:
    """Of tabs only the first is drawn when a dashboard is opened."""
    of_project = {"col": "project_id", "op": "IN", "val": [project]}
    for chart in (tile.chart for row in board.sections[0].rows for tile in row.tiles if tile.chart):
        yield {
            "datasource": {"id": ids[chart.dataset.id], "type": "table"},
            "queries": [{**one, "filters": [of_project, *one["filters"]]} for one in chart.queries],
            "form_data": {"slice_id": ids[chart.id], "dashboardId": ids[board.id]},
            "result_format": "json",
            "result_type": "full",
        }


def _stroll(client: Client, boards: Mapping[str, Questions], number: int) -> list[float]:
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
    asked = [int(one) for one in sys.argv[1:]]
    main(*(asked + [USERS, 0][len(asked) :]))
