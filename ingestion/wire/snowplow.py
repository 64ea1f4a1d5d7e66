"""Snowplow: the tracker protocol, as `tp2` bodies and as the `/i` pixel. Enriched rows: snowplow_enriched.py.

A Snowplow event is a flat object of short parameters, all of them text; custom events and entities are JSON
inside, plain (`ue_pr`, `co`) or base64 (`ue_px`, `cx`). There is no write key: `aid`, the app id, names the project.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ingestion.contract import MAX_DEPTH, Reason
from ingestion.wire import consent
from ingestion.wire.context import Places, fill_from_browser, normalise, place
from ingestion.wire.dialect import Batch, Dialect, Envelope, Json, Rejected, canonical_line
from ingestion.wire.request import decode_base64, parse_json
from ingestion.wire.snowplow_entities import Entities, Entity, entity
from ingestion.wire.values import deeper_than, number, text

_PLACES: Places = {
    "url": ("page", "url"),
    "page": ("page", "title"),
    "refr": ("page", "referrer"),
    "aid": ("app", "name"),
    "p": ("platform",),
    "lang": ("locale",),
    "tz": ("timezone",),
    "ip": ("ip",),
    "ua": ("user_agent",),
}
_DEVICES = {"mob": "mobile", "pc": "desktop", "tv": "tv", "cnsl": "tv"}  # web, srv, app and iot say nothing of it
_STRUCTURED = {"se_ca": "category", "se_ac": "action", "se_la": "label", "se_pr": "property", "se_va": "value"}
_PING = {"pp_mix": "min_x", "pp_max": "max_x", "pp_miy": "min_y", "pp_may": "max_y"}
_TRANSACTION = {
    "tr_id": "order_id",
    "tr_af": "affiliation",
    "tr_tt": "total",
    "tr_tx": "tax",
    "tr_sh": "shipping",
    "tr_ci": "city",
    "tr_st": "state",
    "tr_co": "country",
    "tr_cu": "currency",
}
_ITEM = {
    "ti_id": "order_id",
    "ti_sk": "sku",
    "ti_nm": "name",
    "ti_ca": "category",
    "ti_pr": "price",
    "ti_qu": "quantity",
    "ti_cu": "currency",
}
_NUMBERS = frozenset({"se_va", *_PING, "tr_tt", "tr_tx", "tr_sh", "ti_pr", "ti_qu"})
_SIZE = re.compile(r"(\d+)x(\d+)")
_TRACKER = re.compile(r"(.+?)-(\d.*)")
_ENCODED = re.compile(r"[A-Za-z0-9+/_=-]+")


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What Snowplow's own pipeline has found out about an event, of an enriched row."""

    context: Json = field(default_factory=dict)
    entities: list[Any] = field(default_factory=list)
    timestamp: str | None = None
    received_at: str | None = None


def decode(event: Json, envelope: Envelope, enrichment: Enrichment | None = None) -> Json:
    """One event as a canonical line, with what enrichment adds to it."""
    known = enrichment or Enrichment()
    context = known.context
    for key, where in _PLACES.items():
        place(context, where, text(event.get(key)))
    _sizes(event, context)
    _library(event, context)
    platform = text(event.get("p"))
    if platform in _DEVICES:
        place(context, ("device", "type"), _DEVICES[platform])

    found = Entities()
    for one in (*entities_in(_embedded(event, "co", "cx")), *known.entities):
        found.add(one, context)
    kind, name, properties, version = _what(event)
    said: dict[str, bool] = {}
    if kind == "track" and name == "consent_preferences":
        said = _consent(properties)
    if name == "snowplow_ecommerce_action" and (action := text(properties.get("type"))):
        name = action  # the schema is one for all of them: add_to_cart, transaction, product_view ...
    properties = {**found.properties, **properties}
    if kind == "screen" and (screen := properties.pop("name", None) or found.screen_name):
        properties["screen_name"] = screen
    normalise(context)
    fill_from_browser(context, envelope)
    return canonical_line(
        message_type=kind,
        event=name,
        event_id=event.get("eid"),
        user_id=event.get("uid"),
        # First-party cookie, then the id of a mobile install, then the collector's third-party cookie.
        anonymous_id=event.get("duid") or found.install_id or event.get("tnuid") or event.get("nuid"),
        session_id=event.get("sid") or found.session_id,
        timestamp=event.get("ttm") or known.timestamp,  # the true time, known to the sender beyond doubt
        original_timestamp=event.get("dtm"),
        sent_at=event.get("stm") or envelope.sent_at,
        received_at=known.received_at or envelope.received_at,
        properties=properties,
        context=context,
        consent=said,
        schema_version=version,
    )


