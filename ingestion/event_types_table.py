"""The registry of event types as a table, raw.event_types: what models and people's SQL know of an event."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ingestion.registry import EventType, Pii, Registry
from warehouse.connection import insert_rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TABLE = "raw.event_types"
COLUMNS = (
    *("event", "owner", "description", "message_type", "deprecated"),
    *("properties", "required_properties", "personal_properties", "synonyms"),
)


def sync_event_types(client: Client, registry: Registry) -> bool:
    """Make the table what the registry says; False where it already was."""
    wanted = [_row(registry[name], registry) for name in sorted(registry)]
    present = client.query(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY event").result_rows
    if [list(row) for row in present] == wanted:
        return False
    # Filled beside and exchanged: nobody sees a moment without event types.
    new = f"{TABLE}_{uuid.uuid4().hex}"  # another load may be at the same point
    client.command(f"CREATE TABLE {new} AS {TABLE}")
    insert_rows(client, new, wanted, COLUMNS)
    client.command(f"EXCHANGE TABLES {new} AND {TABLE}")
    client.command(f"DROP TABLE {new}")
    return True


def _row(event_type: EventType, registry: Registry) -> list[str | list[str]]:
    properties = event_type.properties
    return [
        *(event_type.name, event_type.owner, event_type.description),
        *(str(event_type.message_type), event_type.deprecated),
        sorted(properties),
        sorted(event_type.schema.required),
        sorted(name for name in properties if registry.paths[name].pii is not Pii.NONE),
        list(event_type.synonyms),
    ]
