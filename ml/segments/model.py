"""The model `segments` as the registry knows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np

from ml.plotting import png
from ml.segments.clusters import Choice, Segment, Segmentation, find_segments, frame_of, silhouette, silhouettes
from ml.segments.features import WINDOW, Behaviour, Floats, read_behaviour
from ml.segments.members import read_segments, write_members
from ml.trainable import Candidate, Evaluation, Gate
from warehouse.errors import MillraceError
from warehouse.settings import Settings


class SegmentsModel:
    name = "segments"
    title = "Groups of users who behave alike"
    gate = Gate(metric="silhouette", at_least=0.15)

    def train(self, settings: Settings, project: str, until: date) -> Candidate:
        """Of the 30 days before the last 30: these judge, of people who were not looked at as they are now."""
        behaviour = read_behaviour(settings, project, until - timedelta(days=WINDOW))
        model, tried = find_segments(behaviour.looked_at, *read_segments(settings, project))
        newest = read_behaviour(settings, project, until)
        evaluation = _evaluation(project, model, newest, until)
        chosen = next(one for one in tried if one.groups == len(model.segments))
        parameters: dict[str, str | int | float | bool] = {
            "groups": chosen.groups,
            "features": ", ".join(model.used),
            "window_days": WINDOW,
        }
        told = card(project, model, tried, behaviour, evaluation)
        plots = {"segments.png": plot(model, newest.looked_at)}
        return Candidate(model, parameters, evaluation, behaviour.fingerprint, told, plots)

    def evaluate(self, settings: Settings, project: str, model: Segmentation, until: date) -> Evaluation:
        return _evaluation(project, model, read_behaviour(settings, project, until), until)

    def predict(self, settings: Settings, project: str, model: Segmentation, version: str, day: date) -> int:
        return write_members(settings, project, model, version, day, read_behaviour(settings, project, day))

    def dump(self, model: Segmentation) -> bytes:
        return json.dumps(asdict(model)).encode()

    def load(self, kept: bytes) -> Segmentation:
        told: dict[str, Any] = json.loads(kept)
        segments = tuple(Segment(**one) for one in told["segments"])
        return Segmentation(tuple(told["used"]), tuple(told["middle"]), tuple(told["scale"]), segments)


SEGMENTS = SegmentsModel()


def _evaluation(project: str, model: Segmentation, behaviour: Behaviour, until: date) -> Evaluation:
    if len(behaviour.people) < len(model.segments) + 1:
        raise MillraceError(
            f"{len(behaviour.people):,} users of {project} were active in the {WINDOW} days until {until}: too few "
            "to judge segments by.",
            hint="Load newer events, or name an earlier day by --day. The segments of before stay.",
        )
    return Evaluation(judged(model, behaviour.looked_at), window=(until - timedelta(days=WINDOW - 1), until))


def judged(model: Segmentation, looked_at: Floats) -> dict[str, float]:
    """In the space of those who are judged, not in the model's own: in fewer or wider features any groups look further
    apart, and champion and candidate could not be compared."""
    places = model.assign(looked_at)
    shares = [float((places == n).mean()) for n in range(len(model.segments))]
    return {"silhouette": silhouette(frame_of(looked_at).scaled(looked_at), places), "smallest_share": min(shares)}


def plot(model: Segmentation, looked_at: Floats) -> bytes:
    """How many of those who are judged are in each segment, and how far each is from the others."""
    from matplotlib.figure import Figure

    places = model.assign(looked_at)
    of_each = silhouettes(frame_of(looked_at).scaled(looked_at), places)
    names = [one.name for one in model.segments]
    sizes = [int((places == n).sum()) for n in range(len(names))]
    apart = [float(np.nanmean(of_each[places == n])) if sizes[n] else 0.0 for n in range(len(names))]
    figure = Figure(figsize=(10, 1 + 0.6 * len(names)))
    left, right = figure.subplots(1, 2, sharey=True)
    left.barh(names, sizes)
    left.set(xlabel="users", title="Users of the days of the judgement")
    right.barh(names, apart)
    right.set(xlabel="silhouette", title="How far apart")
    return png(figure)


def card(
    project: str, model: Segmentation, tried: Sequence[Choice], behaviour: Behaviour, evaluation: Evaluation
) -> str:
    places = model.assign(behaviour.looked_at)
    groups = "\n".join(
        f"| {one.segment_id} | {one.name} | {int((places == n).sum()):,} |" for n, one in enumerate(model.segments)
    )
    choices = "\n".join(
        f"| {one.groups} | {one.silhouette:.3f} | {one.stability:.2f} | {one.smallest:.1%} |" for one in tried
    )
    return f"""# Segments of {project}

**For**: telling apart groups of users by what they do, and seeing who moves. **Not for**: judging single persons, or
causes: a group is what is near to a centre, and no kind of people.

**Made of** {len(behaviour.people):,} users who were active in {WINDOW} days, by
{", ".join(model.used)}:
counts as logarithms, in interquartile ranges from the median. Who was not active is in the segment `not active`.

| id | segment | users |
|---|---|---|
{groups}

**How many groups**: of those that stand resampling (adjusted Rand index) the number that sets them apart best
(silhouette).

| groups | silhouette | stability | smallest |
|---|---|---|---|
{choices}

**Judged** by the {WINDOW} days after: silhouette {evaluation.metrics["silhouette"]:.3f}, in the spreads
of those days.
"""
