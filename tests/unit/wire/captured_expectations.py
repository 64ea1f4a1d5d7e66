"""What the captured requests say, request by request, written down from reading them."""

from __future__ import annotations

from typing import Any

THEN = "2026-01-15T10:30:00.123Z"
ADA = {"email": "ada@example.com"}
CART = {
    "order_id": "o-1",
    "revenue": 49.9,
    "currency": "EUR",
    "products": [{"sku": "A1", "price": 24.95, "quantity": 2}],
}
NEWS = "https://example.com/pricing?utm_source=news"
NEWS_MAIL = "https://example.com/pricing?utm_source=news&utm_medium=email"
BROWSER_ID = "06b1fac8-cb61-4754-9b14-f4e4f7551625"
FROM_GOOGLE = {"url": NEWS, "title": "Pricing", "referrer": "https://www.google.com/"}


def on_the_day(time: str | None) -> str | None:
    return time if time is None or "T" in time else f"2026-11-20T{time}Z"


def row(
    event: str,
    event_id: str | None,
    at: str,
    properties: dict[str, Any] | None = None,
    *,
    kind: str = "track",
    user: str | None = "user_1",
    anonymous: str | None = None,
    page: dict[str, str] | None = None,
    **more: str,
) -> dict[str, Any]:
    """What is compared: all of the line but its context, of which the page, and the first letters of the id.
    A time of day is one of the day of the capture."""
    return {
        "event": event,
        "message_type": kind,
        "id": event_id,
        "at": on_the_day(at),
        "properties": properties or {},
        "user_id": user,
        "anonymous_id": anonymous,
        "page": page or {},
        "session_id": more.get("session"),
        "group_id": more.get("group"),
        "sent_at": on_the_day(more.get("sent")),
        "schema_version": more.get("version"),
    }


def segment_python(*ids: str, sent: str) -> list[dict[str, Any]]:
    identify, order, page, screen, group, alias, signed_up = ids
    return [
        row("identify", identify, THEN, {**ADA, "plan": "pro"}, kind="identify", sent=sent),
        row("order_completed", order, THEN, CART, sent=sent),
        row(
            "page_viewed",
            page,
            THEN,
            {"page_name": "Pricing", "category": "Docs"},
            kind="page",
            page={"url": NEWS_MAIL},
            sent=sent,
        ),
        row("screen_viewed", screen, THEN, {"screen_name": "Home", "category": "Mobile"}, kind="screen", sent=sent),
        row("group", group, THEN, {"seats": 7}, kind="group", group="acme", sent=sent),
        row("alias", alias, THEN, {"previous_id": "anon_9"}, kind="alias", sent=sent),
        row("signed_up", signed_up, THEN, user=None, anonymous="anon_9", sent=sent),
    ]


def posthog_python(*ids: str, at: tuple[str, str, str], sent: str) -> list[dict[str, Any]]:
    order, view, identify, alias, group = ids
    page = {"url": "https://example.com/pricing"}
    return [
        row("order_completed", order, THEN, {"revenue": 49.9, "user_properties": {"set": {"plan": "pro"}}}, sent=sent),
        row("page_viewed", view, THEN, kind="page", page=page, session="0198-sess", sent=sent),
        row("identify", identify, at[0], ADA, kind="identify", sent=sent),
        row("alias", alias, at[1], {"previous_id": "anon_9"}, kind="alias", sent=sent),
        # The SDK makes up a distinct_id for a group that no person is named for.
        row(
            "group",
            group,
            at[2],
            {"seats": 7, "group_type": "company"},
            kind="group",
            user=None,
            group="acme",
            sent=sent,
        ),
    ]


def rudder_python(*ids: str, sent: str) -> list[dict[str, Any]]:
    identify, order, page, group, alias, screen = ids
    named = {"page_name": "Pricing", "category": "Docs"}
    return [
        row("identify", identify, THEN, ADA, kind="identify", sent=sent),
        row("order_completed", order, THEN, {"revenue": 49.9}, sent=sent),
        row("page_viewed", page, THEN, named, kind="page", page={"url": "https://example.com"}, sent=sent),
        row("group", group, THEN, {"seats": 7}, kind="group", group="acme", sent=sent),
        row("alias", alias, THEN, {"previous_id": "anon_9"}, kind="alias", sent=sent),
        row("screen_viewed", screen, THEN, {"screen_name": "Home", "category": "Mobile"}, kind="screen", sent=sent),
    ]


