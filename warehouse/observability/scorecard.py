"""The scorecard: what `millrace quality` says, as one value that table, JSON and page are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from warehouse.errors import WrongUsage, nearest
from warehouse.observability.declared import read_declared
from warehouse.observability.incident_reading import read_incidents
from warehouse.observability.quality import read_history, read_scores
from warehouse.observability.scoring import Score, rounded
from warehouse.settings import Settings

ALL_WELL = "Nothing: no table lost a point."


def read_scorecard(settings: Settings, project: str = "", asset: str = "", days: int = 30) -> dict[str, Any]:
    """As of now, of everything or of one project or asset, with its history."""
    found = read_scores(settings)
    chosen = _chosen(found, project, asset)
    assets = sorted((one for one in chosen if one.asset), key=lambda one: (one.score, one.asset, one.project_id))
    head = _head(chosen, project, asset)
    tests = {node.split(".")[2] for node in read_declared(settings).assets_of_nodes if node.startswith("test.")}
    return {
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "project": project,
        "asset": asset,
        "score": rounded(head.score, 2) if head else None,
        "dimensions": _rounded(head.dimensions) if head else {},
        "projects": [
            {"project": one.project_id, "score": rounded(one.score, 2), "dimensions": _rounded(one.dimensions)}
            for one in chosen
            if not one.asset and one.project_id
        ],
        "assets": [
            {
                **{"asset": one.asset, "project": one.project_id, "score": rounded(one.score, 2)},
                "dimensions": _rounded(one.dimensions),
                "costs": [{**asdict(cost), "points": round(cost.points, 2)} for cost in one.costs],
            }
            for one in assets
        ],
        "next_step": _next_step(assets, tests, settings if asset else None),
        "history": [_past(row) for row in read_history(settings, project, chosen[-1].asset if asset else "", days)],
    }


def _chosen(found: Sequence[Score], project: str, asset: str) -> list[Score]:
    if asset and asset not in {one.asset for one in found}:
        known = {one.asset for one in found if one.asset}
        by_table = {name.partition(".")[2]: name for name in known}
        if asset in by_table:
            return _chosen(found, project, by_table[asset])
        raise WrongUsage(
            f"Nothing measures a table {asset!r}{nearest(asset, known) or '.'}", hint="`millrace quality` lists them."
        )
    return [
        one
        for one in found
        if (not asset or one.asset == asset)
        and (not project or one.project_id in ((project, "") if one.asset else (project,)))
    ]


def _head(chosen: Sequence[Score], project: str, asset: str) -> Score | None:
    """The one score above all others: of the asset, the project or everything."""
    if asset:
        return min(chosen, key=lambda one: one.score, default=None)
    return next((one for one in chosen if not one.asset and one.project_id == project), None)


def _next_step(assets: Sequence[Score], tests: set[str], looked_at: Settings | None) -> str:
    """`looked_at`: where it is one table that is looked at, whose checks stand there already."""
    dearest = max(((cost, one) for one in assets for cost in one.costs), key=lambda pair: pair[0].points, default=None)
    if dearest is None:
        return ALL_WELL
    cost, one = dearest
    if cost.check == "rejected lines":
        return f"millrace events rejected list --project {one.project_id}"
    if cost.check == "repeated events":
        return f"millrace metrics query --project {one.project_id} --metric duplicate_rate --by day"
    if cost.check == "freshness":
        return "millrace build" if not one.asset.startswith("raw.") else "millrace status"
    if cost.check in tests:
        return f"millrace dbt show --select {cost.check}"
    if looked_at is None:
        return f"millrace quality --asset {one.asset}"
    of_it = next((i for i in read_incidents(looked_at) if (i.asset, i.check_name) == (one.asset, cost.check)), None)
    return f"millrace incidents show {str(of_it.incident_id)[:8]}" if of_it else "millrace expectations docs"


def _past(row: Sequence[Any]) -> dict[str, Any]:
    from warehouse.observability.scoring import DIMENSIONS

    day, score, *dimensions = row
    measured = {name: value for name, value in zip(DIMENSIONS, dimensions, strict=True) if value is not None}
    return {"day": day, "score": rounded(score, 2), "dimensions": _rounded(measured)}


def _rounded(dimensions: dict[str, float]) -> dict[str, float]:
    return {name: rounded(value, 2) for name, value in dimensions.items()}
