"""Groups by k-means on robust features; how many there are is said by how apart they are, and stay when resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.segments.features import FEATURES, NAMES, Floats
from warehouse.errors import MillraceError

SEED = 42
LEAST, MOST = 3, 7  # groups: two are only much and little of everything, and of many nobody knows which is which
RESAMPLES, SHARE = 6, 0.8
STABLE = 0.75  # adjusted Rand index between all people and resamples of them, from which on groups are groups
LEAST_SHARE = 0.03  # of people in each
LEAST_PEOPLE = 100
LOOKED_AT = 2000  # people whose silhouette is computed: it grows by the square
FARTHEST = 3.0  # in interquartile ranges: beyond, one person would be a group
SAME = 0.5  # of the least distance between two groups: nearer than that an old one is the new one
TELLING = 0.25  # interquartile ranges from the middle of the groups: what is nearer is not worth a word


@dataclass(frozen=True)
class Segment:
    segment_id: int
    name: str
    centre: dict[str, float]  # as looked at, in no scale: so that scales of another training can be compared


@dataclass(frozen=True)
class Segmentation:
    used: tuple[str, ...]  # features that differ at all
    middle: tuple[float, ...]
    scale: tuple[float, ...]
    segments: tuple[Segment, ...]

    def scaled(self, looked_at: Floats) -> Floats:
        columns = [NAMES.index(name) for name in self.used]
        return np.clip((looked_at[:, columns] - self.middle) / self.scale, -FARTHEST, FARTHEST)

    @property
    def centres(self) -> Floats:
        """Not clipped again: they are means of what was."""
        raw = np.array([[one.centre[name] for name in self.used] for one in self.segments])
        return (raw - self.middle) / self.scale

    def assign(self, looked_at: Floats) -> NDArray[np.int64]:
        """The place of each person's segment among the segments."""
        distances = ((self.scaled(looked_at)[:, None, :] - self.centres[None]) ** 2).sum(axis=2)
        return distances.argmin(axis=1) if len(looked_at) else np.array([], dtype=np.int64)


@dataclass(frozen=True)
class Choice:
    groups: int
    silhouette: float
    stability: float
    smallest: float


def find_segments(looked_at: Floats, before: Sequence[Segment], used_ids: int) -> tuple[Segmentation, list[Choice]]:
    """The segments, those of before under their ids and names where they are the same; and what was tried."""
    import sklearn.cluster  # noqa: F401 - before the limit, which holds for libraries that are there
    from threadpoolctl import threadpool_limits

    if len(looked_at) < LEAST_PEOPLE:
        raise MillraceError(
            f"{len(looked_at):,} people are too few to be grouped; it takes {LEAST_PEOPLE}.",
            hint="Users count who were active in the 30 days that are learned from. The segments of before stay.",
        )
    frame = frame_of(looked_at)
    used, points = frame.used, frame.scaled(looked_at)
    with threadpool_limits(1):  # sums in another order are other sums: on any number of cores the same groups
        tried = [_tried(points, k) for k in range(LEAST, MOST + 1)]
    stable = [one for one in tried if one[0].stability >= STABLE and one[0].smallest >= LEAST_SHARE]
    choices = [choice for choice, _ in tried]
    if not stable:
        best = max(choices, key=lambda one: one.stability)
        raise MillraceError(
            f"People form no groups that last: of {LEAST} to {MOST}, {best.groups} groups stand resampling best, by an "
            f"adjusted Rand index of {best.stability:.2f}; it takes {STABLE} and {LEAST_SHARE:.0%} of people in each.",
            hint="The segments of before stay.",
        )
    _, centres = max(stable, key=lambda one: one[0].silhouette)
    raw = (centres * frame.scale + frame.middle).round(9)
    names = _named(used, centres)
    found = [Segment(0, name, dict(zip(used, row.tolist(), strict=True))) for name, row in zip(names, raw, strict=True)]
    kept = _as_before(frame, found, before, used_ids)
    return Segmentation(frame.used, frame.middle, frame.scale, tuple(kept)), choices