def rudder_node(*ids: str, sent: str) -> list[dict[str, Any]]:
    order, page, group, alias, screen = ids
    return [
        row("order_completed", order, THEN, {"revenue": 49.9}, sent=sent),
        row(
            "page_viewed",
            page,
            THEN,
            {"page_name": "Pricing"},
            kind="page",
            page={"url": "https://example.com"},
            sent=sent,
        ),
        row("group", group, THEN, {"seats": 7}, kind="group", group="acme", sent=sent),
        row("alias", alias, THEN, {"previous_id": "anon_9"}, kind="alias", sent=sent),
        row("screen_viewed", screen, THEN, {"screen_name": "Home"}, kind="screen", sent=sent),
    ]


SPRING = {
    "path": "/pricing",
    "referrer": "https://www.google.com/",
    "search": "?utm_source=news&utm_medium=email&utm_campaign=spring",
    "title": "Pricing",
    "url": "https://example.com/pricing?utm_source=news&utm_medium=email&utm_campaign=spring",
}


def browser(event: str, event_id: str, at: str, sent: str, **more: Any) -> list[dict[str, Any]]:
    return [row(event, event_id, f"18:02:{at}", anonymous=BROWSER_ID, page=SPRING, sent=f"18:02:{sent}", **more)]


# Per request: dialect, write key, events.
EXPECTED: list[tuple[str, str, list[dict[str, Any]]]] = [
    (
        "segment",
        "WRITE_KEY_TEST",
        segment_python(
            "a9a145ef", "57b00161", "aef0f7ec", "36e9eec5", "7c309861", "65503038", "4d7bfb53", sent="17:59:23.756"
        ),
    ),
    (
        "segment",
        "WRITE_KEY_TEST",
        segment_python(
            "d6f10b5c", "e7fc3a2d", "cc0cd224", "09e32802", "c7e7600c", "61bb127f", "ef5dd60e", sent="17:59:26.344"
        ),
    ),
    (
        "posthog",
        "phc_test",
        posthog_python(
            "91ff9ab0",
            "988c3d86",
            "443f8a85",
            "39e0fe4e",
            "3798a8f3",
            at=("17:59:28.804", "17:59:28.804", "17:59:28.804"),
            sent="17:59:28.804",
        ),
    ),
    (
        "posthog",
        "phc_test",
        posthog_python(
            "6432e849",
            "0df78685",
            "61f111c9",
            "9412046a",
            "c5c2fbf8",
            at=("17:59:30.822", "17:59:30.822", "17:59:30.822"),
            sent="17:59:30.825",
        ),
    ),
    (
        "rudderstack",
        "WRITE_KEY_TEST",
        rudder_python("930024ed", "421749c6", "8f051405", "80de90ad", "31d470d8", "d49123f5", sent="17:59:32.708"),
    ),
    (
        "rudderstack",
        "WRITE_KEY_TEST",
        rudder_python("e5880a35", "362ce257", "c1835451", "5bb4f76f", "21c9e8a9", "d2332b54", sent="17:59:34.698"),
    ),
    ("mixpanel", "TOKEN", [row("order_completed", "40bcfbf9", "2026-01-15T10:30:00.000Z", {"revenue": 49.9})]),
    ("mixpanel", "TOKEN", [row("identify", None, "17:59:36.557", ADA, kind="identify")]),
    (
        "amplitude",
        "API_KEY",
        [
            row("order_completed", "8004afb6", THEN, {"revenue": 49.9}, anonymous="dev_1", session="1768472000000"),
            row("identify", "af0eb11b", "17:59:40.972", {"plan": "pro"}, kind="identify"),
        ],
    ),
    (
        "snowplow",
        "shop",
        [row("page_viewed", "77dddf26", "17:59:43.270", kind="page", page=FROM_GOOGLE, sent="17:59:43.000")],
    ),
    (
        "snowplow",
        "shop",
        [
            row(
                "add_to_basket",
                "ac320b64",
                "17:59:43.276",
                {"category": "shop", "action": "add-to-basket", "label": "A1", "value": 24.95},
                sent="17:59:43.000",
            )
        ],
    ),
    (
        "snowplow",
        "shop",
        [
            row(
                "link_click",
                "e789aa66",
                "17:59:43.280",
                {"target_url": "https://example.com"},
                sent="17:59:43.000",
                version="1-0-1",
            )
        ],
    ),
    (
        "segment",
        "WRITE_KEY_TEST",
        [
            row("identify", "node-nex", THEN, ADA, kind="identify", sent="18:02:44.685"),
            row("order_completed", "node-nex", THEN, {"revenue": 49.9}, sent="18:02:44.685"),
            row(
                "page_viewed",
                "node-nex",
                THEN,
                {"page_name": "Pricing", "category": "Docs"},
                kind="page",
                page={"url": "https://example.com/pricing"},
                sent="18:02:44.685",
            ),
            row("group", "node-nex", THEN, {"seats": 7}, kind="group", group="acme", sent="18:02:44.685"),
            row("alias", "node-nex", THEN, {"previous_id": "anon_9"}, kind="alias", sent="18:02:44.685"),
            row(
                "screen_viewed",
                "node-nex",
                THEN,
                {"screen_name": "Home"},
                kind="screen",
                user=None,
                anonymous="anon_9",
                sent="18:02:44.685",
            ),
        ],
    ),
    (
        "posthog",
        "phc_test",
        [
            row("order_completed", "01a1fa20", THEN, {"revenue": 49.9}, sent="18:02:46.077"),
            row("identify", "01a1fa20", "18:02:46.076", {"plan": "pro"}, kind="identify", sent="18:02:46.077"),
            row("alias", "01a1fa20", "18:02:46.076", {"previous_id": "anon_9"}, kind="alias", sent="18:02:46.077"),
            row(
                "group",
                "01a1fa20",
                "18:02:46.076",
                {"seats": 7, "group_type": "company"},
                kind="group",
                user=None,
                group="acme",
                sent="18:02:46.077",
            ),
        ],
    ),
    ("rudderstack", "WRITE_KEY_TEST", [row("identify", "16985c9c", THEN, ADA, kind="identify", sent="18:02:47.687")]),
    (
        "rudderstack",
        "WRITE_KEY_TEST",
        rudder_node("5c7fafa8", "49774aed", "c33b66f9", "5348fab2", "ca46e31e", sent="18:02:47.743"),
    ),
    ("rudderstack", "WRITE_KEY_TEST", [row("identify", "ca23cde2", THEN, ADA, kind="identify", sent="18:02:50.283")]),
    (
        "rudderstack",
        "WRITE_KEY_TEST",
        rudder_node("30eb9dac", "5dc4af6d", "eb7ee5e3", "092b232f", "ce3da81d", sent="18:02:50.341"),
    ),
    (
        "snowplow",
        "shop",
        [
            row("page_viewed", "eceed6f6", "18:02:52.723", kind="page", page=FROM_GOOGLE, sent="18:02:52.757"),
            row(
                "add_to_basket",
                "0cf24e7a",
                "18:02:52.724",
                {"category": "shop", "action": "add-to-basket", "label": "A1", "value": 24.95},
                sent="18:02:52.757",
            ),
        ],
    ),
    (
        "segment",
        "WRITE_KEY_TEST",
        browser(
            "page_viewed",
            "ajs-next",
            "57.571",
            "57.681",
            user=None,
            kind="page",
            properties={"page_name": "Pricing", "category": "Docs"},
        ),
    ),
    ("segment", "WRITE_KEY_TEST", browser("identify", "ajs-next", "57.705", "57.732", kind="identify", properties=ADA)),
    (
        "segment",
        "WRITE_KEY_TEST",
        browser("order_completed", "ajs-next", "57.753", "57.767", properties={"revenue": 49.9, "currency": "EUR"}),
    ),
    (
        "segment",
        "WRITE_KEY_TEST",
        browser("group", "ajs-next", "57.783", "57.826", kind="group", group="acme", properties={"seats": 7}),
    ),
    (
        "segment",
        "WRITE_KEY_TEST",
        browser("alias", "ajs-next", "57.833", "57.865", kind="alias", properties={"previous_id": "user_1"}),
    ),
]
