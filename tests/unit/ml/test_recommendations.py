"""Recommendations: bundles are learned where there are any, and where there are none what is popular is shown."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

from ml.recommendations.items import WAYS, Touch, judge, learn
from ml.recommendations.model import RECOMMENDATIONS, choose
from warehouse.errors import MillraceError

DAY = 86400.0


def touches(bundled: bool, people: int = 300) -> list[Touch]:
    """Forty products in bundles of five; whoever is bundled stays in one, others take what many take."""
    chance, found = np.random.default_rng(6), []
    popular = 1 / np.arange(1, 41) ** 1.5
    for who in range(people):
        bundle = 5 * int(chance.integers(8))
        pool = (
            np.arange(bundle, bundle + 5) if bundled else chance.choice(40, 5, replace=False, p=popular / popular.sum())
        )
        chosen = chance.permutation(pool)[:4] if bundled else pool[:4]
        found += [Touch(f"u{who}", f"p{product:02}", float(chance.uniform(0, 90)) * DAY, 1.0) for product in chosen]
    return found


def test_what_goes_together_is_recommended() -> None:
    told = touches(bundled=True)
    items = choose(told, 60 * DAY, 30 * DAY, "demo")
    assert items.way == "together"
    found, popular = (judge(items, told, 60 * DAY, way) for way in WAYS)
    assert found["hit_rate_10"] > 0.95 > 0.5 > popular["hit_rate_10"]
    shown = [product for product, _ in items.ranked({"p00": 1, "p01": 5})]
    assert set(shown[:3]) == {"p02", "p03", "p04"}
    assert len(shown) == 38
    assert choose(told, 60 * DAY, 30 * DAY, "demo") == items
    assert RECOMMENDATIONS.load(RECOMMENDATIONS.dump(items)) == items


def test_where_nothing_goes_together_what_is_popular_is_shown() -> None:
    items = choose(touches(bundled=False), 60 * DAY, 30 * DAY, "demo")
    assert items.way == "popularity"
    assert items.ranked({"p00": 1})[0][0] == "p01"


def test_who_touched_nothing_gets_what_is_popular() -> None:
    items = learn(
        [Touch(who, product, 0, 1) for product in "XYZ" for who in "abc"[: "ZYX".index(product) + 1]], "together"
    )
    assert [product for product, _ in items.ranked({})] == ["X", "Y", "Z"]
    assert [product for product, _ in items.ranked({"unheard of": 1})] == ["X", "Y", "Z"]


def test_the_first_place_counts_more_than_the_second() -> None:
    told = [Touch(f"u{n}", product, at, 1) for n in range(5) for product, at in (("A", 0), ("B", 1), ("C", 2))]
    items = learn(told, "popularity")
    # All left out C, which is the first of what is left.
    assert judge(items, told, 2, "popularity") == {"ndcg_10": 1.0, "hit_rate_10": 1.0, "people": 5.0}
    last = [*told[:2], Touch("u0", "B2", 1.5, 1), Touch("u0", "C", 9, 1)]
    more = learn([*told, *[Touch(f"v{n}", "D", 0, 1) for n in range(9)]], "popularity")
    assert judge(more, last, 9, "popularity")["ndcg_10"] == pytest.approx(1 / np.log2(3))  # behind D


def test_neighbours_are_what_they_are_by_hand_and_no_more_than_there_are() -> None:
    """A and B share one of the people who touched them, A was touched twice by anna; nobody touched C with another."""
    told = [Touch("anna", "A", 0, 1), Touch("anna", "A", 1, 2), Touch("anna", "B", 2, 1), Touch("ben", "B", 0, 1)]
    items = learn([*told, Touch("carl", "C", 0, 5)], "together")
    a, b = np.log(4), np.log(2)
    near = a * b / (a * np.sqrt(2) * b) / 6
    whole = np.array([[0, near, 0], [near, 0, 0], [0, 0, 0]]).round(9).tolist()
    before = {"products": items.products, "near": whole, "popular": items.popular, "way": items.way}
    assert RECOMMENDATIONS.load(json.dumps(before).encode()) == items
    assert items.neighbours == (((1,), (pytest.approx(near),)), ((0,), (pytest.approx(near),)), ((), ()))
    assert items.popular == (1.0, 2.0, 1.0)


def test_as_many_products_as_a_large_shop_has_fit_into_memory() -> None:
    """A matrix of all people by all products would have 100 million cells, of which 30 thousand are touched."""
    chance = np.random.default_rng(3)
    drawn = zip(np.repeat(np.arange(10_000), 3).tolist(), chance.integers(10_000, size=30_000).tolist(), strict=True)
    tracemalloc.start()
    items = learn([Touch(f"u{who}", f"p{product}", 0, 1) for who, product in drawn], "together")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100e6
    assert len(items.products) > 9_000
    assert len(items.ranked({items.products[0]: 1})) == len(items.products) - 1


@pytest.mark.parametrize("people", [0, 1, 40])
def test_too_little_is_said_in_a_sentence(people: int) -> None:
    with pytest.raises(MillraceError, match="too few to learn from") as refused:
        choose(touches(True, people), 60 * DAY, 30 * DAY, "demo")
    assert "What was recommended before stays" in refused.value.hint
