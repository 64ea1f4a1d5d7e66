"""How good a table is: 0 to 100, and what cost how many points. The formula, told in docs/quality.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DIMENSIONS = ("completeness", "validity", "uniqueness", "timeliness", "consistency")
# What a failed check takes of its dimension before any row is counted; the share of rows that failed takes of the rest.
FAILED_ERROR = 0.5
FAILED_WARN = 0.1


@dataclass(frozen=True)
class Finding:
    """What one check or measurement says of a table."""

    asset: str
    project_id: str  # empty: all of them at once
    dimension: str
    check: str
    loss: float  # 0: all is well; 1: all of the dimension is lost
    message: str = ""


@dataclass(frozen=True)
class Cost:
    check: str
    dimension: str
    points: float
    message: str


@dataclass(frozen=True)
class Score:
    asset: str  # empty: all of them
    project_id: str  # empty: of an asset what is of no tenant, else all of them
    score: float
    dimensions: dict[str, float]  # those that were measured, 0 to 100
    costs: tuple[Cost, ...] = ()


def rounded(score: float, digits: int) -> float:
    """100 is said of what lost nothing alone."""
    return round(score, digits) if score >= 100 else min(round(score, digits), 100 - 10.0**-digits)


def loss_of_check(severity: str, share: float) -> float:
    """Of a check that failed on this share of the rows."""
    taken = FAILED_ERROR if severity == "error" else FAILED_WARN
    return taken + (1 - taken) * min(share, 1.0)


def loss_of_age(age_seconds: float, sla_seconds: int) -> float:
    """Nothing within the SLA; all of it where it is twice as old as it may be."""
    return min(max(age_seconds / sla_seconds - 1, 0.0), 1.0)


def scores(findings: Iterable[Finding]) -> list[Score]:
    """Of each asset and project, of each project, and of all."""
    of_assets: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        of_assets[finding.asset].append(finding)
    single: list[Score] = []
    for asset, found in sorted(of_assets.items()):
        # What was found for all projects at once holds for each.
        single.extend(
            _score(asset, project, [f for f in found if f.project_id in ("", project)])
            for project in sorted({f.project_id for f in found if f.project_id}) or [""]
        )
    projects = sorted({one.project_id for one in single if one.project_id})
    shared = [one for one in single if not one.project_id]
    totals = [_mean(project, [*shared, *(one for one in single if one.project_id == project)]) for project in projects]
    everything = [_mean("", totals or shared)] if single else []
    return [*everything, *totals, *single]


def _score(asset: str, project: str, findings: Sequence[Finding]) -> Score:
    losses: dict[str, float] = defaultdict(float)
    for finding in findings:
        losses[finding.dimension] += finding.loss
    weight = 100 / len(losses)
    costs = [
        # No dimension loses more than all of it: then what was lost is shared by what took it.
        Cost(f.check, f.dimension, weight * f.loss / max(losses[f.dimension], 1.0), f.message)
        for f in findings
        if f.loss > 0
    ]
    dimensions = {name: 100 * (1 - min(losses[name], 1.0)) for name in DIMENSIONS if name in losses}
    return Score(
        asset,
        project,
        sum(dimensions.values()) / len(dimensions),
        dimensions,
        tuple(sorted(costs, key=lambda cost: (-cost.points, cost.dimension, cost.check))),
    )


def _mean(project: str, of: Sequence[Score]) -> Score:
    dimensions = {}
    for name in DIMENSIONS:
        measured = [one.dimensions[name] for one in of if name in one.dimensions]
        if measured:
            dimensions[name] = sum(measured) / len(measured)
    return Score("", project, sum(one.score for one in of) / len(of), dimensions)
