"""What comes in: files of events that land in a folder, and rows of other systems. dlt loads both."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ingestion.inputs import find_inputs
from ingestion.loader import load, prepare
from ingestion.sources.definitions import Definition, load_definitions
from ingestion.sources.feeds import load_feeds
from ingestion.sources.loader import load_feeds_into_raw
from orchestration.infrastructure import (
    ALONE,
    POOL,
    RETRIES,
    is_of_the_infrastructure,
    retried_where_the_infrastructure_failed,
)
from orchestration.landing import landed_files
from orchestration.translation import TEAM
from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import load_settings

LANDING = dg.AssetKey(["landing", "files"])
EVENTS = dg.AssetKey(["raw", "events"])
FILES = "files_are_of_events"
# What a load of events fills beside them.
BESIDE_EVENTS = {
    "hourly_events": "Events per project, hour and name, live as they arrive.",
    "user_agents": "What each user agent means.",
    "referrers": "What each referring host is.",
    "events_rejected": "Lines that could not be accepted, with the reason.",
    "places": "Where each address is, where a geo database is configured.",
}
DECLARED = {
    "projects": "projects.yaml in the warehouse; `millrace migrate` writes it.",
    "event_types": "The registry of event types in the warehouse; `millrace migrate` writes it.",
}
SCORES = "How good each table was on each day: written at the end of each build, and by `millrace quality`."


def source_keys() -> list[dg.AssetKey]:
    return [dg.AssetKey(["raw", name]) for name in load_definitions(load_settings())]


def raw_assets() -> list[dg.AssetsDefinition | dg.AssetSpec]:
    definitions = load_definitions(load_settings())
    return [
        dg.AssetSpec(
            LANDING,
            group_name="landing",
            description="Files of events in MILLRACE_LANDING_DIR: what SDKs sent, or canonical events.",
            kinds={"file"},
            owners=[TEAM],
        ),
        *(
            dg.AssetSpec(dg.AssetKey(["raw", name]), group_name="raw", description=text, kinds={"yaml"}, owners=[TEAM])
            for name, text in DECLARED.items()
        ),
        dg.AssetSpec(
            dg.AssetKey(["ops", "quality_scores"]), group_name="ops", description=SCORES, kinds={"table"}, owners=[TEAM]
        ),
        _events(),
        _sources(list(definitions.values())),
    ]


def _spec(name: str, description: str, **more: Any) -> dg.AssetSpec:
    return dg.AssetSpec(
        dg.AssetKey(["raw", name]),
        group_name="raw",
        description=description,
        kinds={"dlt", "clickhouse", "table"},
        owners=[TEAM],
        skippable=True,
        **more,
    )


def _events() -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="events",
        specs=[
            _spec("events", "Grain: one row per accepted event as received; each file counts once.", deps=[LANDING]),
            *(_spec(name, text, deps=[LANDING]) for name, text in BESIDE_EVENTS.items()),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                FILES,
                asset=EVENTS,
                description="Each file that landed is one of events. Others are told, and keep nothing back.",
            )
        ],
        pool=POOL,
        retry_policy=RETRIES,
        required_resource_keys=ALONE,
    )
    def events(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        """Load what has landed. A file that was loaded before is left out, so that a run may be repeated at will."""
        settings = load_settings()
        with retried_where_the_infrastructure_failed():
            prepare(settings)
            inputs = find_inputs(landed_files(settings))
            result = load(settings, inputs)
        context.log.info(
            f"{result.received:,} lines of {len(result.files)} files: {result.accepted:,} accepted; "
            f"{len(result.known)} files were loaded before."
        )
        yield dg.MaterializeResult(
            asset_key=EVENTS,
            metadata={
                "received": result.received,
                "accepted": result.accepted,
                "rejected": sum(result.rejected.values()),
                "rejected by reason": dg.MetadataValue.json(result.rejected),
                "files": dg.MetadataValue.json([file.source.name for file in result.files]),
                "seconds": round(result.seconds, 3),
            },
        )
        for name in BESIDE_EVENTS:
            yield dg.MaterializeResult(asset_key=dg.AssetKey(["raw", name]))
        unusable = [error.message for error in result.failed.values()]
        yield dg.AssetCheckResult(
            asset_key=EVENTS,
            check_name=FILES,
            passed=not unusable,
            severity=dg.AssetCheckSeverity.WARN,  # it keeps nothing back
            description=" ".join(unusable) or None,
            metadata={"files": dg.MetadataValue.json(list(result.failed))},
        )

    return events


def _sources(definitions: list[Definition]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="sources",
        specs=[_spec(definition.name, definition.description) for definition in definitions],
        can_subset=True,
        pool=POOL,
        retry_policy=RETRIES,
        required_resource_keys=ALONE,
    )
    def sources(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        """Load the feeds of sources.yaml; one that fails does not keep the others from being loaded."""
        settings = load_settings()
        wanted = {key.path[-1] for key in context.selected_asset_keys}
        with retried_where_the_infrastructure_failed():
            declared, projects = load_definitions(settings), load_projects(settings)
            feeds = [feed for feed in load_feeds(settings, declared, projects).values() if feed.source in wanted]
            results = load_feeds_into_raw(settings, feeds, declared, projects) if feeds else []
        failed: list[MillraceError] = []
        for name in sorted(wanted):
            of_source = [result for result in results if result.source == name]
            failed += [result.error for result in of_source if result.error]
            if not of_source:
                context.log.info(f"sources.yaml declares no feed of {name}.")
            elif not any(result.error for result in of_source):
                yield dg.MaterializeResult(
                    asset_key=dg.AssetKey(["raw", name]),
                    metadata={
                        key: sum(getattr(result, key) for result in of_source)
                        for key in ("received", "accepted", "new", "updated", "unchanged")
                    },
                )
        if failed:
            raise dg.Failure(
                description="; ".join(error.message for error in failed),
                allow_retries=any(is_of_the_infrastructure(error) for error in failed),
            )

    return sources
