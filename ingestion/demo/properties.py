"""The properties of each kind of event, as JSON: what a, b and c of an event mean is said here.

`random` decides details that nothing depends on; each detail takes its own digits of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingestion.demo import experiments, reference, shop
from ingestion.demo.event_types import Kind
from ingestion.demo.names import Names
from ingestion.demo.table import NONE, Table
from ingestion.demo.text import (
    booleans,
    join,
    json_object,
    mix,
    money,
    numbers,
    padded,
    take,
    uuids,
    where,
    without_first,
)
from ingestion.demo.world import PLAN_PRICES, TRIAL_DAYS

Ints = NDArray[np.int64]

_PRICES: Final = np.array([PLAN_PRICES[plan] for plan in reference.PLANS])


@dataclass
class Facts:
    """What properties refer to, besides the event itself."""

    names: Names
    goods: shop.Catalogue
    carts: shop.Carts
    currency: str  # of the project


def digits(table: Table, place: int, below: int) -> Ints:
    """A number below `below` from the event's random word; each place gives another one."""
    return (mix(table.random, place) % np.uint64(below)).astype(np.int64)


def properties(table: Table, facts: Facts) -> pa.StringArray:
    """The JSON of `properties` of every row, without braces."""
    order = np.argsort(table.kind, kind="stable")
    kinds, begin = np.unique(table.kind[order], return_index=True)
    parts = []
    for kind, low, high in zip(kinds, begin, [*begin[1:], len(order)], strict=True):
        rows = table.take(order[low:high])
        make = _MAKERS.get(Kind(kind))
        parts.append(make(rows, facts) if make else take([""], np.zeros(len(rows), dtype=np.int64)))
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return (
        pa.concat_arrays([_flat(part) for part in parts]).take(pa.array(back)) if parts else pa.array([], pa.string())
    )


def _flat(column: pa.StringArray | pa.ChunkedArray) -> pa.StringArray:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _words(words: tuple[str, ...], place: int) -> Callable[[Table], pa.StringArray]:
    return lambda rows: take(words, digits(rows, place, len(words)))


def _one_word(key: str, words: tuple[str, ...]) -> Callable[[Table, Facts], pa.StringArray]:
    return lambda rows, facts: json_object((key, "text", _words(words, 1)(rows)))


