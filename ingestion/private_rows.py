"""What is kept of lines of which not everything may be kept: of strict projects, of people who refused, and of lines
that were rejected. One select each over raw.landing_judged, or a query like it, to the columns of raw.landing_checked.

Which lines a select is for is its WHERE, not a condition around its expressions: what ClickHouse leaves out of a row by
a condition still costs that row a copy of its columns.
"""

from __future__ import annotations

from ingestion.contract import CONSENTS, MessageType
from ingestion.enrichment.ip_privacy import hashed_ip
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
from ingestion.network_addresses import without_addresses
from ingestion.privacy import pseudonym_sql
from ingestion.registry import Registry
from warehouse.projects import Privacy

_IDS = ("user_id", "anonymous_id", "session_id", "group_id", "event_id")
_INSTANTS = ("timestamp", "original_timestamp", "received_at")
_CONSENTS = ", ".join(CONSENTS)
_LABELS = "project_id, schema_version, source"
_NOTHING_REJECTED = "'' AS line, reason, '' AS detail, withheld, file_id, piece"
# Nothing of an anonymous event may be joined with another one.
_NO_SALT = "''"


def strict_select(registry: Registry, source: str) -> str:
    """Accepted lines of strict projects."""
    ids = f"[{', '.join(_IDS)}]"
    labels = f"[{_LABELS}, JSONExtractString(context, 'user_agent')]"
    # Known for what they are, and so treated apart from the rest of the context.
    apart = {
        "ip": hashed_ip("JSONExtractString(context, 'ip')", "project_salt"),
        "user_agent": without_addresses("labels[4]"),
    }
    steps = _nested(
        f"(SELECT * FROM {source} WHERE reason = '' AND is_private AND NOT is_anonymous)",
        f"{masked_ids(ids, 'project_salt')} AS ids, {_objects(registry, 'project_salt')} AS objects, "
        f"{masked_texts(labels, 'project_salt')} AS labels",
        f"{_context('objects[2]', apart)} AS private_context",
    )
    return f"""
        SELECT
            if(is_declared, judged.project_id, labels[1]) AS project_id,
            event,
            message_type,
            {", ".join(f"ids[{n}] AS {name}" for n, name in enumerate(_IDS, start=1))},
            {", ".join(_INSTANTS)},
            sent_at,
            objects[1] AS properties,
            private_context AS context,
            {_CONSENTS},
            labels[2] AS schema_version,
            labels[3] AS source,
            {_NOTHING_REJECTED}
        FROM ({steps}) AS judged
    """


def anonymous_select(registry: Registry, source: str) -> str:
    """Accepted lines of people who refused, where the project keeps them without whose they are."""
    steps = _nested(
        f"(SELECT * FROM {source} WHERE reason = '' AND is_anonymous)",
        f"{anonymous_texts(_objects(registry, _NO_SALT))} AS objects, "
        f"{masked_texts(f'[{_LABELS}]', _NO_SALT)} AS labels",
    )
    no_ids = ", ".join(f"'' AS {name}" for name in _IDS if name != "event_id")
    return f"""
        SELECT
            if(is_declared, judged.project_id, labels[1]) AS project_id,
            event,
            message_type,
            {no_ids},
            -- Keyed: an event that is sent twice counts once, and the sender's own records do not lead to it.
            {pseudonym_sql("judged.event_id", "project_salt")} AS event_id,
            {", ".join(f"toStartOfHour(judged.{name}) AS {name}" for name in _INSTANTS)},
            CAST(NULL, 'Nullable(DateTime64(3, \\'UTC\\'))') AS sent_at,
            objects[1] AS properties,
            objects[2] AS context,
            {_CONSENTS},
            labels[2] AS schema_version,
            labels[3] AS source,
            {_NOTHING_REJECTED}
        FROM ({steps}) AS judged
    """


def rejected_select(registry: Registry, source: str) -> str:
    """Lines that were rejected: the line and what was wrong with it, as far as they may be kept."""
    standard = f"privacy = '{Privacy.STANDARD}'"
    strict = f"privacy NOT IN ('{Privacy.OPEN}', '{Privacy.STANDARD}')"  # a privacy that nobody knows is strict
    labels = _where("is_strict", masked_texts("[project_id, source]", "salt"), "[project_id, source]")
    hidden = masked_texts(without_values("[detail]"), "salt")
    steps = _nested(
        f"(SELECT * FROM {source} WHERE reason != '')",
        f"{strict} AS is_strict, if(withheld != '', '', project_salt) AS salt, withheld = '' AS is_told",
        f"{labels} AS labels, {_where('is_strict OR NOT is_told', hidden, '[detail]')} AS details, "
        f"{_where('is_told AND is_strict', masked_lines('[line]', 'salt', registry))} AS masked, "
        f"{_where('is_told AND NOT is_strict', without_write_keys('[line]'))} AS keyless",
        f"{_where(standard, with_truncated_addresses('keyless'), 'keyless')} AS readable",
    )
    return f"""
        SELECT
            if(is_declared, judged.project_id, labels[1]) AS project_id,
            event,
            message_type,
            {", ".join(f"'' AS {name}" for name in _IDS)},
            {", ".join(_INSTANTS)},
            sent_at,
            '{{}}' AS properties,
            '{{}}' AS context,
            {_CONSENTS},
            '' AS schema_version,
            labels[2] AS source,
            multiIf(withheld != '', {withheld_line("judged.line")}, is_strict, masked[1], readable[1]) AS line,
            reason,
            details[1] AS detail,
            withheld,
            file_id,
            piece
        FROM ({steps}) AS judged
    """


def _objects(registry: Registry, salt: str) -> str:
    is_identify = f"(message_type = '{MessageType.IDENTIFY}')"
    return masked_objects("[properties]", "[context]", salt, registry, is_identify)


def _context(text: str, apart: dict[str, str]) -> str:
    parts = ", ".join(
        f"if({value} = '', '', concat('\"{name}\":', toJSONString({value})))" for name, value in apart.items()
    )
    inside = f"arrayFilter(part -> part != '', [{parts}, substring({text}, 2, length({text}) - 2)])"
    return f"concat('{{', arrayStringConcat({inside}, ','), '}}')"


def _where(condition: str, texts: str, otherwise: str = "CAST([], 'Array(String)')") -> str:
    return f"if({condition}, {texts}, {otherwise})"


def _nested(source: str, *steps: str) -> str:
    for step in steps:
        source = f"(SELECT *, {step} FROM {source})"
    return f"SELECT * FROM {source}"
