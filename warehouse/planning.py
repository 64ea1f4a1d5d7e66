"""What a larger warehouse needs, reckoned from what this one measured of itself; what is assumed is told."""

from __future__ import annotations

import math
import re
from contextlib import closing
from dataclasses import dataclass

from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import MillraceError, WrongUsage
from warehouse.query_settings import SPILL_BYTES
from warehouse.setting_values import days_in
from warehouse.settings import Settings

DAY_SECONDS = 24 * 3600
FREE_SHARE = 0.3  # merges and exchanged tables need room beside what they replace
BUSY_SHARE = 0.5  # of a day may go into loads and builds; the rest is for questions, and to catch up
QUERIES_AT_ONCE = 8
LONGEST_PAUSE_SECONDS = 60  # between two pieces of one load
MULTIPLES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True)
class Measured:
    events: int
    bytes_per_event: dict[str, float]  # by layer
    load_events_per_second: float | None
    build_cpu_seconds_per_event: float | None


@dataclass(frozen=True)
class Wish:
    events_per_day: int
    retention_days: int
    cores: int
    disk_bytes: int  # of one server


@dataclass(frozen=True)
class Plan:
    disk_bytes: int
    memory_bytes: int  # of one server
    load_hours_per_day: float
    build_hours_per_day: float
    shards_for_disk: int
    shards_for_time: int

    @property
    def shards(self) -> int:
        return max(self.shards_for_disk, self.shards_for_time)


def number_of(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)", text.strip())
    if not match or float(match[1]) == 0:
        raise WrongUsage(f"{text!r} is no number of events: write 250000, 500k, 100M or 2G.")
    return round(float(match[1]) * MULTIPLES[match[2]])


def days_of(text: str) -> int:
    if not (days := days_in(text)):
        raise WrongUsage(f"{text!r} is no retention: write days or years, as 90d or 2y.")
    return days


def measure(settings: Settings) -> Measured:
    """Sizes as they are on disk now; loads and builds as they were written down."""
    with closing(connect(settings, "engineer")) as client, failures_as_sentences("to be measured"):
        ((events,),) = client.query("SELECT count() FROM raw.events").result_rows
        if not events:
            raise MillraceError("There are no events to measure.", hint="Load some with `millrace load`, then build.")
        sizes = client.query(
            "SELECT database, sum(bytes_on_disk) FROM system.parts WHERE active "
            "AND database IN ('raw', 'intermediate', 'marts') GROUP BY database ORDER BY database"
        ).result_rows
        # A load is told by its pieces: pauses between two of them that are longer belong to no load.
        ((lines, seconds),) = client.query(
            "SELECT sum(n), sum(pause) FROM (SELECT n, "
            "toFloat64(at - lagInFrame(at, 1, toDateTime64(0, 3, 'UTC')) OVER (ORDER BY at)) AS pause "
            "FROM (SELECT loaded_at AS at, sum(lines) AS n FROM raw.load_counts WHERE lines > 0 GROUP BY at)) "
            "WHERE pause <= {longest:Float64}",
            parameters={"longest": LONGEST_PAUSE_SECONDS},
        ).result_rows
        ((cpu,),) = client.query("SELECT sum(cpu_seconds) FROM ops.model_costs WHERE kind = 'model'").result_rows
    return Measured(
        events=int(events),
        bytes_per_event={str(layer): int(size) / int(events) for layer, size in sizes},
        load_events_per_second=int(lines) / float(seconds) if seconds else None,
        build_cpu_seconds_per_event=float(cpu) / int(events) if cpu else None,
    )


def plan(measured: Measured, wish: Wish) -> Plan:
    if measured.load_events_per_second is None or measured.build_cpu_seconds_per_event is None:
        missing = "load" if measured.load_events_per_second is None else "build"
        raise MillraceError(
            f"Nothing is known yet of how long a {missing} takes here.",
            hint="`millrace load` a file that is large enough for several pieces, then `millrace build`.",
        )
    stored = wish.events_per_day * wish.retention_days * sum(measured.bytes_per_event.values())
    disk = math.ceil(stored / (1 - FREE_SHARE))
    load_seconds = wish.events_per_day / measured.load_events_per_second
    build_seconds = wish.events_per_day * measured.build_cpu_seconds_per_event / wish.cores
    return Plan(
        disk_bytes=disk,
        memory_bytes=QUERIES_AT_ONCE * SPILL_BYTES,
        load_hours_per_day=load_seconds / 3600,
        build_hours_per_day=build_seconds / 3600,
        shards_for_disk=math.ceil(disk / wish.disk_bytes),
        shards_for_time=math.ceil((load_seconds + build_seconds) / (DAY_SECONDS * BUSY_SHARE)),
    )


def assumptions(measured: Measured, wish: Wish) -> list[str]:
    return [
        f"measured on the {measured.events:,} events of this warehouse, on this machine; the fewer they are, the more "
        "of it is what a load and a build cost by themselves",
        "what all builds that were written down took, for each event that is there",
        "disk, load and build grow in proportion to events",
        f"{FREE_SHARE:.0%} of the disk stays free, for merges and tables that are made anew beside the old ones",
        f"a server has {wish.cores} cores, which builds use all; loads run as fast as here on each server",
        f"loads and builds may take {BUSY_SHARE:.0%} of the day",
        f"memory: {QUERIES_AT_ONCE} large queries at once, which spill to disk at {SPILL_BYTES // 1024**3} GiB each; "
        "not measured",
        "no replicas and no backups: each copy is the disk once more",
    ]
