"""The filters of a dashboard, as Superset keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from bi.model import Column, Dataset, Measure, id_of

PROJECTS = "projects"  # the dataset whose rows are the projects
ORDER = "order_of_projects"


@dataclass(frozen=True)
class Selection:
    dataset: Dataset
    column: Column


def ordered(projects: Dataset, first: str) -> Dataset:
    """With what projects are sorted by: the one that is to be the first, then those with the longest past. A dashboard
    opens with the first that somebody may see."""
    of_it = "'" + first.replace("\\", "\\\\").replace("'", "\\'") + "'"
    sql = f"max(ifNull(dateDiff('day', first_event_on, last_event_on), -1) + if(project_id = {of_it}, 1000000, 0))"
    told = "What projects are sorted by: MILLRACE_PROJECT first, then the days of their events."
    return replace(projects, measures=(*projects.measures, Measure(ORDER, "Order of projects", sql, told, ",d")))


def filters_of(wanted: Iterable[Selection | str], period: str) -> tuple[Mapping[str, Any], ...]:
    found = []
    for one in wanted:
        if one == "period":
            found.append(_filter("period", "Period", "filter_time", {}, _state({"time_range": period}, period)))
        elif one == "project":
            target = {"datasetUuid": id_of("dataset", PROJECTS), "column": {"name": "project_id"}}
            # Of one at a time: each has a currency and days of its own.
            found.append(_filter("project", "Project", "filter_select", target, _state({}, None), first_by=ORDER))
        elif isinstance(one, Selection):
            name = one.column.name
            target = {"datasetUuid": one.dataset.id, "column": {"name": name}}
            found.append(_filter(name, one.column.label, "filter_select", target, _state({}, None), several=True))
    return tuple(found)


def in_address(project: str, period: str = "") -> str:
    """What these filters are set to when a dashboard is opened, as its address has it: Rison, with no letter that an
    address or a page reads anything into."""

    def text(value: str) -> str:
        return "'" + value.replace("!", "!!").replace("'", "!'") + "'"

    only = f"!({text(project)})"
    masks = {"project": f"extraFormData:(filters:!((col:project_id,op:IN,val:{only}))),filterState:(value:{only})"}
    if period:
        masks["period"] = f"extraFormData:(time_range:{text(period)}),filterState:(value:{text(period)})"
    told = [f"NATIVE_FILTER-{name}:(id:NATIVE_FILTER-{name},{mask},ownState:())" for name, mask in masks.items()]
    return quote(f"({','.join(told)})")


def _state(extra: Mapping[str, Any], value: Any) -> dict[str, Any]:
    return {"extraFormData": dict(extra), "filterState": {} if value is None else {"value": value}, "ownState": {}}


def _filter(
    name: str,
    label: str,
    kind: str,
    target: Mapping[str, Any],
    mask: Mapping[str, Any],
    *,
    first_by: str = "",
    several: bool = False,
) -> dict[str, Any]:
    return {
        "id": f"NATIVE_FILTER-{name}",
        "name": label,
        "filterType": kind,
        "type": "NATIVE_FILTER",
        "description": "",
        "targets": [dict(target)],
        "defaultDataMask": mask,
        "controlValues": {
            "enableEmptyFilter": bool(first_by),
            "defaultToFirstItem": bool(first_by),
            "multiSelect": several,
            "searchAllOptions": False,
            "inverseSelection": False,
            **({"sortAscending": False} if first_by else {}),
        },
        # Required: charts wait until it has its first value.
        **({"sortMetric": first_by, "requiredFirst": True} if first_by else {}),
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
    }