def _what(event: Json) -> tuple[str, object, Json, str | None]:
    """(message type, event name, properties, schema version) by the kind of event."""
    code = event.get("e")
    if code == "pv":
        return "page", None, {}, None
    if code == "pp":
        return "track", "page_ping", _named(event, _PING), None
    if code == "se":
        return "track", event.get("se_ac"), _named(event, _STRUCTURED), None
    if code == "tr":
        return "track", "transaction", _named(event, _TRANSACTION), None
    if code == "ti":
        return "track", "transaction_item", _named(event, _ITEM), None
    if code == "ue":
        custom = _custom(event)
        if custom.name == "screen_view":
            return "screen", None, custom.data, custom.version
        return "track", custom.name, custom.data, custom.version
    raise Rejected(
        Reason.MISSING_EVENT,
        f"the event type e={str(code)[:40]!r} is unknown" if code else "there is no event type (e)",
    )


def _custom(event: Json) -> Entity:
    wrapper = _embedded(event, "ue_pr", "ue_px")
    inner = entity(wrapper.get("data")) if isinstance(wrapper, dict) else None
    if inner is None:
        raise Rejected(Reason.MISSING_EVENT, "a self-describing event needs {schema, data} in ue_pr or ue_px")
    return inner


def entities_in(wrapper: object) -> list[Any]:
    """The entities of `{"schema": ".../contexts/...", "data": [...]}`."""
    data = wrapper.get("data") if isinstance(wrapper, dict) else None
    return data if isinstance(data, list) else []


def _embedded(event: Json, plain: str, encoded: str) -> Any:
    value = event.get(plain)
    if not value:
        raw = event.get(encoded)
        if not isinstance(raw, str) or not raw:
            return None
        if not _ENCODED.fullmatch(raw.strip().replace(" ", "+")) or (decoded := decode_base64(raw)) is None:
            raise Rejected(Reason.INVALID_JSON, f"{encoded} is not base64")
        value = decoded
    elif isinstance(value, str):
        value = value.encode("utf-8", "replace")
    if not isinstance(value, bytes):
        return value  # some trackers leave the object as it is
    return parse_shallow(value)


def parse_shallow(embedded: bytes) -> Any:
    """JSON inside an event, which the depth of the event around it does not show."""
    value = parse_json(embedded)
    if deeper_than(value, MAX_DEPTH):
        raise Rejected(Reason.INVALID_JSON, f"nested deeper than {MAX_DEPTH} levels")
    return value


def _named(event: Json, names: dict[str, str]) -> Json:
    properties: Json = {}
    for key, name in names.items():
        value = event.get(key)
        if value is not None and value != "":
            as_number = number(value) if key in _NUMBERS else None
            properties[name] = value if as_number is None else as_number
    return properties


def _sizes(event: Json, context: Json) -> None:
    for key, part in (("res", "screen"), ("vp", "viewport")):
        value = event.get(key)
        if type(value) is str and (size := _SIZE.fullmatch(value)):
            context[part] = {"width": int(size[1][:9]), "height": int(size[2][:9])}


def _library(event: Json, context: Json) -> None:
    tracker = text(event.get("tv"))
    if tracker:
        parts = _TRACKER.fullmatch(tracker)
        context["library"] = {"name": parts[1], "version": parts[2]} if parts else {"name": tracker}


def _consent(properties: Json) -> dict[str, bool]:
    """What a person chose in the consent banner; `consent_scopes` are the ones allowed, the others are refused."""
    chosen = properties.get("event_type")
    if chosen == "allow_all" or chosen == "deny_all":
        return consent.everything(chosen == "allow_all")
    scopes = properties.get("consent_scopes")
    if chosen == "allow_selected" and isinstance(scopes, list):
        return {**consent.everything(False), **consent.from_lists(scopes, ())}
    if chosen == "withdrawn" or chosen == "expired":
        return consent.everything(False)
    return {}


def _unwrap(body: Json, envelope: Envelope) -> Batch | None:
    events = body.get("data")
    return Batch("data", events, envelope) if isinstance(events, list) else None


def _recognises(body: Json) -> bool:
    schema = body.get("schema")
    if isinstance(schema, str) and "/payload_data/" in schema:
        return True
    return isinstance(body.get("e"), str) and bool(body.keys() & {"eid", "tv", "aid", "p", "dtm"})


def _app(event: Json) -> str | None:
    return text(event.get("aid"))


_is_path: Callable[[str], Any] = re.compile(r"(^|/)(tp2|i)/?$").search

DIALECT = Dialect(
    name="snowplow",
    title="Snowplow",
    telltale=frozenset({"e", "eid", "aid", "tv", "dtm", "schema", "data"}),
    claims_path=lambda path: "/v1/" not in path and bool(_is_path(path.lower())),
    recognises=_recognises,
    unwrap=_unwrap,
    decode=decode,
    write_key=_app,
)
