"""What the dbt project declares, read from its files: no server is asked."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from warehouse.dbt import PROJECT, as_one_line, invoke
from warehouse.errors import MillraceError
from warehouse.private_files import private_folder, replace_private
from warehouse.settings import Settings

LAYERS = ("staging", "intermediate", "marts")
KEPT_MANIFESTS = 3
KNOWN = "partial_parse.msgpack"  # what dbt knows of a project that it has read, in its target folder


class ProjectUnreadable(MillraceError):
    """dbt cannot read its project."""


def read_manifest(project: Path = PROJECT) -> dict[str, Any]:
    """dbt's manifest of a project: models, columns, tests, and what is made from what."""
    with parsed(project) as folder:
        return _manifest_in(folder)


def _manifest_in(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return manifest


@contextmanager
def parsed(project: Path = PROJECT, known: Path | None = None) -> Iterator[Path]:
    """A folder with what dbt writes of a project when it reads it: manifest.json and semantic_manifest.json. `known`:
    what dbt kept of an earlier state of the project; then it reads only what is another since."""
    with tempfile.TemporaryDirectory(prefix="millrace-manifest-") as folder:
        if known and known.is_file():
            shutil.copy(known, folder)
        outcome = invoke(
            [
                *("--log-level", "none", "--log-path", folder),
                *("parse", "--project-dir", str(project), "--profiles-dir", str(project), "--target-path", folder),
            ],
            {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"},
        )
        if outcome.exception is not None:
            raise ProjectUnreadable(f"The dbt project cannot be read: {as_one_line(str(outcome.exception))}")
        yield Path(folder)


def read_project(project: Path, target: Path, values: Mapping[str, str], also: Sequence[str] = ()) -> list[str]:
    """Have dbt read a project, and leave what it read in `target`: what it says against it, nothing where it is right.
    `also`: names of dbt's events that are no errors to it, and yet to be told."""
    told: list[str] = []

    def hear(event: Any) -> None:
        if (event.info.level == "error" and event.info.name != "MainEncounteredError") or event.info.name in also:
            told.append(as_one_line(event.info.msg))

    outcome = invoke(
        [
            *("--log-level", "none", "--log-level-file", "none", "--log-path", str(target), "parse"),
            *("--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(target)),
        ],
        values,
        hear,
    )
    if outcome.success:
        return []
    return list(dict.fromkeys(told)) or [as_one_line(str(outcome.exception))]


def current_manifest(settings: Settings, project: Path = PROJECT) -> dict[str, Any]:
    """The manifest of the project as its files are now; parsed once for each state of them."""
    folder = settings.data_dir / "dbt" / "manifests"
    kept = folder / f"{_fingerprint(project)}.json"
    if not kept.is_file():
        known = settings.data_dir / "dbt" / "target" / KNOWN
        with parsed(project, known) as read:
            replace_private(private_folder(folder) / kept.name, json.dumps(_manifest_in(read)))
            if not known.is_file():  # the first build need not read it all once more
                shutil.copy(read / KNOWN, private_folder(known.parent) / KNOWN)
        for old in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-KEPT_MANIFESTS]:
            old.unlink(missing_ok=True)
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _fingerprint(project: Path) -> str:
    digest = hashlib.sha256(version("dbt-core").encode())
    for path in sorted(project.rglob("*")):
        if path.is_file() and path.suffix in (".sql", ".yml", ".yaml", ".csv"):
            digest.update(f"{path.relative_to(project)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The models of the project, in the order of its folders."""
    found = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return sorted(found, key=lambda node: (LAYERS.index(layer(node)), node["path"]))


def layer(model: dict[str, Any]) -> str:
    """The folder of the model: staging, intermediate or marts."""
    return str(model["fqn"][1])


def tests_of(manifest: dict[str, Any], model: dict[str, Any]) -> list[dict[str, Any]]:
    """The declared data tests of a model and of its columns."""
    return [node for node in manifest["nodes"].values() if node.get("attached_node") == model["unique_id"]]


def keys_of(manifest: dict[str, Any], model: dict[str, Any]) -> list[tuple[str, ...]]:
    """Columns that are tested to name a row."""
    keys = []
    for test in tests_of(manifest, model):
        declared = test["test_metadata"]
        if declared["name"] == "unique":
            keys.append((declared["kwargs"]["column_name"],))
        elif declared["name"] == "unique_combination":
            keys.append(tuple(declared["kwargs"]["columns"]))
    return sorted(keys, key=len)
