"""The way from landed lines into raw.events and raw.events_rejected, kept in step with the registry of event types."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ingestion.contract import CONSENTS, MessageType
from ingestion.enrichment.ip_privacy import private_ip
from ingestion.registry import Registry
from ingestion.typed_paths import sync_typed_paths
from ingestion.validation_sql import with_rejection

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CHECKING_VIEW = "raw.landing_to_checked"

_PROJECT = "if(ifNull(fields.project_id, '') = '', default_project, fields.project_id)"
_DECLARED = f"{_PROJECT} IN (SELECT project_id FROM raw.projects)"
KNOWN_PROJECT = f"({_PROJECT} != '' AND (accept_unknown OR {_DECLARED}))"

# An address is made private before it is stored. Strict projects keep none: there is no salt here to hash it with.
_PRIVACY = f"(SELECT mapFromArrays(groupArray(project_id), groupArray(privacy)) FROM raw.projects)[{_PROJECT}]"
_NO_SALT = "''"
_IP = "JSONExtractString(ifNull(fields.context, ''), 'ip')"
_PRIVATE_IP = f"toJSONString({private_ip(_IP, _PRIVACY, salt=_NO_SALT)})"
_PRIVATE_PAIRS = (
    f"arrayMap(pair -> concat(toJSONString(pair.1), ':', if(pair.1 = 'ip', {_PRIVATE_IP}, pair.2)), "
    "JSONExtractKeysAndValuesRaw(assumeNotNull(fields.context)))"
)
_CONTEXT = (
    f"multiIf(ifNull(fields.context, '') = '', '{{}}', {_IP} = '', assumeNotNull(fields.context), "
    f"concat('{{', arrayStringConcat({_PRIVATE_PAIRS}, ','), '}}'))"
)

# What makes an event without an id the same event when it is sent again: all but when it was sent and received.
_IDENTIFYING = (
    *("event", "message_type", "user_id", "anonymous_id", "session_id", "group_id"),
    *("timestamp", "original_timestamp", "properties", "context"),
)


def sync_landing(client: Client, registry: Registry) -> list[str]:
    """Typed paths of raw.events and the checking view as the registry wants them; returns what was changed.

    First the paths, then the validation that promises values of their types.
    """
    changed = [f"typed path {path}" for path in sync_typed_paths(client, registry)]
    select = checking_select(registry)
    mark = hashlib.sha256(select.encode()).hexdigest()
    present = client.query(
        "SELECT comment FROM system.tables WHERE database = 'raw' AND name = {name:String}",
        parameters={"name": CHECKING_VIEW.partition(".")[2]},
    ).result_rows
    if not present:
        client.command(f"CREATE MATERIALIZED VIEW {CHECKING_VIEW} TO raw.landing_checked AS {select}")
    elif present[0][0] != mark:
        # In place: dropped and made anew, the view would miss what is landing in between.
        client.command(f"ALTER TABLE {CHECKING_VIEW} MODIFY QUERY {select}")
    else:
        return changed
    client.command(f"ALTER TABLE {CHECKING_VIEW} MODIFY COMMENT '{mark}'")
    _read_back(client)
    return [*changed, "validation"]


def _read_back(client: Client) -> None:
    """Have the server read the view from disk now, as it will when it starts.

    What a view inserts is recognised by the insert's token and something of the view's query in memory, which differs
    between a view just made and the same one read back: a piece sent again after a restart would be doubled. A piece
    that lands in the moment between is missing in raw.load_counts; its load fails and can be repeated.
    """
    client.command(f"DETACH TABLE {CHECKING_VIEW}")
    client.command(f"ATTACH TABLE {CHECKING_VIEW}")


def checking_select(registry: Registry) -> str:
    """From raw.landing to the columns of raw.landing_checked."""
    own_id = ", ".join(f"ifNull(fields.{name}, '')" for name in _IDENTIFYING)
    texts = ", ".join(
        f"ifNull(fields.{name}, '') AS {name}" for name in ("user_id", "anonymous_id", "session_id", "group_id")
    )
    consents = ", ".join(f"ifNull(lower(fields.{name}), 'true') NOT IN ('false', '0') AS {name}" for name in CONSENTS)
    return f"""
        SELECT
            {_PROJECT} AS project_id,
            if(ifNull(fields.event_id, '') = '', lower(hex(sipHash128({own_id}))), fields.event_id) AS event_id,
            ifNull(fields.event, '') AS event,
            ifNull(fields.message_type, '{MessageType.TRACK}') AS message_type,
            {texts},
            ifNull(happened_at, toDateTime64(0, 3, 'UTC')) AS timestamp,
            coalesce({_instant("original_timestamp")}, happened_at, toDateTime64(0, 3, 'UTC')) AS original_timestamp,
            {_instant("sent_at")} AS sent_at,
            least(ifNull({_instant("received_at")}, default_received_at), now64(3)) AS received_at,
            if(ifNull(fields.properties, '') = '', '{{}}', fields.properties) AS properties,
            {_CONTEXT} AS context,
            {consents},
            ifNull(fields.schema_version, '') AS schema_version,
            if(ifNull(fields.source, '') = '', source, fields.source) AS source,
            if(original = '', line, original) AS line,
            if(refused = '', reason, refused) AS reason,
            if(refused = '', detail, refused_detail) AS detail,
            file_id,
            piece
        FROM ({with_rejection(registry, "raw.landing", known_project=KNOWN_PROJECT, now="default_received_at")})
    """


def _instant(name: str) -> str:
    return f"parseDateTime64BestEffortOrNull(fields.{name}, 3, 'UTC')"
