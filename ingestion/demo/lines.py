"""The canonical columns of events: the texts that make up a line, in every shape it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestion.demo import marketing, reference
from ingestion.demo.event_types import MESSAGE_TYPES, NAMES, Kind
from ingestion.demo.properties import Facts, properties
from ingestion.demo.sdk import DIALECTS, STAGED
from ingestion.demo.table import NONE, Table
from ingestion.demo.text import instants, join, json_object, mix, numbers, take, uuids, where

Ints = NDArray[np.int64]

SCHEMA_VERSION: Final = "1"
_IN_MILLISECONDS: Final = tuple(DIALECTS.index(name) for name in ("amplitude", "rudderstack"))
_IP_PER_COUNTRY: Final = 8192  # addresses of 198.18.0.0/15, which is set aside for tests


@dataclass
class Columns:
    """The texts of some events; the empty string where an event does not say it."""

    event_id: pa.StringArray
    event: pa.StringArray
    message_type: pa.StringArray
    user_id: pa.StringArray
    anonymous_id: pa.StringArray
    session_id: pa.StringArray
    group_id: pa.StringArray
    original_timestamp: pa.StringArray
    sent_at: pa.StringArray
    received_at: pa.StringArray
    properties: pa.StringArray  # without braces
    context: pa.StringArray  # without braces
    consent_analytics: pa.StringArray  # true, false or empty
    consent_marketing: pa.StringArray


def columns(table: Table, facts: Facts) -> Columns:
    names = facts.names
    has_sent = table.sent != NONE
    is_group = table.kind == Kind.group
    marketing_too = (table.consent == 1) & (table.person % 4 == 0)
    return Columns(
        event_id=uuids(table.id_high, table.id_low),
        event=take(NAMES, table.kind),
        message_type=take(MESSAGE_TYPES, table.kind),
        user_id=names.user_id(table.user),
        anonymous_id=names.anonymous_id(table.anonymous),
        session_id=names.session_id(table.session, np.isin(table.dialect, _IN_MILLISECONDS)),
        group_id=where(is_group, names.company_id(table.person)),
        original_timestamp=instants(table.original),
        sent_at=where(has_sent, instants(np.where(has_sent, table.sent, table.original))),
        received_at=instants(table.received),
        properties=properties(table, facts),
        context=context(table),
        consent_analytics=_consent(table.consent == 1, table.consent != NONE),
        consent_marketing=_consent(marketing_too, table.consent != NONE),
    )


def _consent(given: NDArray[np.bool_], said: NDArray[np.bool_]) -> pa.StringArray:
    return where(said, where(given, "true", "false"))


def canonical_json(project: str, cells: Columns) -> pa.StringArray:
    """Canonical lines, without the line's end."""
    return json_object(
        ("project_id", "text", project),
        ("event_id", "text", cells.event_id),
        ("event", "text", cells.event),
        ("message_type", "text", cells.message_type),
        ("user_id", "text?", cells.user_id),
        ("anonymous_id", "text?", cells.anonymous_id),
        ("session_id", "text?", cells.session_id),
        ("group_id", "text?", cells.group_id),
        ("original_timestamp", "text", cells.original_timestamp),
        ("sent_at", "text?", cells.sent_at),
        ("received_at", "text", cells.received_at),
        ("properties", "object", cells.properties),
        ("context", "object", cells.context),
        ("consent_analytics", "raw?", cells.consent_analytics),
        ("consent_marketing", "raw?", cells.consent_marketing),
        ("schema_version", "text", SCHEMA_VERSION),
        opening="{",
        closing="}",
    )


def context(table: Table) -> pa.StringArray:
    """The JSON of `context`, without braces: page and campaign, then the device, the app, and where it is."""
    page = where(~table.app, _page(table))
    campaigns = [_campaign(touch) for touch in marketing.TOUCHES]
    campaign = where(table.touch >= 0, take(campaigns, np.maximum(table.touch, 0)))
    version = take(
        [
            f',"app":{{"name":"{reference.APP_NAME}","version":"{v}","environment":"production"}}'
            for v in app_versions()
        ],
        np.maximum(table.version, 0),
    )
    places = [
        f'"locale":"{c.locale}","timezone":"{c.timezone}","location":{{"country":"{c.code}"}}'
        for c in reference.COUNTRIES
    ]
    return join(
        take(places, table.country),
        page,
        campaign,
        take(_devices(), table.device),
        where(table.app, version),
        ',"ip":"',
        _ip(table),
        '"',
    )


def app_versions() -> list[str]:
    versions = [version for version, _ in reference.RELEASES] + [reference.STAGED_VERSION]
    assert len(versions) == STAGED + 1
    return versions


def _page(table: Table) -> pa.StringArray:
    """The query string and the referrer from outside are those of the entry only."""
    pages = reference.PAGES
    entry = table.touch >= 0
    search = where(entry, take([touch.search for touch in marketing.TOUCHES], np.maximum(table.touch, 0)))
    outside = take([touch.referrer for touch in marketing.TOUCHES], np.maximum(table.touch, 0))
    inside = where(
        table.previous_page >= 0, take([reference.SITE + p.path for p in pages], np.maximum(table.previous_page, 0))
    )
    return json_object(
        ("url", "text", join(take([reference.SITE + p.path for p in pages], table.page), search)),
        ("path", "text", take([p.path for p in pages], table.page)),
        ("title", "text", take([p.title for p in pages], table.page)),
        ("referrer", "text?", where(entry, outside, inside)),
        ("search", "text?", search),
        opening=',"page":{',
        closing="}",
    )


def _campaign(touch: marketing.Touch) -> str:
    pairs = (
        ("source", touch.source),
        ("medium", touch.medium),
        ("name", touch.campaign),
        ("term", touch.term),
        ("content", touch.content),
    )
    inner = ",".join(f'"{key}":"{value}"' for key, value in pairs if value)
    return f',"campaign":{{{inner}}}' if inner else ""


@lru_cache(maxsize=1)
def _devices() -> tuple[str, ...]:
    """The part of the context that each kind of device always sends."""
    texts = []
    for device in reference.DEVICES:
        if device.kind == "bot":
            texts.append(f',"library":{{"name":"millrace-js","version":"1.4.2"}},"user_agent":"{device.user_agent}"')
            continue
        maker = f',"manufacturer":"{device.manufacturer}","model":"{device.model}"' if device.app else ""
        library = f"millrace-{'ios' if device.os == 'iOS' else 'android'}" if device.app else "millrace-js"
        browser = (
            f',"browser":{{"name":"{device.browser}","version":"{device.browser_version}"}}' if device.browser else ""
        )
        agent = f',"user_agent":"{device.user_agent}"' if device.user_agent else ""
        texts.append(
            f',"device":{{"type":"{device.kind}"{maker}}},"os":{{"name":"{device.os}","version":"{device.os_version}"}}'
            f'{browser},"screen":{{"width":{device.width},"height":{device.height}}}'
            f',"library":{{"name":"{library}","version":"1.4.2"}}{agent}'
        )
    return tuple(texts)


def _ip(table: Table) -> pa.StringArray:
    within = (mix(table.person, 77) % np.uint64(_IP_PER_COUNTRY)).astype(np.int64)
    address = table.country * _IP_PER_COUNTRY + within
    parts = (numbers(18 + (address >> 16)), ".", numbers((address >> 8) & 255), ".", numbers(address & 255))
    return join("198.", *parts)
