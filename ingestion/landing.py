"""The way from landed lines into raw.events and raw.events_rejected, kept in step with the registry of event types."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ingestion.contract import CONSENTS, MessageType, Reason
from ingestion.enrichment.ip_privacy import private_ip
from ingestion.masking import (
    anonymous_texts,
    masked_ids,
    masked_lines,
    masked_objects,
    masked_texts,
    with_truncated_addresses,
    withheld_line,
    without_values,
    without_write_keys,
)
from ingestion.privacy import NO_PROJECT, SALTS, pseudonym_sql
from ingestion.registry import Registry
from ingestion.typed_paths import sync_typed_paths
from ingestion.validation_sql import with_rejection
from warehouse.projects import Privacy, Refused, Silent

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CHECKING_VIEW = "raw.landing_to_checked"

_PROJECT = "ifNull(nullIf(fields.project_id, ''), default_project)"
_DECLARED = f"{_PROJECT} IN (SELECT project_id FROM raw.projects)"
KNOWN_PROJECT = f"({_PROJECT} != '' AND (accept_unknown OR {_DECLARED}))"

# What holds for the lines of each project; under '' for those whose project cannot be known: the strictest privacy that
# any project asks for. Read once per piece.
_STRICTEST = (
    f"multiIf(countIf(privacy = '{Privacy.STRICT}') > 0, '{Privacy.STRICT}', "
    f"countIf(privacy = '{Privacy.STANDARD}') > 0, '{Privacy.STANDARD}', '{Privacy.OPEN}')"
)
_RULES = f"""(
    SELECT mapFromArrays(groupArray(id), groupArray((privacy, ifNull(salt, ''), silent, refused)))
    FROM (
        SELECT project_id AS id, privacy, consent_silent AS silent, consent_refused AS refused FROM raw.projects
        UNION ALL SELECT '{NO_PROJECT}', {_STRICTEST}, '{Silent.GRANTED}', '{Refused.COUNT}' FROM raw.projects
    ) AS rules
    LEFT JOIN ({SALTS}) AS salts ON salts.project_id = rules.id
)"""
# A broken line may name its project where nobody can read it, and --project speaks only for lines that name none.
_UNREADABLE = (
    f"(refused != '' OR reason = '{Reason.INVALID_JSON}' OR (reason = '{Reason.TOO_LARGE}' AND NOT isValidJSON(line)))"
)

_IDS = ("user_id", "anonymous_id", "session_id", "group_id", "event_id")
_INSTANTS = ("timestamp", "original_timestamp", "received_at")
# Who somebody is, and nothing else: without ids there is nothing left of them to keep.
_ABOUT_PEOPLE = (MessageType.IDENTIFY, MessageType.GROUP, MessageType.ALIAS)

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
        # With the rights of who makes it: the salts are not for those who insert.
        client.command(
            f"CREATE MATERIALIZED VIEW {CHECKING_VIEW} TO raw.landing_checked "
            f"DEFINER = CURRENT_USER SQL SECURITY DEFINER AS {select}"
        )
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


def checking_select(registry: Registry, source: str = "raw.landing") -> str:
    """From raw.landing, or a table like it, to the columns of raw.landing_checked.

    In steps around each other: the verdict on the line as received, the rules of its project, what is kept of it.
    What only some lines need is worked out over arrays that are empty for all others, and so costs these nothing.
    """
    judged = with_rejection(registry, source, known_project=KNOWN_PROJECT, now="default_received_at")
    ruled = _nested(f"({judged})", _rules(), _consent(), _what_is_done(), _raw(), *_private(registry))
    hourly = {name: f"if(is_anonymous, toStartOfHour(raw_{name}), raw_{name}) AS {name}" for name in _INSTANTS}
    consents = ", ".join(f"{name}_given AS {name}" for name in CONSENTS)
    ids = ", ".join(
        f"ifNull(if(is_private, private_ids[{n}], raw_{name}), '') AS {name}" for n, name in enumerate(_IDS, start=1)
    )
    return f"""
        SELECT
            if(is_declared OR NOT is_private, project, masked_labels[2]) AS project_id,
            ifNull(fields.event, '') AS event,
            ifNull(fields.message_type, '{MessageType.TRACK}') AS message_type,
            {ids},
            {hourly["timestamp"]},
            {hourly["original_timestamp"]},
            if(is_anonymous, NULL, {_instant("sent_at")}) AS sent_at,
            {hourly["received_at"]},
            if(is_private, private_objects[1], raw_properties) AS properties,
            if(is_private, private_contexts[1], raw_context) AS context,
            {consents},
            if(is_private, masked_labels[1], ifNull(fields.schema_version, '')) AS schema_version,
            if(is_private, masked_labels[3], raw_source) AS source,
            private_line AS line,
            verdict AS reason,
            private_detail AS detail,
            withheld,
            file_id,
            piece
        FROM ({ruled})
    """


def _rules() -> str:
    return (
        f"{_PROJECT} AS project, {_DECLARED} AS is_declared, if(refused = '', reason, refused) AS fault, "
        f"{_RULES}[if(is_declared AND NOT {_UNREADABLE}, project, '{NO_PROJECT}')] AS rules"
    )


def _consent() -> str:
    silent = f"if(rules.3 = '{Silent.REFUSED}', 'false', 'true')"
    return ", ".join(
        f"ifNull(lower(fields.{name}), {silent}) NOT IN ('false', '0') AS {name}_given" for name in CONSENTS
    )


def _what_is_done() -> str:
    """verdict: the reason at last. withheld: the line is not kept. A faulty one neither: nobody allowed it."""
    about_people = ", ".join(f"'{kind}'" for kind in _ABOUT_PEOPLE)
    withheld = (
        f"multiIf(consent_analytics_given, '', rules.4 != '{Refused.ANONYMISE}', rules.4, "
        f"fault != '' OR fields.message_type IN ({about_people}), '{Refused.COUNT}', '')"
    )
    return (
        f"{withheld} AS withheld, if(fault = '' AND withheld != '', '{Reason.NO_CONSENT}', fault) AS verdict, "
        "NOT consent_analytics_given AND withheld = '' AS is_anonymous, "
        # A privacy that nobody knows is strict.
        f"rules.1 NOT IN ('{Privacy.OPEN}', '{Privacy.STANDARD}') AS is_strict, "
        "is_strict OR is_anonymous AS is_private, "
        # Nothing of an anonymous event may be joined with another one.
        "if(is_anonymous, '', rules.2) AS salt"
    )


def _raw() -> str:
    own_id = ", ".join(f"ifNull(fields.{name}, '')" for name in _IDENTIFYING)
    ids = ", ".join(f"ifNull(fields.{name}, '') AS raw_{name}" for name in _IDS if name != "event_id")
    return f"""
        {ids},
        if(ifNull(fields.event_id, '') = '', lower(hex(sipHash128({own_id}))), assumeNotNull(fields.event_id))
            AS raw_event_id,
        ifNull(happened_at, toDateTime64(0, 3, 'UTC')) AS raw_timestamp,
        coalesce({_instant("original_timestamp")}, happened_at, toDateTime64(0, 3, 'UTC')) AS raw_original_timestamp,
        least(ifNull({_instant("received_at")}, default_received_at), now64(3)) AS raw_received_at,
        ifNull(nullIf(fields.properties, ''), '{{}}') AS raw_properties,
        ifNull(nullIf(fields.context, ''), '{{}}') AS given_context,
        ifNull(nullIf(fields.source, ''), source) AS raw_source,
        JSONExtractString(given_context, 'ip') AS given_ip,
        if(given_ip = '', given_context, {_with_private_ip()}) AS raw_context,
        multiIf(verdict = '', '', original = '', line, original) AS given_line,
        ifNull(if(refused = '', detail, refused_detail), '') AS given_detail,
        verdict = '' AND is_private AS is_kept_private,
        verdict != '' AND (is_strict OR withheld != '') AS is_hidden,
        verdict != '' AND withheld = '' AND is_strict AS is_masked,
        verdict != '' AND withheld = '' AND NOT is_strict AS is_readable,
        is_readable AND rules.1 = '{Privacy.STANDARD}' AS is_truncated
    """


def _with_private_ip() -> str:
    ip = f"toJSONString({private_ip('given_ip', 'rules.1', salt='salt')})"
    pairs = (
        f"arrayMap(pair -> concat(toJSONString(pair.1), ':', if(pair.1 = 'ip', {ip}, pair.2)), "
        "JSONExtractKeysAndValuesRaw(given_context))"
    )
    return f"concat('{{', arrayStringConcat({pairs}, ','), '}}')"


def _private(registry: Registry) -> list[str]:
    """What is kept instead of personal values: arrays, empty for lines that have none of it to do."""
    ids = ", ".join(f"raw_{name}" for name in _IDS)
    is_identify = f"(ifNull(fields.message_type, '') = '{MessageType.IDENTIFY}')"
    objects = masked_objects("[raw_properties]", "[raw_context]", "salt", registry, is_identify)
    labels = "[ifNull(fields.schema_version, ''), project, raw_source, JSONExtractString(raw_context, 'user_agent')]"
    # Keyed: an event that is sent twice counts once, and the sender's own records do not lead to it.
    anonymous_ids = f"['', '', '', '', {pseudonym_sql('raw_event_id', 'rules.2')}]"
    # Known for what they are, and so treated apart from the rest of the context.
    apart = ", ".join(
        f"if(is_anonymous OR {value} = '', '', concat('\"{name}\":', toJSONString({value})))"
        for name, value in (("ip", "JSONExtractString(raw_context, 'ip')"), ("user_agent", "masked_labels[4]"))
    )
    context = f"arrayFilter(part -> part != '', [{apart}, substring(text, 2, length(text) - 2)])"
    contexts = (
        f"arrayMap(text -> concat('{{', arrayStringConcat({context}, ','), '}}'), arraySlice(private_objects, 2))"
    )
    return [
        f"{_where('is_kept_private AND NOT is_anonymous', masked_ids(f'[{ids}]', 'salt'))} AS masked_ids, "
        f"{_where('is_kept_private', objects)} AS masked_objects, "
        f"{_where('is_private', masked_texts(labels, 'salt'))} AS masked_labels, "
        f"{_where('is_hidden', masked_texts(without_values('[given_detail]'), 'salt'))} AS masked_details, "
        f"{_where('is_masked', masked_lines('[given_line]', 'salt', registry))} AS masked_lines, "
        f"{_where('is_readable', without_write_keys('[given_line]'))} AS keyless_lines",
        f"{_where('is_kept_private AND is_anonymous', anonymous_ids, 'masked_ids')} AS private_ids, "
        f"{_where('is_kept_private AND is_anonymous', anonymous_texts('masked_objects'), 'masked_objects')} "
        "AS private_objects, "
        f"{_where('is_truncated', with_truncated_addresses('keyless_lines'), 'keyless_lines')} AS truncated_lines",
        f"{_where('is_kept_private', contexts)} AS private_contexts, "
        f"multiIf(verdict = '', '', withheld != '', {withheld_line('given_line')}, is_masked, masked_lines[1], "
        "truncated_lines[1]) AS private_line, "
        "multiIf(verdict = '', '', is_hidden, masked_details[1], given_detail) AS private_detail",
    ]


def _where(condition: str, texts: str, otherwise: str = "CAST([], 'Array(String)')") -> str:
    """Worked out for the rows that need it: ClickHouse leaves a branch out where a block has none of them."""
    return f"if({condition}, {texts}, {otherwise})"


def _nested(source: str, *steps: str) -> str:
    for step in steps:
        source = f"(SELECT *, {step} FROM {source})"
    return f"SELECT * FROM {source}"


def _instant(name: str) -> str:
    return f"parseDateTime64BestEffortOrNull(fields.{name}, 3, 'UTC')"