def frame_of(looked_at: Floats) -> Segmentation:
    """The space of these people, without segments: the features in which they differ, each in its own spread."""
    if not np.isfinite(looked_at).all():
        bad = [name for name, column in zip(NAMES, looked_at.T, strict=True) if not np.isfinite(column).all()]
        raise MillraceError(
            f"What people did is no number: {', '.join(bad)}.",
            hint="Look at fct_events (`millrace quality`). The segments of before stay.",
        )
    low, middle, high = np.quantile(looked_at, [0.25, 0.5, 0.75], axis=0)
    spread = np.where(high > low, high - low, looked_at.std(axis=0))
    differs = spread > 1e-9
    if differs.sum() < 2:
        raise MillraceError(
            "All people do the same: fewer than two features differ, so there is nothing to group by.",
            hint="The segments of before stay.",
        )
    used = tuple(name for name, one in zip(NAMES, differs, strict=True) if one)
    return Segmentation(used, tuple(middle[differs].tolist()), tuple(spread[differs].tolist()), ())


def silhouettes(points: Floats, labels: NDArray[np.int64]) -> Floats:
    """Of each person that is looked at; NaN of the others."""
    from sklearn.metrics import silhouette_samples

    chosen = np.random.default_rng(SEED).permutation(len(points))[:LOOKED_AT]
    found = np.full(len(points), np.nan)
    found[chosen] = silhouette_samples(points[chosen], labels[chosen]) if len(np.unique(labels[chosen])) > 1 else 0.0
    return found


def silhouette(points: Floats, labels: NDArray[np.int64]) -> float:
    return float(np.nanmean(silhouettes(points, labels)))


def _tried(points: Floats, k: int) -> tuple[Choice, Floats]:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    def fitted(some: Floats, starts: int) -> KMeans:
        return KMeans(k, n_init=starts, random_state=SEED).fit(some)

    whole = fitted(points, 10)
    chance, agreed = np.random.default_rng(SEED), []
    for _ in range(RESAMPLES):
        chosen = chance.permutation(len(points))[: int(len(points) * SHARE)]
        agreed.append(adjusted_rand_score(whole.labels_, fitted(points[chosen], 2).predict(points)))
    order = np.lexsort(whole.cluster_centers_.T[::-1])  # the numbers of k-means mean nothing
    smallest = np.bincount(whole.labels_, minlength=k).min() / len(points)
    labels = whole.labels_.astype(np.int64)
    return Choice(k, silhouette(points, labels), float(np.mean(agreed)), float(smallest)), whole.cluster_centers_[order]


def _named(used: Sequence[str], centres: Floats) -> list[str]:
    """By what sets a segment apart from the others most, in as few words as make all names different."""
    words = {feature.name: feature for feature in FEATURES}
    away = centres - centres.mean(axis=0)
    told = []
    for row in away:
        order = np.argsort(-np.abs(row), kind="stable")
        said = [n for n in order if abs(row[n]) > TELLING]
        told.append([words[used[n]].much if row[n] > 0 else words[used[n]].little for n in said])
    for count in (2, 3, len(used)):
        names = [", ".join(one[:count]) or "like everybody" for one in told]
        if len(set(names)) == len(names):
            return names
    return [f"{name} ({number})" if names.count(name) > 1 else name for number, name in enumerate(names, 1)]


def _as_before(
    frame: Segmentation, found: Sequence[Segment], before: Sequence[Segment], used_ids: int
) -> list[Segment]:
    """A training that finds the same people again must not look as if everybody moved."""
    from scipy.optimize import linear_sum_assignment

    new = Segmentation(frame.used, frame.middle, frame.scale, tuple(found)).centres
    matched: dict[int, Segment] = {}
    known = [one for one in before if set(one.centre) >= set(frame.used)]
    if known:
        old = Segmentation(frame.used, frame.middle, frame.scale, tuple(known)).centres
        apart = np.sqrt(((new[:, None] - old[None]) ** 2).sum(axis=2))
        between = np.sqrt(((new[:, None] - new[None]) ** 2).sum(axis=2))
        nearest = between[~np.eye(len(new), dtype=bool)].min()
        for n, o in zip(*linear_sum_assignment(apart), strict=True):
            if apart[n, o] <= SAME * nearest:
                matched[int(n)] = known[int(o)]
    taken = {one.name for one in matched.values()}
    kept, following = [], used_ids + 1
    for n, one in enumerate(found):
        if n in matched:
            kept.append(Segment(matched[n].segment_id, matched[n].name, one.centre))
            continue
        name = one.name if one.name not in taken else f"{one.name} ({following})"
        kept.append(Segment(following, name, one.centre))
        following += 1
    return kept
