"""A bundle as Superset imports it: a ZIP of YAML in its own layout."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from bi.model import Bundle, Chart, Dashboard, Dataset, Row, id_of

DATABASE = "Warehouse"
DATABASE_ID = id_of("database", DATABASE)
# Where ClickHouse is, inside/superset_config.py says at each query.
URI = "clickhousedb://clickhouse/marts"
GRID = ("ROOT_ID", "GRID_ID")


def files(bundle: Bundle) -> dict[str, Any]:
    """By path, as documents."""
    found: dict[str, Any] = {
        "metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"},
        f"databases/{DATABASE}.yaml": _database(),
    }
    for dataset in bundle.datasets:
        found[f"datasets/{DATABASE}/{dataset.name}.yaml"] = _dataset(dataset)
    for dashboard in bundle.dashboards:
        for chart in dashboard.charts:
            found[f"charts/{chart.id}.yaml"] = _chart(chart)
        found[f"dashboards/{dashboard.name}.yaml"] = _dashboard(dashboard)
    return found


def zipped(documents: Mapping[str, Any]) -> bytes:
    import yaml

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, document in documents.items():
            # A fixed time: the same bundle is the same bytes.
            info = zipfile.ZipInfo(f"assets/{path}", (2026, 1, 1, 0, 0, 0))
            archive.writestr(info, yaml.dump(document, sort_keys=False, allow_unicode=True, Dumper=_dumper()))
    return buffer.getvalue()


def _dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc] # one of two classes
        def ignore_aliases(self, data: Any) -> bool:
            return True

    Dumper.add_multi_representer(tuple, lambda dumper, data: dumper.represent_list(list(data)))
    return Dumper


def _database() -> dict[str, Any]:
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": URI,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "extra": {"allows_virtual_table_explore": True},
        "impersonate_user": False,
        "uuid": DATABASE_ID,
        "version": "1.0.0",
    }


def _dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "table_name": dataset.name if dataset.sql else dataset.table,
        "main_dttm_col": dataset.time or None,
        "description": f"{dataset.title}. {dataset.description}",
        "default_endpoint": None,
        "offset": 0,
        "cache_timeout": None,
        "catalog": None,
        "schema": "marts",
        "sql": dataset.sql or None,
        "params": None,
        "template_params": None,
        "filter_select_enabled": True,
        "fetch_values_predicate": None,
        "extra": json.dumps(
            {"certification": {"certified_by": dataset.owner, "details": "Made of what dbt declares and tests."}}
        ),
        "normalize_columns": False,
        "always_filter_main_dttm": False,
        "is_managed_externally": True,
        "uuid": dataset.id,
        "metrics": [
            {
                "metric_name": one.name,
                "verbose_name": one.label,
                "metric_type": None,
                "expression": one.expression,
                "description": one.description,
                "d3format": one.format or None,
                "currency": None,
                "extra": None,
                "warning_text": None,
            }
            for one in dataset.measures
        ],
        "columns": [
            {
                "column_name": one.name,
                "verbose_name": one.label or None,
                "is_dttm": one.is_time,
                "is_active": True,
                "type": one.type,
                "advanced_data_type": None,
                "groupby": one.grouped,
                "filterable": one.grouped,
                "expression": one.expression or None,
                "description": one.description,
                "python_date_format": None,
                "extra": None,
            }
            for one in dataset.columns
        ],
        "version": "1.0.0",
        "database_uuid": DATABASE_ID,
    }


def _chart(chart: Chart) -> dict[str, Any]:
    # The importer puts the ids that a dataset and a chart have there in the place of these.
    params = {**chart.params, "datasource": "1__table", "dashboards": []}
    context = {
        "datasource": {"id": 1, "type": "table"},
        "force": False,
        "queries": list(chart.queries),
        "form_data": params,
        "result_format": "json",
        "result_type": "full",
    }
    return {
        "slice_name": chart.title,
        "description": chart.description or None,
        "certified_by": chart.dataset.owner or None,
        "certification_details": None,
        "viz_type": chart.viz,
        "params": params,
        # Without it neither a report nor a test could ask what the chart asks.
        "query_context": json.dumps(context),
        "cache_timeout": None,
        "is_managed_externally": True,
        "uuid": chart.id,
        "version": "1.0.0",
        "dataset_uuid": chart.dataset.id,
    }


def _dashboard(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "dashboard_title": dashboard.title,
        "description": dashboard.description,
        "css": "",
        "slug": dashboard.name.replace("_", "-"),
        "certified_by": dashboard.owner,
        "certification_details": f"Kept in dashboards/{dashboard.name}.yaml",
        "published": True,
        "is_managed_externally": True,
        "uuid": dashboard.id,
        "position": _position(dashboard),
        "metadata": {
            "timed_refresh_immune_slices": [],
            "expanded_slices": {},
            "refresh_frequency": 0,
            "default_filters": "{}",
            "color_scheme": "supersetColors",
            "cross_filters_enabled": True,
            "native_filter_configuration": [dict(one) for one in dashboard.filters],
            "chart_configuration": {},
            "global_chart_configuration": {
                "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
                "chartsInScope": [],
            },
            "label_colors": {},
            "shared_label_colors": {},
        },
        "version": "1.0.0",
    }


def _position(dashboard: Dashboard) -> dict[str, Any]:
    found: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": dashboard.title}},
    }
    if len(dashboard.sections) == 1:
        for number, row in enumerate(dashboard.sections[0].rows):
            _put_row(found, row, f"{number}", list(GRID))
        return found
    tabs = {"id": "TABS", "type": "TABS", "children": [], "parents": ["ROOT_ID"], "meta": {}}
    found["TABS"] = tabs
    found["ROOT_ID"]["children"] = ["TABS"]
    for number, section in enumerate(dashboard.sections):
        tab = f"TAB-{number}"
        found["TABS"]["children"].append(tab)
        found[tab] = {
            "id": tab,
            "type": "TAB",
            "children": [],
            "parents": ["ROOT_ID", "TABS"],
            "meta": {"text": section.title, "defaultText": section.title, "placeholder": section.title},
        }
        for place, row in enumerate(section.rows):
            _put_row(found, row, f"{number}-{place}", ["ROOT_ID", "TABS", tab])
    return found


def _put_row(found: dict[str, Any], row: Row, name: str, parents: list[str]) -> None:
    row_id = f"ROW-{name}"
    found[parents[-1]]["children"].append(row_id)
    found[row_id] = {
        "id": row_id,
        "type": "ROW",
        "children": [],
        "parents": parents,
        "meta": {"background": "BACKGROUND_TRANSPARENT"},
    }
    for number, tile in enumerate(row.tiles):
        kind = "CHART" if tile.chart else "MARKDOWN"
        tile_id = f"{kind}-{name}-{number}"
        found[row_id]["children"].append(tile_id)
        meta: dict[str, Any] = {"width": tile.width, "height": row.height}
        if tile.chart:
            meta |= {"chartId": 0, "uuid": tile.chart.id, "sliceName": tile.chart.title}
        else:
            meta |= {"code": tile.text}
        found[tile_id] = {"id": tile_id, "type": kind, "children": [], "parents": [*parents, row_id], "meta": meta}