def _method(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(("method", "text", take(reference.SIGN_UP_METHODS, rows.a)))


def _view(rows: Table, facts: Facts) -> pa.StringArray:
    load = where(rows.load_ms != NONE, numbers(rows.load_ms))
    category = take([page.category for page in reference.PAGES], rows.page)
    return json_object(("load_time_ms", "raw?", load), ("category", "text?", where(rows.load_ms != NONE, category)))


def _screen(rows: Table, facts: Facts) -> pa.StringArray:
    name = take([page.title for page in reference.PAGES], rows.page)
    return json_object(("screen_name", "text", name), ("load_time_ms", "raw", numbers(rows.load_ms)))


def _identify(rows: Table, facts: Facts) -> pa.StringArray:
    names, person = facts.names, rows.person
    rich = digits(rows, 1, 10) == 0
    return json_object(
        ("email", "text", names.email(person)),
        ("name", "text", names.full_name(person)),
        ("plan", "text", take(reference.PLANS, names.plan_at(person, rows.at))),
        ("country", "text", take([c.code for c in reference.COUNTRIES], rows.country)),
        ("signed_up_at", "text", names.signed_up_at(person)),
        ("is_internal", "raw?", where(names.people.internal[person], "true")),
        ("role", "text", take(reference.ROLES, person % len(reference.ROLES))),
        ("birth_year", "raw?", where(rich, numbers(1955 + person % 50))),
        ("company_id", "text?", names.company_id(person)),
    )


def _group(rows: Table, facts: Facts) -> pa.StringArray:
    company = np.maximum(facts.names.people.company[rows.person], 0)
    return json_object(
        ("name", "text", join(take(reference.COMPANY_NAMES, company % len(reference.COMPANY_NAMES)), " GmbH")),
        ("industry", "text", take(reference.INDUSTRIES, company % len(reference.INDUSTRIES))),
        ("seats", "raw", numbers(3 + company % 47)),
        ("plan", "text", take(reference.PLANS, facts.names.plan_at(rows.person, rows.at))),
    )


def _alias(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(("previous_id", "text", facts.names.previous_id(rows)))


def _opened(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(("from_background", "raw", booleans(rows.b > 0)), ("first_open", "raw", booleans(rows.a > 0)))


def _consented(rows: Table, facts: Facts) -> pa.StringArray:
    granted = booleans(rows.a > 0)
    return json_object(
        ("analytics", "raw", granted),
        ("marketing", "raw", booleans((rows.a > 0) & (rows.b > 0))),
        ("personalization", "raw", granted),
    )


def _signed_up(rows: Table, facts: Facts) -> pa.StringArray:
    code = join("FRIEND-", padded(digits(rows, 1, 10_000), 4))
    return json_object(
        ("method", "text", take(reference.SIGN_UP_METHODS, rows.a)), ("referral_code", "text?", where(rows.b > 0, code))
    )


def _plan_selected(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(("plan", "text", take(reference.PLANS, rows.a)), ("billing_period", "text", "monthly"))


def _searched(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("query", "text", _words(reference.QUERIES, 1)(rows)), ("results_count", "raw", numbers(digits(rows, 2, 40)))
    )


def _exposed(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("experiment_id", "text", take([e.id for e in experiments.EXPERIMENTS], rows.a)),
        ("variant", "text", take(experiments.ARMS, rows.b)),
    )


def _step(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("step", "raw", numbers(rows.a)), ("step_name", "text", take(reference.ONBOARDING_STEPS, rows.a - 1))
    )


def _onboarded(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(("duration_seconds", "raw", numbers(90 + digits(rows, 1, 900))))


def _feature(rows: Table, facts: Facts) -> pa.StringArray:
    # Some features are used far more than others: the smaller of two draws.
    n = len(reference.FEATURES)
    feature = np.minimum(digits(rows, 1, n), digits(rows, 2, n))
    return json_object(
        ("feature", "text", take(reference.FEATURES, feature)),
        ("duration_ms", "raw", numbers(40 + digits(rows, 3, 4000))),
    )


def _exported(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("format", "text", _words(reference.FILE_FORMATS, 1)(rows)),
        ("rows_count", "raw", numbers(1 + digits(rows, 2, 50_000))),
    )


def _uploaded(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("format", "text", _words(reference.FILE_FORMATS, 1)(rows)),
        ("size_bytes", "raw", numbers(1000 + digits(rows, 2, 5_000_000))),
    )


def _commented(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(("length", "raw", numbers(3 + digits(rows, 1, 400))))


def _trial(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(("plan", "text", "pro"), ("trial_days", "raw", numbers(np.full(len(rows), TRIAL_DAYS))))


def _subscription(rows: Table, facts: Facts) -> pa.StringArray:
    started = rows.kind[0] == Kind.subscription_started
    return json_object(
        ("subscription_id", "text", facts.names.subscription_id(rows.a)),
        *([] if started else [("previous_plan", "text", take(reference.PLANS, rows.c % 8))]),
        ("plan", "text", take(reference.PLANS, rows.b)),
        ("amount", "raw", money(_PRICES[rows.b])),
        ("currency", "text", facts.currency),
        *([("billing_period", "text", "monthly")] if started else []),
    )


def _cancelled(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("subscription_id", "text", facts.names.subscription_id(rows.a)),
        ("plan", "text", take(reference.PLANS, rows.c % 8)),
        ("reason", "text", take(reference.CANCEL_REASONS, rows.c // 8)),
    )


def _payment_failed(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("invoice_id", "text", facts.names.invoice_id(rows.a, rows.b)),
        ("amount", "raw", money(_PRICES[facts.names.plan_of_invoice(rows.a, rows.b)])),
        ("currency", "text", facts.currency),
        ("failure_code", "text", take(reference.FAILURE_CODES, rows.a % len(reference.FAILURE_CODES))),
        ("attempt", "raw", numbers(np.ones(len(rows), dtype=np.int64))),
    )


def _product(rows: Table, facts: Facts) -> pa.StringArray:
    """a: row of the carts, b: place of the product in it."""
    carts, goods = facts.carts, facts.goods
    product = carts.product[rows.a, rows.b]
    everything = range(shop.PRODUCTS)
    named = rows.kind[0] != Kind.product_removed
    quantity = rows.kind[0] != Kind.product_viewed
    return json_object(
        ("product_id", "text", take([goods.id(p) for p in everything], product)),
        *([("product_name", "text", take([goods.name(p) for p in everything], product))] if named else []),
        *([("category", "text", take([goods.category(p) for p in everything], product))] if named else []),
        ("price", "raw", money(carts.price[rows.a, rows.b])),
        ("currency", "text", take(reference.CURRENCIES, carts.currency[rows.a])),
        *([("quantity", "raw", numbers(carts.quantity[rows.a, rows.b]))] if quantity else []),
    )


def _coupon(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(("coupon", "text", shop.COUPON), ("discount", "raw", money(facts.carts.discount[rows.a])))


def _checkout(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("checkout_id", "text", facts.names.checkout_id(rows.a)),
        ("amount", "raw", money(facts.carts.subtotal[rows.a])),
        ("currency", "text", take(reference.CURRENCIES, facts.carts.currency[rows.a])),
        ("items_count", "raw", numbers(facts.carts.items[rows.a])),
    )


def _order(rows: Table, facts: Facts) -> pa.StringArray:
    carts = facts.carts
    discount, coupon = carts.discount[rows.a], carts.coupon[rows.a]
    return json_object(
        ("order_id", "text", facts.names.order_id(rows.a)),
        ("revenue", "raw", money(carts.subtotal[rows.a] - discount)),
        ("currency", "text", take(reference.CURRENCIES, carts.currency[rows.a])),
        ("items_count", "raw", numbers(carts.items[rows.a])),
        ("discount", "raw?", where(coupon, money(discount))),
        ("coupon", "text?", where(coupon, shop.COUPON)),
        ("products", "raw", _products(rows.a, facts)),
    )


def _products(cart: Ints, facts: Facts) -> pa.StringArray:
    """The list of what was ordered."""
    carts = facts.carts
    ids = [facts.goods.id(p) for p in range(shop.PRODUCTS)]
    items = []
    for place in range(shop.MAX_VIEWED):
        item = join(
            ',{"product_id":"',
            take(ids, np.maximum(carts.product[cart, place], 0)),
            '","quantity":',
            numbers(carts.quantity[cart, place]),
            ',"price":',
            money(carts.price[cart, place]),
            "}",
        )
        items.append(where(carts.kept[cart, place], item))
    return join("[", without_first(join(*items)), "]")


def _refund(rows: Table, facts: Facts) -> pa.StringArray:
    carts = facts.carts
    return json_object(
        ("order_id", "text", facts.names.order_id(rows.a)),
        ("revenue", "raw", money(carts.subtotal[rows.a] - carts.discount[rows.a])),
        ("currency", "text", take(reference.CURRENCIES, carts.currency[rows.a])),
        ("reason", "text", _words(reference.REFUND_REASONS, 1)(rows)),
    )


def _error(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("error_type", "text", take((*reference.ERROR_TYPES, reference.BROKEN_ERROR), rows.a)),
        ("message", "text", take((*reference.ERROR_MESSAGES, "cannot render the view"), rows.a)),
        ("fatal", "raw", booleans(rows.b > 0)),
        ("error_code", "raw", numbers(np.array([500, 503, 504, 422, 520])[rows.a])),
    )


def _ticket(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("ticket_id", "text", join("tic_", _hex8(rows))),
        ("topic", "text", _words(reference.TOPICS, 1)(rows)),
        ("priority", "text", _words(reference.PRIORITIES, 2)(rows)),
    )


def _hex8(rows: Table) -> pa.StringArray:
    return pc.utf8_slice_codeunits(uuids(mix(rows.random, 9), mix(rows.random, 10)), 0, 8)


def _nps(rows: Table, facts: Facts) -> pa.StringArray:
    comment = take(("Does what it should", "Great for our team", "Too slow", "Could be cheaper"), digits(rows, 1, 4))
    return json_object(("score", "raw", numbers(rows.a)), ("comment", "text?", where(rows.b > 0, comment)))


def _video(rows: Table, facts: Facts) -> pa.StringArray:
    return json_object(
        ("video_id", "text", _words(reference.VIDEOS, 1)(rows)),
        ("watched_seconds", "raw", numbers(5 + digits(rows, 2, 300))),
    )


_MAKERS: Final[dict[Kind, Callable[[Table, Facts], pa.StringArray]]] = {
    Kind.page_viewed: _view,
    Kind.screen_viewed: _screen,
    Kind.identify: _identify,
    Kind.group: _group,
    Kind.alias: _alias,
    Kind.app_opened: _opened,
    Kind.consent_updated: _consented,
    Kind.signup_started: _method,
    Kind.signed_up: _signed_up,
    Kind.logged_in: _method,
    Kind.plan_selected: _plan_selected,
    Kind.newsletter_subscribed: _one_word("list", ("product_news", "changelog")),
    Kind.search_performed: _searched,
    Kind.notification_clicked: _one_word("notification_type", reference.NOTIFICATIONS),
    Kind.experiment_viewed: _exposed,
    Kind.onboarding_step_completed: _step,
    Kind.onboarding_completed: _onboarded,
    Kind.project_created: _one_word("template", reference.TEMPLATES),
    Kind.report_viewed: _one_word("report_type", reference.REPORT_TYPES),
    Kind.feature_used: _feature,
    Kind.file_exported: _exported,
    Kind.file_uploaded: _uploaded,
    Kind.integration_connected: _one_word("integration", reference.INTEGRATIONS),
    Kind.teammate_invited: _one_word("role", reference.ROLES),
    Kind.comment_added: _commented,
    Kind.trial_started: _trial,
    Kind.subscription_started: _subscription,
    Kind.subscription_upgraded: _subscription,
    Kind.subscription_downgraded: _subscription,
    Kind.subscription_cancelled: _cancelled,
    Kind.payment_failed: _payment_failed,
    Kind.product_viewed: _product,
    Kind.product_added: _product,
    Kind.product_removed: _product,
    Kind.coupon_applied: _coupon,
    Kind.checkout_started: _checkout,
    Kind.order_completed: _order,
    Kind.order_refunded: _refund,
    Kind.error_occurred: _error,
    Kind.support_ticket_opened: _ticket,
    Kind.nps_answered: _nps,
    Kind.video_played: _video,
}
