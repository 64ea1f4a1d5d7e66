"""The way from landed lines into raw.events and raw.events_rejected, kept in step with the registry of event types.

raw.landing -> landing_validated        what is wrong with each line
raw.landing_validated -> landing_judged the verdict on it, and the rules of its project
raw.landing_judged -> landing_checked   what may be kept of it: accepted lines of open and standard projects go on
                                        as they are, of the others private_rows.py says what is kept
raw.landing_checked -> raw.events       accepted lines; where the others go stands in warehouse/raw_schema
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.context import known_context, whole_context
from ingestion.contract import ABOUT_PEOPLE, COLUMNS, CONSENTS, VIEWS, MessageType, Reason
from ingestion.enrichment.ip_privacy import network
from ingestion.privacy import NO_PROJECT, SALTS
from ingestion.private_rows import anonymous_select, rejected_select, strict_select
from ingestion.registry import Registry
from ingestion.typed_paths import sync_typed_paths
from ingestion.validation_sql import with_rejection
from warehouse.locks import one_at_a_time
from warehouse.private_files import private_folder
from warehouse.projects import Privacy, Refused, Silent
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

VALIDATED, JUDGED = "raw.landing_validated", "raw.landing_judged"
# How a load knows that all of it arrived.
COUNTED = (
    "SELECT file_id, piece, project_id, reason, toInt64(count()) AS lines, now64(3) AS loaded_at "
    "FROM raw.landing_checked GROUP BY file_id, piece, project_id, reason"
)
# Lines that go on as they are.
AS_IT_IS = "reason = '' AND NOT is_private"
# Which of checked_ways() a line takes.
WAY = f"multiIf({AS_IT_IS}, 'kept', reason != '', 'rejected', is_anonymous, 'anonymous', 'strict')"
# What raw.landing_judged has besides the columns of raw.landing_checked: what is to be done to the line.
RULE_COLUMNS = ("is_declared", "privacy", "project_salt", "is_anonymous", "is_private")
CHECKED_COLUMNS = (
    f"{', '.join(column.name for column in COLUMNS if column.sent)}, line, reason, detail, withheld, file_id, piece"
)

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

# Columns that are texts of the line, empty where it does not say them.
_IDS = ("user_id", "anonymous_id", "session_id", "group_id")

# What makes an event without an id the same event when it is sent again: all but when it was sent and received.
_IDENTIFYING = (
    *("event", "message_type", "user_id", "anonymous_id", "session_id", "group_id"),
    *("timestamp", "original_timestamp", "properties", "context"),
)


def sync_landing(client: Client, registry: Registry) -> list[str]:
    """Typed paths of raw.events and the views as the registry wants them; returns what was changed.

    First the paths, then the validation that promises values of their types. For one process at a time.
    """
    changed = [f"typed path {path}" for path in sync_typed_paths(client, registry)]
    # Two views, for planning takes more than twice as long for a query of twice the depth.
    views = [
        View("raw.landing_to_validated", VALIDATED, validated_select(registry, "raw.landing")),
        View("raw.landing_validated_to_judged", JUDGED, _judged_select(registry, VALIDATED)),
    ]
    ways = checked_ways(registry, JUDGED).items()
    views += [View(f"raw.landing_judged_to_{name}", "raw.landing_checked", select) for name, select in ways]
    views.append(View("raw.landing_to_events", "raw.events", events_select("raw.landing_checked")))
    counts = View("raw.landing_to_load_counts", "raw.load_counts", COUNTED)
    present = client.query("SELECT concat('raw.', name), comment FROM system.tables WHERE database = 'raw'").result_rows
    outdated = [view for view in [*views, counts] if (view.name, view.mark) not in map(tuple, present)]
    if outdated:
        _replace(client, outdated, counts)
        changed.append("validation")
    return changed


@contextmanager
def way_for_one(settings: Settings) -> Iterator[None]:
    """Hold the way into raw, of all processes of this machine: to change it, or to move lines that nothing counts."""
    with one_at_a_time(private_folder(settings.data_dir) / "landing.lock"):
        yield


@dataclass(frozen=True)
class View:
    name: str
    target: str
    select: str

    @property
    def mark(self) -> str:
        return hashlib.sha256(self.select.encode()).hexdigest()


def _replace(client: Client, views: list[View], counts: View) -> None:
    """Drop these views and make them anew, while nothing that lands is counted.

    What another load sends in this moment may miss a view. It is not counted then, so that load fails, and can be
    repeated: what a view inserts is recognised by the insert's token and the view's name. Changed in place, by ALTER,
    a view would insert what nobody recognises after the next start of the server.
    """
    client.command(f"DROP VIEW IF EXISTS {counts.name}")
    for view in [*(view for view in views if view != counts), counts]:
        client.command(f"DROP VIEW IF EXISTS {view.name}")
        # With the rights of who makes it: the salts are not for those who insert.
        client.command(
            f"CREATE MATERIALIZED VIEW {view.name} TO {view.target} DEFINER = CURRENT_USER SQL SECURITY DEFINER "
            f"AS {view.select} COMMENT '{view.mark}'"
        )


def checked_ways(registry: Registry, source: str) -> dict[str, str]:
    """From raw.landing_judged to raw.landing_checked: each line takes one of these."""
    return {
        "kept": f"SELECT {CHECKED_COLUMNS} FROM {source} WHERE {AS_IT_IS}",
        "strict": strict_select(registry, source),
        "anonymous": anonymous_select(registry, source),
        "rejected": rejected_select(registry, source),
    }


def events_select(source: str) -> str:
    """From a table like raw.landing_checked to the columns of raw.events."""
    columns = [column.name for column in COLUMNS if column.name != "context"]
    kept = ", ".join("now64(3) AS loaded_at" if name == "loaded_at" else f"checked.{name}" for name in columns)
    return (
        f"SELECT {kept}, {whole_context('checked.context', 'known')} AS context "
        f"FROM (SELECT *, {known_context('context')} AS known FROM {source} WHERE reason = '') AS checked"
    )


def judged_select(registry: Registry, source: str) -> str:
    """From raw.landing, or a table like it, to the columns of raw.landing_judged."""
    return _judged_select(registry, f"({validated_select(registry, source)})")


def validated_select(registry: Registry, source: str) -> str:
    """From raw.landing, or a table like it, to the columns of raw.landing_validated."""
    return with_rejection(registry, source, known_project=KNOWN_PROJECT, now="default_received_at")


def _judged_select(registry: Registry, source: str) -> str:
    ruled = _nested(source, _rules(), _consent(), _what_is_done(), _contents())
    consents = ", ".join(f"{name}_given AS {name}" for name in CONSENTS)
    ids = ", ".join(f"ifNull(fields.{name}, '') AS {name}" for name in _IDS)
    return f"""
        SELECT
            project AS project_id,
            is_declared,
            rules.1 AS privacy,
            rules.2 AS project_salt,
            is_anonymous,
            is_private,
            given_event_id AS event_id,
            ifNull(fields.event, '') AS event,
            coalesce(fields.message_type, {_usual_message_type(registry)}) AS message_type,
            {ids},
            ifNull(happened_at, toDateTime64(0, 3, 'UTC')) AS timestamp,
            coalesce({_instant("original_timestamp")}, happened_at, toDateTime64(0, 3, 'UTC')) AS original_timestamp,
            {_instant("sent_at")} AS sent_at,
            least(ifNull({_instant("received_at")}, default_received_at), now64(3)) AS received_at,
            if(empty(assumeNotNull(fields.properties)), '{{}}', assumeNotNull(fields.properties)) AS properties,
            if(is_replaced, replaced_context, {_rebuilt_context()}) AS context,
            {consents},
            ifNull(fields.schema_version, '') AS schema_version,
            given_source AS source,
            given_line AS line,
            verdict AS reason,
            given_detail AS detail,
            withheld,
            file_id,
            piece
        FROM ({ruled})
    """


def _usual_message_type(registry: Registry) -> str:
    """A page_viewed is a page, also where the line does not say so. What is said of people is only what says so."""
    views = {name: one.message_type for name, one in registry.items() if one.message_type in VIEWS}
    names, kinds = (f"[{', '.join(map(repr, map(str, texts)))}]::Array(String)" for texts in (views, views.values()))
    return f"transform(ifNull(fields.event, ''), {names}, {kinds}, '{MessageType.TRACK}')"


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
    about_people = ", ".join(f"'{kind}'" for kind in ABOUT_PEOPLE)
    withheld = (
        f"multiIf(consent_analytics_given, '', rules.4 != '{Refused.ANONYMISE}', rules.4, "
        f"fault != '' OR fields.message_type IN ({about_people}), '{Refused.COUNT}', '')"
    )
    return (
        f"{withheld} AS withheld, if(fault = '' AND withheld != '', '{Reason.NO_CONSENT}', fault) AS verdict, "
        "NOT consent_analytics_given AND withheld = '' AS is_anonymous, "
        # A privacy that nobody knows is strict.
        f"rules.1 NOT IN ('{Privacy.OPEN}', '{Privacy.STANDARD}') AS is_strict, "
        "is_strict OR is_anonymous AS is_private"
    )


def _contents() -> str:
    own_id = ", ".join(f"ifNull(fields.{name}, '')" for name in _IDENTIFYING)
    return f"""
        if(ifNull(fields.event_id, '') = '', lower(hex(sipHash128({own_id}))), assumeNotNull(fields.event_id))
            AS given_event_id,
        assumeNotNull(fields.context) AS given_context,
        ifNull(nullIf(fields.source, ''), source) AS given_source,
        if(rules.1 = '{Privacy.STANDARD}', {network("ip")}, ip) AS kept_ip,
        replaceOne(given_context, concat('"ip":"', ip, '"'), concat('"ip":"', kept_ip, '"')) AS replaced_context,
        -- Where the address stands in the JSON as it is, and nowhere else.
        (replaced_context != given_context OR kept_ip = ip) AND countSubstrings(given_context, '"ip"') <= 1
            AS is_replaced,
        multiIf(verdict = '', '', original = '', line, original) AS given_line,
        ifNull(if(refused = '', detail, refused_detail), '') AS given_detail
    """


def _rebuilt_context() -> str:
    """With another address in any JSON: 20 times as slow as replacing text."""
    pairs = (
        "arrayMap(pair -> concat(toJSONString(pair.1), ':', if(pair.1 = 'ip', toJSONString(kept_ip), pair.2)), "
        "JSONExtractKeysAndValuesRaw(given_context))"
    )
    return f"concat('{{', arrayStringConcat({pairs}, ','), '}}')"


def _nested(source: str, *steps: str) -> str:
    for step in steps:
        source = f"(SELECT *, {step} FROM {source})"
    return f"SELECT * FROM {source}"


def _instant(name: str) -> str:
    return f"parseDateTime64BestEffortOrNull(fields.{name}, 3, 'UTC')"
