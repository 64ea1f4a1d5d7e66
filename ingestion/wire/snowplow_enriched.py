"""Snowplow's enriched events: rows of 131 tab-separated columns, turned back into the tracker's parameters."""

from __future__ import annotations

from typing import Any

from ingestion.contract import Reason
from ingestion.wire.context import Places, place
from ingestion.wire.dialect import Json, Rejected
from ingestion.wire.snowplow import Enrichment, entities_in, parse_shallow
from ingestion.wire.values import number

COLUMNS = (
    "app_id", "platform", "etl_tstamp", "collector_tstamp", "dvce_created_tstamp", "event", "event_id", "txn_id",
    "name_tracker", "v_tracker", "v_collector", "v_etl", "user_id", "user_ipaddress", "user_fingerprint",
    "domain_userid", "domain_sessionidx", "network_userid", "geo_country", "geo_region", "geo_city", "geo_zipcode",
    "geo_latitude", "geo_longitude", "geo_region_name", "ip_isp", "ip_organization", "ip_domain", "ip_netspeed",
    "page_url", "page_title", "page_referrer", "page_urlscheme", "page_urlhost", "page_urlport", "page_urlpath",
    "page_urlquery", "page_urlfragment", "refr_urlscheme", "refr_urlhost", "refr_urlport", "refr_urlpath",
    "refr_urlquery", "refr_urlfragment", "refr_medium", "refr_source", "refr_term", "mkt_medium", "mkt_source",
    "mkt_term", "mkt_content", "mkt_campaign", "contexts", "se_category", "se_action", "se_label", "se_property",
    "se_value", "unstruct_event", "tr_orderid", "tr_affiliation", "tr_total", "tr_tax", "tr_shipping", "tr_city",
    "tr_state", "tr_country", "ti_orderid", "ti_sku", "ti_name", "ti_category", "ti_price", "ti_quantity",
    "pp_xoffset_min", "pp_xoffset_max", "pp_yoffset_min", "pp_yoffset_max", "useragent", "br_name", "br_family",
    "br_version", "br_type", "br_renderengine", "br_lang", "br_features_pdf", "br_features_flash",
    "br_features_java", "br_features_director", "br_features_quicktime", "br_features_realplayer",
    "br_features_windowsmedia", "br_features_gears", "br_features_silverlight", "br_cookies", "br_colordepth",
    "br_viewwidth", "br_viewheight", "os_name", "os_family", "os_manufacturer", "os_timezone", "dvce_type",
    "dvce_ismobile", "dvce_screenwidth", "dvce_screenheight", "doc_charset", "doc_width", "doc_height",
    "tr_currency", "tr_total_base", "tr_tax_base", "tr_shipping_base", "ti_currency", "ti_price_base",
    "base_currency", "geo_timezone", "mkt_clickid", "mkt_network", "etl_tags", "dvce_sent_tstamp",
    "refr_domain_userid", "refr_dvce_tstamp", "derived_contexts", "domain_sessionid", "derived_tstamp",
    "event_vendor", "event_name", "event_format", "event_version", "event_fingerprint", "true_tstamp",
)  # fmt: skip

