"""Does monitoring find what is there, and nothing else?

`python -m bench.detection [NAB_FOLDER] [FIRST-LAST] [SIZE]`: the labelled series of the Numenta Anomaly Benchmark
(windows.json and folders of CSV files, packed or not), thresholds having been chosen on the first half of them; and
planted anomalies of simulated worlds of these seeds, each beside its untouched twin. Nothing was chosen by the seeds
20 to 39, which are looked at where none are named; by others, things were.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.detection_baselines import rolling_z, seasonal_hybrid_esd
from bench.detection_world import SHOWN_BY, Watched, watched
from bench.harness import report
from ingestion.demo.world import World
from monitoring.detectors.anomalies import anomalies
from monitoring.detectors.detection import DEFAULT_SENSITIVITY, Detection, detect, quiet_decades, score_of
from monitoring.detectors.series import Floats, Series
from monitoring.watch.declared import SEGMENTS
from monitoring.watch.judging import SEGMENTS_ARE_RARER
from monitoring.watch.reading import LATELY

PROBATION, MOST_PROBATION = 0.15, 750  # of a series, at its begin, where nothing counts
QUIET = 24  # points, after which an alarm is another one
LEARNED_AFTER = 42  # days: six weeks
WITHIN = 2  # points
DAY_MS = 86_400_000
REPORTED = range(20, 40)  # seeds
QUIET_DAYS = 600  # one false alarm in 30 days of 20 series


@dataclass(frozen=True)
class Labelled:
    name: str
    series: Series
    windows: list[tuple[int, int]]  # of points


def main() -> None:
    arguments = sys.argv[1:]
    folder = next((Path(one) for one in arguments if Path(one).is_dir()), None)
    spans = [found for one in arguments if (found := re.fullmatch(r"(\d+)-(\d+)", one))]
    seeds = range(int(spans[0][1]), int(spans[0][2]) + 1) if spans else REPORTED
    sizes: list[Any] = [one for one in arguments if one in ("small", "medium", "large")] or ["small"]
    if folder:
        labelled(folder)
    planted(seeds, sizes[0])


def labelled(folder: Path) -> None:
    everything = read_labelled(folder)
    methods: list[tuple[str, Callable[[Series], Floats], list[tuple[str, float]]]] = [
        (
            "millrace detect",
            lambda series: detect(series, 1.0).scores,
            [(f"sensitivity {one}", float(score_of(np.array(quiet_decades(one))))) for one in (0.5, 0.7, 0.9, 1.0)],
        ),
        ("rolling z-score", rolling_z, [(f"z {one}", one) for one in (3, 4, 5, 6)]),
        ("S-H-ESD", seasonal_hybrid_esd, [(f"MADs {one}", one) for one in (4, 6, 8, 12, 20)]),
    ]
    rows = []
    for half, series in (("tuned on", everything[0::2]), ("reported", everything[1::2])):
        for name, method, thresholds in methods:
            scores = [method(one.series) for one in series]
            rows += [(half, name, said, *judge_labelled(series, scores, at)) for said, at in thresholds]
    columns = (
        "half",
        "method",
        "threshold",
        "windows found",
        "of",
        "false per 1,000 points",
        "median delay (of window)",
    )
    report("detection_labelled", f"{len(everything)} labelled series", columns, rows)


def judge_labelled(series: list[Labelled], scores: list[Floats], threshold: float) -> tuple[Any, ...]:
    found, false, points, delays = 0, 0, 0, []
    for one, own in zip(series, scores, strict=True):
        probation = min(int(len(own) * PROBATION), MOST_PROBATION)
        alarm = own >= threshold - 1e-12
        alarm[:probation] = False
        inside = np.zeros(len(own), bool)
        for first, end in one.windows:
            inside[first:end] = True
            if alarm[first:end].any():
                found += 1
                delays.append(int(np.argmax(alarm[first:end])) / (end - first))
        at = np.flatnonzero(alarm)
        begins = at[np.diff(at, prepend=-QUIET - 1) > QUIET]
        false += int((~inside[begins]).sum())
        points += int((~inside[probation:]).sum())
    windows = sum(len(one.windows) for one in series)
    return found, windows, round(false / points * 1000, 2), round(float(np.median(delays)), 2) if delays else None


def read_labelled(folder: Path) -> list[Labelled]:
    windows = json.loads((folder / "windows.json").read_text())
    found = []
    for path in sorted(folder.glob("*/*.csv*")):
        name = f"{path.parent.name}/{path.name.removesuffix('.gz')}"
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            rows = list(csv.DictReader(file))
        times = np.array([row["timestamp"][:19] for row in rows], dtype="datetime64[s]")
        series = Series.of(times, np.array([float(row["value"]) for row in rows]))
        spans = [[np.datetime64(moment[:19]) for moment in window] for window in windows[name]]
        points = [
            (int(np.searchsorted(series.times, first)), int(np.searchsorted(series.times, last, side="right")))
            for first, last in spans
        ]
        found.append(Labelled(name, series, points))
    return found


def planted(seeds: range, size: Any) -> None:
    found: Counter[str] = Counter()
    delays: dict[str, list[int]] = {kind: [] for kind in SHOWN_BY}
    true, false, false_in_twin, days_of_twin = 0, 0, 0, 0.0
    for seed in seeds:
        for is_twin in (False, True):
            for one in watched(World(size=size, seed=seed, anomalies=not is_twin)):
                detections = judged(one)
                spans = told(one, detections)
                if is_twin:
                    false_in_twin += len(spans)
                    days_of_twin += (one.ends[-1] - one.starts[0]) / DAY_MS - LEARNED_AFTER
                    continue
                right = [any(_near(one, span, planted) for planted in one.planted) for span in spans]
                true, false = true + sum(right), false + len(right) - sum(right)
                for anomaly in one.planted:
                    if SHOWN_BY[anomaly.kind] == one.name:
                        first = int(np.argmax(one.ends > anomaly.start))
                        alarm = np.any([own.is_anomaly[first : first + WITHIN + 1] for _, own in detections], axis=0)
                        found[anomaly.kind] += bool(alarm.any())
                        delays[anomaly.kind] += [int(np.argmax(alarm))] if alarm.any() else []
    rows: list[tuple[Any, ...]] = [
        (kind, f"{found[kind]} of {len(seeds)}", *(delays[kind].count(delay) for delay in range(WITHIN + 1)))
        for kind in SHOWN_BY
    ]
    columns = ("planted", "found", "at once", "1 point later", "2 points later")
    report(f"detection_planted_{size}", f"Planted anomalies of {len(seeds)} {size} worlds", columns, rows)
    all_planted = len(seeds) * len(SHOWN_BY)
    report(
        f"detection_false_{size}",
        f"What was told, at sensitivity {DEFAULT_SENSITIVITY}",
        ("", "figure"),
        [
            ("recall: planted ones found within 2 points", f"{found.total() / all_planted:.1%}"),
            ("precision: anomalies told that are of a planted one", f"{true / max(true + false, 1):.1%}"),
            ("told, and of a planted one", true),
            ("told, and of none", false),
            ("told of untouched twins", false_in_twin),
            (f"the same, in {QUIET_DAYS} days of a series", round(false_in_twin / days_of_twin * QUIET_DAYS, 2)),
        ],
    )


Detected = tuple[Series, Detection]


def judged(one: Watched) -> list[Detected]:
    """The whole, and of each day the segments that are looked at on that day: as monitoring/watch does it."""
    by = [_looked_at(np.array([series.values for series in dimension])) for dimension in one.by]
    alike = SEGMENTS_ARE_RARER * sum(int(looked.sum(axis=0).max()) for looked in by)
    found = [(one.series, detect(one.series))]
    for dimension, looked in zip(one.by, by, strict=True):
        for series, days in zip(dimension, looked, strict=True):
            if days.any():
                detection = detect(series, alike=alike)
                found.append((series, replace(detection, is_anomaly=detection.is_anomaly & days)))
    return found


def _looked_at(values: Floats) -> Any:
    """Of each segment and day: whether it is one of the largest by all days until then, or by the last ones."""
    all_days = np.cumsum(values, axis=1)
    lately = all_days - np.pad(all_days, ((0, 0), (LATELY["day"], 0)))[:, : values.shape[1]]
    return np.any([(-own).argsort(axis=0, kind="stable").argsort(axis=0) < SEGMENTS for own in (all_days, lately)], 0)


def told(one: Watched, judged: list[Detected]) -> list[tuple[float, float]]:
    """When each anomaly is; of a segment only where nothing else is told of that time."""
    spans: list[tuple[float, float]] = []
    for series, detection in judged:
        for own in anomalies(series, detection):
            first, end = one.starts[own.first], one.ends[own.last]
            known = one.starts[own.last] >= one.starts[0] + LEARNED_AFTER * DAY_MS
            if known and not any(first < other[1] + DAY_MS and other[0] < end + DAY_MS for other in spans):
                spans.append((first, end))
    return spans


def _near(one: Watched, span: tuple[float, float], planted: Any) -> bool:
    """Whether an anomaly that was told overlaps one that was planted, or the points after it until it is seen."""
    width = WITHIN * (one.ends[0] - one.starts[0])
    return bool(span[0] < planted.end + width and span[1] > planted.start)


if __name__ == "__main__":
    main()
