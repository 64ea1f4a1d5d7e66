"""How what a Superset has differs from what is declared."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

KINDS = {"datasets": "dataset", "charts": "chart", "dashboards": "dashboard"}
NAMES = {"datasets": "table_name", "charts": "slice_name", "dashboards": "dashboard_title"}
# What Superset itself puts into charts and dashboards: ids of that very instance, and where a chart is shown.
OF_THE_INSTANCE = ("datasource", "dashboards", "slice_id", "url_params", "extra_form_data", "dashboardId")
FILTER_KEYS = ("controlValues", "sortMetric", "requiredFirst")
COLUMN_KEYS = ("column_name", "verbose_name", "is_dttm", "groupby", "filterable", "expression", "description")
METRIC_KEYS = ("metric_name", "verbose_name", "expression", "description", "d3format")
TILE_KEYS = ("width", "height", "uuid", "code", "text")


@dataclass(frozen=True)
class Difference:
    kind: str  # dataset, chart or dashboard
    name: str
    what: str  # is missing, or which parts are others
    uuid: str


def by_id(documents: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Datasets, charts and dashboards with their kind, by their uuid."""
    return {
        document["uuid"]: (kind, document)
        for path, document in documents.items()
        if (kind := path.partition("/")[0]) in KINDS
    }


def exported(archive: bytes) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {
            name.partition("/")[2]: yaml.load(opened.read(name), loader)  # noqa: S506 - a safe loader
            for name in opened.namelist()
            if name.endswith(".yaml")
        }


def differences(declared: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[Difference]:
    have = by_id(there)
    for uuid, (kind, wanted) in by_id(declared).items():
        name = str(wanted[NAMES[kind]])
        if uuid not in have:
            yield Difference(KINDS[kind], name, "is missing", uuid)
            continue
        ours, theirs = compared(kind, wanted), compared(kind, have[uuid][1])
        if parts := [part for part in ours if ours[part] != theirs.get(part)]:
            yield Difference(KINDS[kind], name, ", ".join(part.replace("_", " ") for part in parts), uuid)


def digests(documents: Mapping[str, Any]) -> dict[str, str]:
    return {
        uuid: hashlib.sha256(json.dumps(compared(kind, document), sort_keys=True).encode()).hexdigest()
        for uuid, (kind, document) in by_id(documents).items()
    }


def compared(kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """What people see and may edit, in one form for what is declared and what is exported."""
    return json.loads(json.dumps(_COMPARED[kind](document)))  # type: ignore[no-any-return] # tuples as lists


def _dataset(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": document["table_name"],
        "description": document["description"],
        "time_column": document["main_dttm_col"],
        "sql": document["sql"] or None,
        "metrics": sorted(([one.get(key) or None for key in METRIC_KEYS] for one in document["metrics"]), key=str),
        "columns": sorted(([one.get(key) or None for key in COLUMN_KEYS] for one in document["columns"]), key=str),
    }


def _chart(document: Mapping[str, Any]) -> dict[str, Any]:
    params = document["params"]
    return {
        "title": document["slice_name"],
        "description": document["description"] or None,
        "kind": document["viz_type"],
        "settings": {
            # What is empty may as well be missing: Superset adds some.
            key: value
            for key, value in params.items()
            if key not in OF_THE_INSTANCE and value not in (None, [], {})
        },
        "dataset": document["dataset_uuid"],
        # Guests may ask for this and nothing else.
        "question": json.loads(document.get("query_context") or "{}").get("queries"),
    }


def _dashboard(document: Mapping[str, Any]) -> dict[str, Any]:
    tiles = {
        name: [part["type"], part.get("children", []), [part.get("meta", {}).get(key) for key in TILE_KEYS]]
        for name, part in document["position"].items()
        if isinstance(part, dict) and part.get("type") not in ("HEADER",)
    }
    filters = document["metadata"].get("native_filter_configuration", [])
    return {
        "title": document["dashboard_title"],
        "description": document["description"],
        "layout": tiles,
        "filters": [
            [
                one["name"],
                one["filterType"],
                [target.get("column") for target in one["targets"]],
                one["defaultDataMask"],
                [one.get(key) for key in FILTER_KEYS],
            ]
            for one in filters
        ],
    }


_COMPARED = {"datasets": _dataset, "charts": _chart, "dashboards": _dashboard}