_PARAMETERS = {
    "app_id": "aid",
    "platform": "p",
    "event_id": "eid",
    "v_tracker": "tv",
    "user_id": "uid",
    "user_ipaddress": "ip",
    "domain_userid": "duid",
    "network_userid": "nuid",
    "domain_sessionid": "sid",
    "page_url": "url",
    "page_title": "page",
    "page_referrer": "refr",
    "useragent": "ua",
    "br_lang": "lang",
    "os_timezone": "tz",
    "se_category": "se_ca",
    "se_action": "se_ac",
    "se_label": "se_la",
    "se_property": "se_pr",
    "se_value": "se_va",
    "tr_orderid": "tr_id",
    "tr_affiliation": "tr_af",
    "tr_total": "tr_tt",
    "tr_tax": "tr_tx",
    "tr_shipping": "tr_sh",
    "tr_city": "tr_ci",
    "tr_state": "tr_st",
    "tr_country": "tr_co",
    "tr_currency": "tr_cu",
    "ti_orderid": "ti_id",
    "ti_sku": "ti_sk",
    "ti_name": "ti_nm",
    "ti_category": "ti_ca",
    "ti_price": "ti_pr",
    "ti_quantity": "ti_qu",
    "ti_currency": "ti_cu",
    "pp_xoffset_min": "pp_mix",
    "pp_xoffset_max": "pp_max",
    "pp_yoffset_min": "pp_miy",
    "pp_yoffset_max": "pp_may",
    "unstruct_event": "ue_pr",
    "contexts": "co",
    "dvce_created_tstamp": "dtm",
    "dvce_sent_tstamp": "stm",
    "true_tstamp": "ttm",
}
_EVENTS = {
    "page_view": "pv",
    "page_ping": "pp",
    "struct": "se",
    "unstruct": "ue",
    "transaction": "tr",
    "transaction_item": "ti",
}
# What enrichment found out, where the canonical context has a place for it.
_CONTEXT: Places = {
    "page_urlpath": ("page", "path"),
    "page_urlquery": ("page", "search"),
    "mkt_source": ("campaign", "source"),
    "mkt_medium": ("campaign", "medium"),
    "mkt_campaign": ("campaign", "name"),
    "mkt_term": ("campaign", "term"),
    "mkt_content": ("campaign", "content"),
    "mkt_clickid": ("campaign", "click_id"),
    "mkt_network": ("campaign", "network"),
    "refr_medium": ("referrer", "medium"),
    "refr_source": ("referrer", "source"),
    "refr_term": ("referrer", "term"),
    "br_family": ("browser", "name"),
    "br_version": ("browser", "version"),
    "os_name": ("os", "name"),
    "dvce_type": ("device", "type"),
    "dvce_screenwidth": ("screen", "width"),
    "dvce_screenheight": ("screen", "height"),
    "br_viewwidth": ("viewport", "width"),
    "br_viewheight": ("viewport", "height"),
    "geo_country": ("location", "country"),
    "geo_region_name": ("location", "region"),
    "geo_city": ("location", "city"),
    "geo_latitude": ("location", "latitude"),
    "geo_longitude": ("location", "longitude"),
}
_NUMBERS = ("dvce_screenwidth", "dvce_screenheight", "br_viewwidth", "br_viewheight", "geo_latitude", "geo_longitude")


def parse_row(line: bytes) -> tuple[Json, Enrichment]:
    """The parameters of one row, and what enrichment added; Rejected where it is not one."""
    try:
        cells = line.decode("utf-8").split("\t")
    except UnicodeDecodeError as error:
        raise Rejected(
            Reason.INVALID_JSON, f"not UTF-8: byte 0x{line[error.start]:02x} at offset {error.start}"
        ) from None
    if len(cells) != len(COLUMNS):
        detail = f"an enriched row has {len(COLUMNS)} tab-separated columns, this one has {len(cells)}"
        raise Rejected(Reason.INVALID_JSON, detail)
    row = {column: cell for column, cell in zip(COLUMNS, cells, strict=True) if cell}
    event: Json = {parameter: row[column] for column, parameter in _PARAMETERS.items() if column in row}
    if (kind := row.get("event")) is not None:
        event["e"] = _EVENTS.get(kind, kind)
    context: Json = {}
    for column, where in _CONTEXT.items():
        if column in row:
            value: Any = number(row[column]) if column in _NUMBERS else row[column]
            place(context, where, value)
    if search := row.get("page_urlquery"):
        context["page"]["search"] = f"?{search}"
    derived = row.get("derived_contexts")
    entities = entities_in(parse_shallow(derived.encode())) if derived else []
    return event, Enrichment(context, entities, row.get("derived_tstamp"), row.get("collector_tstamp"))
