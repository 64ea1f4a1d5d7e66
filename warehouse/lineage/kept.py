"""Column lineage of all models as they were built last: read from their SQL once, then kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from warehouse.lineage.columns import Lineage, Made, Schema, lineage_of
from warehouse.lineage.graph import Graph
from warehouse.private_files import private_folder, replace_private
from warehouse.settings import Settings

FORM = 1  # of what is kept


class KeptLineage:
    """`of` an asset is None where nothing can be told of it: it was not built yet, or its SQL is not understood."""

    def __init__(self, settings: Settings, graph: Graph) -> None:
        self.graph = graph
        self.folder = settings.data_dir / "dbt"
        self.file = self.folder / "column_lineage.json"
        self.kept = self._read()
        self.found: dict[str, Lineage | None] = {}

    def of(self, asset: str) -> Lineage | None:
        if asset not in self.found:
            self.found[asset] = self._of(asset)
        return self.found[asset]

    def everywhere(self) -> Mapping[str, Lineage | None]:
        """Of every model; what was not kept yet is kept from now on."""
        before = len(self.kept)
        models = [asset for asset, node in self.graph.nodes.items() if node.startswith("model.")]
        found = {asset: self.of(asset) for asset in models}
        if len(self.kept) > before:
            self.keep()
        return found

    def keep(self) -> None:
        replace_private(private_folder(self.folder) / self.file.name, json.dumps(self.kept))

    def _of(self, asset: str) -> Lineage | None:
        node = self.graph.manifest["nodes"].get(self.graph.nodes.get(asset, ""))
        if node is None:
            return None
        compiled = self.folder / "target" / "compiled" / node["package_name"] / node["original_file_path"]
        try:
            sql = compiled.read_text(encoding="utf-8")
        except OSError:
            return None
        schema = self._schema(node)
        text = json.dumps([FORM, version("sqlglot"), sql, schema])
        checksum = hashlib.sha256(text.encode()).hexdigest()
        if checksum not in self.kept:
            self.kept[checksum] = _written(lineage_of(sql, schema))
        return _lineage(self.kept[checksum])

    def _schema(self, node: Mapping[str, Any]) -> Schema:
        """The columns of what a model reads, for `select *` and for names without a table."""
        schema: dict[str, dict[str, dict[str, str]]] = {}
        for parent in node["depends_on"]["nodes"]:
            one = self.graph.manifest["nodes"].get(parent) or self.graph.manifest["sources"].get(parent)
            if one and one["columns"]:
                table = one.get("identifier") or one["alias"]
                schema.setdefault(one["schema"], {})[table] = dict.fromkeys(one["columns"], "String")
        return schema

    def _read(self) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept


def _written(lineage: Lineage | None) -> Any:
    if lineage is None:
        return None
    return {
        "columns": {name: [sorted(made.of), made.known] for name, made in lineage.columns.items()},
        "reads": sorted(lineage.reads),
    }


def _lineage(written: Any) -> Lineage | None:
    if written is None:
        return None
    return Lineage(
        {
            name: Made(frozenset((asset, column) for asset, column in of), known)
            for name, (of, known) in written["columns"].items()
        },
        frozenset((asset, column) for asset, column in written["reads"]),
    )
