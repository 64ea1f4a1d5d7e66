"""What each watched series was judged by last, and by which version of the detectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import numpy as np

from monitoring.detectors.detection import Detection
from monitoring.watch.causes import ROLE
from monitoring.watch.declared import Watch
from monitoring.watch.reading import Table
from monitoring.watch.rows import as_number, as_text
from warehouse.connection import connect, failures_as_sentences
from warehouse.settings import Settings

# Of the detectors; tests/unit/detectors/test_version.py says when it must rise. Another version judges the past anew,
# and what it alone finds in days that were judged before is no news.
VERSION = "3"
KEPT = {"hour": 168, "day": 7, "week": 4}  # the newest points
NEWEST = """
SELECT series, project_id, argMax(version, learned_at), toUnixTimestamp64Milli(argMax(learned_until, learned_at)),
    argMax(points, learned_at)
FROM ops.anomaly_baselines
WHERE length(dimensions) = 0 GROUP BY series, project_id
"""


def version_of(watch: Watch, table: Table) -> str:
    """Of the detectors and of what they were told."""
    holidays = table.whole.series.holidays
    return f"{VERSION}, sensitivity {watch.sensitivity}{f', holidays of {holidays}' if holidays else ''}"


def write_baseline(
    settings: Settings, watch: Watch, project: str, table: Table, whole: Detection, now: datetime
) -> None:
    points = KEPT[watch.grain]
    told = {
        "from": [as_text(moment) for moment in table.starts[-points:]],
        **{
            name: [as_number(one) for one in getattr(whole, name)[-points:].tolist()]
            for name in ("expected", "lower", "upper")
        },
        "sensitivity": watch.sensitivity,
        "holidays": table.whole.series.holidays,
    }
    row = {
        "series": watch.series,
        "project_id": project,
        "dimensions": {},
        "version": version_of(watch, table),
        "learned_at": as_text(now),
        "learned_until": as_text(table.starts[-1]),
        "points": int(np.isfinite(table.whole.series.values).sum()),
        "baseline": json.dumps(told),
    }
    with closing(connect(settings, ROLE)) as client, failures_as_sentences("writing a baseline down"):
        client.raw_insert("ops.anomaly_baselines", insert_block=json.dumps(row).encode(), fmt="JSONEachRow")


def read_baselines(settings: Settings) -> Mapping[tuple[str, str], dict[str, Any]]:
    """The newest of each series and project."""
    with closing(connect(settings, ROLE)) as client, failures_as_sentences("reading baselines"):
        rows = client.query(NEWEST).result_rows
    return {
        (series, project): {
            **{"version": version, "points": points},
            "learned_until": datetime.fromtimestamp(until / 1000, UTC),
        }
        for series, project, version, until, points in rows
    }
