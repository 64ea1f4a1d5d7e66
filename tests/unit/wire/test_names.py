"""Event names and keys of properties have one spelling, whoever sends them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.registry import Registry
from ingestion.validation import line_problems
from ingestion.wire import DIALECTS
from ingestion.wire.names import snake_case, snake_keys
from tests.unit.wire.helpers import event, lines, refusal

NOON = "2026-01-31T12:00:00.000Z"

CASES = [
    # words, capitals, signs
    ("Product Viewed", "product_viewed"),
    ("productViewed", "product_viewed"),
    ("ProductViewed", "product_viewed"),
    ("product_viewed", "product_viewed"),
    ("product-viewed", "product_viewed"),
    ("product.viewed", "product_viewed"),
    ("product/viewed", "product_viewed"),
    ("PRODUCT VIEWED", "product_viewed"),
    ("PRODUCT_VIEWED", "product_viewed"),
    ("  Product   Viewed ", "product_viewed"),
    ("Product Viewed!", "product_viewed"),
    ("checkout:started", "checkout_started"),
    ("$pageview", "pageview"),
    ("$feature_flag_called", "feature_flag_called"),
    ("[Amplitude] Page Viewed", "amplitude_page_viewed"),
    ("__private__", "private"),
    ("user's cart", "user_s_cart"),
    ("signed up → paid", "signed_up_paid"),
    # runs of capitals
    ("HTTPRequest", "http_request"),
    ("parseJSON", "parse_json"),
    ("userID", "user_id"),
    ("ID", "id"),
    ("SKU", "sku"),
    ("A", "a"),
    ("aB", "a_b"),
    ("iOSAppOpened", "i_os_app_opened"),
    # digits
    ("Step 2 Completed", "step_2_completed"),
    ("step2Completed", "step2_completed"),
    ("Step2", "step2"),
    ("2FA Enabled", "2fa_enabled"),
    ("H264Encoded", "h264_encoded"),
    ("MP3Player", "mp3_player"),
    ("3D View", "3d_view"),
    ("404", "404"),
    # scripts
    ("Überprüfung gestartet", "überprüfung_gestartet"),
    ("ÜberprüfungGestartet", "überprüfung_gestartet"),
    ("Cafe\u0301 Opened", "café_opened"),
    ("HTTPE\u0301tat", "http_état"),
    ("Commande Validée", "commande_validée"),
    ("Заказ Оформлен", "заказ_оформлен"),
    ("商品を見た", "商品を見た"),
    ("คลิกปุ่ม", "คลิกปุ่ม"),
    ("उत्पाद देखा", "उत्पाद_देखा"),
    ("STRAẞE", "straße"),
    ("Purchase 🎉 Done", "purchase_done"),
    # nothing to keep
    ("", ""),
    ("   ", ""),
    ("$", ""),
    ("🎉", ""),
    ("---", ""),
]


@pytest.mark.parametrize(("sent", "kept"), CASES)
def test_a_name_has_one_spelling(sent: str, kept: str) -> None:
    assert snake_case(sent) == kept


def test_a_name_longer_than_those_remembered_is_spelled_alike() -> None:
    assert snake_case("ProductViewed " * 50) == "_".join(["product_viewed"] * 50)


@given(st.text(max_size=200))
def test_spelling_a_name_again_changes_nothing(name: str) -> None:
    once = snake_case(name)
    assert snake_case(once) == once
    assert not once.startswith("_")
    assert not once.endswith("_")
    assert "__" not in once


def test_keys_are_spelled_at_every_depth_and_values_stay() -> None:
    sent = {"orderId": "A B", "Line Items": [{"productId": 1, "skuCode": None}, "Not A Key"], "a.b": {"cD": [["eF"]]}}
    assert snake_keys(sent) == {
        "order_id": "A B",
        "line_items": [{"product_id": 1, "sku_code": None}, "Not A Key"],
        "a_b": {"c_d": [["eF"]]},
    }
    assert list(sent) == ["orderId", "Line Items", "a.b"], "the payload itself is not changed"


def test_where_two_keys_become_one_name_neither_value_is_lost() -> None:
    assert snake_keys({"orderId": 1, "order_id": 2}) == {"orderId": 1, "order_id": 2}
    assert snake_keys({"order_id": 2, "orderId": 1}) == {"orderId": 1, "order_id": 2}
    assert snake_keys({"orderId": 1, "Order Id": 2, "order-id": 3}) == {"order_id": 1, "Order Id": 2, "order-id": 3}
    assert snake_keys({"x": {"aB": [{"cD": 1, "c_d": 2}], "a_b": 0}}) == {"x": {"aB": [{"cD": 1, "c_d": 2}], "a_b": 0}}


def test_a_key_of_signs_only_still_has_a_name() -> None:
    assert snake_keys({"": 1}) == {"_": 1}
    assert snake_keys({"🎉": 1, "!!": 2}) == {"_": 1, "!!": 2}


@given(
    st.recursive(
        st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=6), inner), max_leaves=20
    )
)
def test_renaming_keeps_every_value(value: object) -> None:
    def leaves(one: object) -> list[object]:
        if isinstance(one, dict):
            return [leaf for inner in one.values() for leaf in leaves(inner)]
        if isinstance(one, list):
            return [leaf for inner in one for leaf in leaves(inner)]
        return [one]

    assert sorted(map(str, leaves(snake_keys(value)))) == sorted(map(str, leaves(value)))


SENT_BY = {
    "segment": lambda name: {"type": "track", "event": name, "userId": "u1", "timestamp": NOON},
    "rudderstack": lambda name: {"type": "track", "channel": "web", "event": name, "userId": "u1", "timestamp": NOON},
    "posthog": lambda name: {"event": name, "distinct_id": "u1", "timestamp": NOON, "properties": {}},
    "snowplow": lambda name: {"e": "se", "se_ac": name, "aid": "shop", "uid": "u1", "dtm": "1769860800000"},
    "amplitude": lambda name: {"event_type": name, "user_id": "u1", "time": 1769860800000},
    "mixpanel": lambda name: {"event": name, "properties": {"distinct_id": "u1", "time": 1769860800, "token": "T"}},
    "canonical": lambda name: {"event": name, "message_type": "track", "user_id": "u1", "timestamp": NOON},
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2FA Enabled", "2fa_enabled"),
        ("404", "404"),
        ("Größe gewählt", "größe_gewählt"),
        ("サインアップ", "サインアップ"),
        ("checkout:started", "checkout_started"),
        ("cart.item/added", "cart_item_added"),
        ("$autocapture", "autocapture"),
        ("Signed Up 🎉", "signed_up"),
        ("🎉", "🎉"),
        ("👍 / 👎", "👍_👎"),
        ("true", "true"),
        ("A" * 128, "a" * 128),
    ],
)
def test_a_name_is_accepted_from_every_dialect(dialect: str, sent: str, kept: str) -> None:
    made = event(SENT_BY[dialect](sent), dialect)
    assert made["event"] == kept
    assert line_problems(orjson.dumps({**made, "project_id": "p"}), Registry([])) == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("sent", "said"),
    [(17, "is 17, not text"), (True, "is True, not text"), (1.5, "is 1.5, not text"), ({}, "not text"), (["a"], "text"),
     (None, "no event name"), ("", "no event name"), ("$", "no letter or digit"), ("undefined", "is 'undefined'")],
)  # fmt: skip
def test_what_is_no_name_is_refused_by_every_dialect(dialect: str, sent: Any, said: str) -> None:
    if dialect == "amplitude" and sent is None:
        sent = ""
    refused = refusal(lines(SENT_BY[dialect](sent), dialect))
    assert refused.reason == "missing_event"
    assert said in refused.detail


def test_a_name_that_is_too_long_is_kept_whole_for_the_contract_to_judge() -> None:
    made = event(SENT_BY["segment"]("Bought " * 30), "segment")
    assert made["event"] == "_".join(["bought"] * 30)
    (problem,) = line_problems(orjson.dumps({**made, "project_id": "p"}), Registry([]))
    assert (problem.reason, problem.expected) == ("missing_event", "at most 128 characters")
