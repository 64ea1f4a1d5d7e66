"""What is declared into a running Superset: only what differs, and without what is declared no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bi.assembling import assemble
from bi.audit import keep_uses
from bi.bundle import files, zipped
from bi.client import Client, Refused
from bi.declared import read_declarations
from bi.differences import Difference, differences, digests, exported
from bi.home import Home, write_private
from bi.metrics import SemanticManifest, read_semantic_manifest
from bi.model import OURS, Bundle
from bi.people import sync_people
from bi.service import Service
from semantic_layer.metrics.catalogue import load_catalogue, semantic_manifest
from semantic_layer.metrics.extensions import meta_of
from warehouse.errors import MillraceError
from warehouse.lineage.graph import built_graph
from warehouse.locks import one_at_a_time
from warehouse.settings import Settings

# In this order nothing is deleted that something else still shows.
DELETED = (("dashboard", "dashboard_title"), ("chart", "slice_name"), ("dataset", "table_name"))
REASON = re.compile(r"failed for (\S+\.yaml) \(prefix: \w+\): (\{.*\})")


@dataclass(frozen=True)
class Synced:
    changed: Sequence[Difference]
    removed: Sequence[str]
    unchanged: int


def bundle_of(settings: Settings) -> Bundle:
    """Of the project as it was built last, and dashboards/*.yaml as they are now."""
    declarations, manifest = read_declarations(settings), _built(settings)
    return assemble(declarations, _semantic(settings, manifest), manifest, _last_day(settings), settings.project)


def metrics_of(settings: Settings) -> Iterator[tuple[str, Sequence[str], str]]:
    """Each metric with the datasets that have it, or why none has."""
    semantic, datasets = _semantic(settings, _built(settings)), bundle_of(settings).datasets
    for name, metric in semantic.metrics.items():
        if not meta_of(metric).get("hidden"):
            found = [one.name for one in datasets if any(measure.name == name for measure in one.measures)]
            yield name, found, "" if found else semantic.absence(name)


def _built(settings: Settings) -> Mapping[str, Any]:
    manifest = built_graph(settings).manifest
    if not manifest["nodes"]:
        raise MillraceError("There are no marts to show yet.", hint="Run `millrace build`.")
    return manifest


def _semantic(settings: Settings, manifest: Mapping[str, Any]) -> SemanticManifest:
    return read_semantic_manifest(semantic_manifest(settings), manifest)


def sync(settings: Settings, service: Service) -> Synced:
    bundle = bundle_of(settings)
    client, declared = service.client(), files(bundle)
    with one_at_a_time(service.home.control_lock):
        changed = list(differences(declared, exported(client.export_assets())))
        if changed:
            bring(client, service.home, bundle, declared)
        removed = _remove_what_is_gone(client, declared)
        write_private(service.home.synced_file, json.dumps(digests(declared)))
        sync_people(settings, service, bundle)
        keep_uses(settings, client)
    return Synced(changed, removed, len(digests(declared)) - len(changed))


def drift(settings: Settings, service: Service) -> list[Difference]:
    """What somebody edited in Superset: it differs from what was brought there, which is what is declared."""
    declared = files(bundle_of(settings))
    try:
        brought: Mapping[str, str] = json.loads(service.home.synced_file.read_text())
    except (OSError, ValueError):
        return []
    now = digests(declared)
    found = differences(declared, exported(service.client().export_assets()))
    return [one for one in found if brought.get(one.uuid) == now[one.uuid]]


def bring(client: Client, home: Home, bundle: Bundle, declared: Mapping[str, Any]) -> None:
    begin = home.log.stat().st_size if home.log.exists() else 0
    try:
        client.import_assets(zipped(declared))
    except Refused as error:
        # What is wrong, Superset tells its log alone.
        with home.log.open("rb") as log:
            log.seek(begin)
            said = log.read().decode(errors="replace")
        raise MillraceError(_readable(said, bundle) or error.message, hint=f"Its log: {home.log}") from error


def _readable(log: str, bundle: Bundle) -> str:
    places = {f"charts/{chart.id}.yaml": f"{chart.place} ({chart.title})" for chart in bundle.charts}
    found = REASON.findall(log)
    return "; ".join(f"{places.get(path, path)}: Superset does not take {reason}" for path, reason in found[:5])


def _remove_what_is_gone(client: Client, declared: Mapping[str, Any]) -> list[str]:
    kept = {document["uuid"] for document in declared.values() if "uuid" in document}
    removed = []
    for kind, name in DELETED:
        rows = client.listed(kind, ["id", "uuid", name])
        gone = [row for row in rows if row["uuid"].startswith(OURS) and row["uuid"] not in kept]
        client.delete(kind, [row["id"] for row in gone])
        removed += [f"{kind} {row[name]}" for row in gone]
    return removed


def _last_day(settings: Settings) -> date:
    projects = load_catalogue(settings).projects
    days = [facts.last_day for facts in projects.values() if facts.last_day]
    asked = projects.get(settings.project)
    return (asked.last_day if asked else None) or max(days, default=date.today())
