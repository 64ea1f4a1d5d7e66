"""The shop of add-ons: products that are bought together, carts and orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import reference, world
from ingestion.demo.streams import pick, stream

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BUNDLES: Final = ("reporting", "onboarding", "automation", "branding", "finance", "support", "mobile", "security")
PRODUCTS_PER_BUNDLE: Final = 5
CATEGORIES: Final = ("templates", "connectors", "themes", "training", "seats")  # one product of each per bundle
PRODUCTS: Final = len(BUNDLES) * PRODUCTS_PER_BUNDLE
MAX_VIEWED: Final = 5  # products looked at in one visit
COUPON: Final = "SPRING10"


@dataclass(frozen=True)
class Catalogue:
    """What is sold. `price` in euro cents; `weight` is how often a product of its bundle is chosen."""

    bundle: Ints
    price: Ints
    weight: NDArray[np.float64]

    def id(self, product: int) -> str:
        return f"P{product + 1:03d}"

    def name(self, product: int) -> str:
        category = CATEGORIES[product % PRODUCTS_PER_BUNDLE]
        return f"{BUNDLES[product // PRODUCTS_PER_BUNDLE].capitalize()} {category}"

    def category(self, product: int) -> str:
        return CATEGORIES[product % PRODUCTS_PER_BUNDLE]

    def price_in(self, product: Ints, currency: Ints) -> Ints:
        """Cents of the currency, always ending in 90 or 00 as shops have it."""
        level = np.array(reference.CURRENCY_LEVEL)[currency]
        cents = np.rint(self.price[product] * level / 10).astype(np.int64) * 10
        priced: Ints = np.maximum(cents, 100)
        return priced


def catalogue(seed: int) -> Catalogue:
    """The same for every project and block of a world."""
    rng = stream(seed, "catalogue")
    price = rng.integers(5, 60, PRODUCTS) * 100 - 10
    return Catalogue(
        bundle=np.repeat(np.arange(len(BUNDLES)), PRODUCTS_PER_BUNDLE),
        price=price,
        weight=np.tile([0.34, 0.24, 0.18, 0.14, 0.10], len(BUNDLES)),
    )


@dataclass
class Carts:
    """One row per visit to the shop. Products are (n, MAX_VIEWED), -1 where there is none."""

    visit: Ints
    product: Ints
    quantity: Ints
    added: Bools
    removed: Bools
    checkout: Bools
    ordered: Bools
    coupon: Bools
    price: Ints  # cents each, in the person's currency
    currency: Ints
    arm: Ints  # of the experiment with the button

    @property
    def kept(self) -> Bools:
        return self.added & ~self.removed

    @property
    def subtotal(self) -> Ints:
        total: Ints = (self.price * self.quantity * self.kept).sum(axis=1)
        return total

    @property
    def discount(self) -> Ints:
        return np.where(self.coupon, (self.subtotal * world.COUPON_PERCENT + 50) // 100, 0)

    @property
    def items(self) -> Ints:
        count: Ints = (self.quantity * self.kept).sum(axis=1)
        return count


def shop(
    seed: int, project: str, block: int, goods: Catalogue, visit: Ints, favourite: Ints, currency: Ints, arm: Ints
) -> Carts:
    """What these visits to the shop look at, put into the cart and order."""
    rng = stream(seed, project, block, "shop")
    n = len(visit)
    product = _viewed(rng, goods, n, favourite)
    viewed = product >= 0
    added = viewed & (rng.random(product.shape) < world.ADDS_TO_CART)
    removed = added & (rng.random(product.shape) < world.REMOVES)
    checkout = (added & ~removed).any(axis=1) & (rng.random(n) < world.CHECKS_OUT)
    ordered = checkout & (rng.random(n) < world.ORDERS)
    coupon = checkout & (rng.random(n) < world.USES_COUPON)
    return Carts(
        visit=visit,
        product=product,
        quantity=1 + (rng.random(product.shape) < 0.15) + (rng.random(product.shape) < 0.05),
        added=added,
        removed=removed,
        checkout=checkout,
        ordered=ordered,
        coupon=coupon,
        price=goods.price_in(np.maximum(product, 0), np.broadcast_to(currency[:, None], product.shape)),
        currency=currency,
        arm=arm,
    )


def _viewed(rng: np.random.Generator, goods: Catalogue, n: int, favourite: Ints) -> Ints:
    """The products of each visit, no product twice: the first by taste, the others mostly of the same bundle."""
    bundle = np.where(
        rng.random(n) < world.FAVOURITE_BUNDLE, favourite % len(BUNDLES), rng.integers(0, len(BUNDLES), n)
    )
    within = goods.weight[:PRODUCTS_PER_BUNDLE]
    product = np.full((n, MAX_VIEWED), -1, dtype=np.int64)
    number = np.minimum(1 + rng.poisson(1.6, n), MAX_VIEWED)
    for position in range(MAX_VIEWED):
        same = (rng.random(n) < world.SAME_BUNDLE) | (position == 0)
        chosen = np.where(same, bundle, rng.integers(0, len(BUNDLES), n))
        drawn = chosen * PRODUCTS_PER_BUNDLE + pick(rng, within, n)
        repeated = (product == drawn[:, None]).any(axis=1)
        product[:, position] = np.where((position < number) & ~repeated, drawn, -1)
    return product
