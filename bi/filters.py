"""The filters of a dashboard, as Superset keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bi.model import Column, Dataset, id_of

PROJECTS = "projects"  # the dataset whose rows are the projects


@dataclass(frozen=True)
class Selection:
    dataset: Dataset
    column: Column


def filters_of(wanted: Iterable[Selection | str], period: str, project: str) -> tuple[Mapping[str, Any], ...]:
    found = []
    for one in wanted:
        if one == "period":
            found.append(_filter("period", "Period", "filter_time", {}, _state({"time_range": period}, period)))
        elif one == "project":
            mask = _state({"filters": [{"col": "project_id", "op": "IN", "val": [project]}]}, [project])
            target = {"datasetUuid": id_of("dataset", PROJECTS), "column": {"name": "project_id"}}
            # Of one at a time: each has a currency and days of its own.
            found.append(_filter("project", "Project", "filter_select", target, mask, required=True))
        elif isinstance(one, Selection):
            name = one.column.name
            target = {"datasetUuid": one.dataset.id, "column": {"name": name}}
            found.append(_filter(name, one.column.label, "filter_select", target, _state({}, None), several=True))
    return tuple(found)


def _state(extra: Mapping[str, Any], value: Any) -> dict[str, Any]:
    return {"extraFormData": dict(extra), "filterState": {} if value is None else {"value": value}, "ownState": {}}


def _filter(
    name: str,
    label: str,
    kind: str,
    target: Mapping[str, Any],
    mask: Mapping[str, Any],
    *,
    required: bool = False,
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
            "enableEmptyFilter": required,
            "defaultToFirstItem": False,
            "multiSelect": several,
            "searchAllOptions": False,
            "inverseSelection": False,
        },
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
    }
