"""What is recommended in the warehouse: of each person's own taste, new to them, and better than what sells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from fastapi.testclient import TestClient

from ml.recommendations.model import RECOMMENDATIONS
from ml.serving.app import application
from ml.serving.keys import Keys
from tests.truths.conftest import LoadedWorld
from warehouse.errors import MillraceError
from warehouse.settings import Settings

CRAFTED, UNTIL = "crafted_shoppers", date(2026, 5, 31)
TASTES = {"tea": [f"tea-{n}" for n in range(12)], "chess": [f"chess-{n}" for n in range(12)]}
DAYS = (0, 14, 28, 42, 75, 105)
PEOPLE = {f"{taste}-lover-{n}": taste for taste in TASTES for n in range(40)}


@pytest.fixture
def settings(built: LoadedWorld) -> Iterator[Settings]:
    with built.instance.active() as active:
        yield active


@pytest.fixture
def touched(built: LoadedWorld) -> Iterator[dict[str, set[str]]]:
    """Everybody sees six products of the one taste they have: four until March, one in April, one in May."""
    rng, client = np.random.default_rng(7), built.instance.client()
    seen: dict[str, set[str]] = defaultdict(set)
    rows = []
    for who, taste in PEOPLE.items():
        for nth, product in enumerate(rng.choice(TASTES[taste], 6, replace=False)):
            at = datetime(2026, 2, 1, 12, tzinfo=UTC) + timedelta(days=DAYS[nth])
            rows.append((CRAFTED, who, "product_viewed", at, at.date(), {"product_id": str(product)}))
            seen[who].add(str(product))
    columns = ("project_id", "person_id", "event", "timestamp", "local_date", "properties")
    client.insert("marts.fct_events", rows, column_names=columns)
    known = [(CRAFTED, who, n + 1, True, datetime(2026, 2, 1, tzinfo=UTC)) for n, who in enumerate([*PEOPLE, "nobody"])]
    columns = ("project_id", "person_id", "person_key", "is_current", "first_seen_at")
    client.insert("marts.dim_users", known, column_names=columns)
    yield seen
    for table in ("marts.fct_events", "marts.dim_users", "ml.recommendations"):
        client.command(f"DELETE FROM {table} WHERE project_id = '{CRAFTED}'")


def test_people_get_what_is_of_their_taste_and_new_to_them(
    built: LoadedWorld, settings: Settings, touched: dict[str, set[str]]
) -> None:
    candidate = RECOMMENDATIONS.train(settings, CRAFTED, UNTIL)
    judged = candidate.evaluation
    # Who only knows what sells cannot tell six products of one's own taste from twelve of the other.
    assert judged.metrics["hit_rate_10"] > 0.95 > judged.baselines["popularity"]["hit_rate_10"]
    again = RECOMMENDATIONS.train(settings, CRAFTED, UNTIL)
    assert (again.model, again.data_version) == (candidate.model, candidate.data_version)

    rows = RECOMMENDATIONS.predict(settings, CRAFTED, candidate.model, "3", UNTIL)
    assert RECOMMENDATIONS.predict(settings, CRAFTED, candidate.model, "3", UNTIL) == rows  # again: no row more
    told = built.instance.rows(
        "SELECT person_id, product_id, rank, model_version FROM marts.pred_recommendations "
        f"WHERE project_id = '{CRAFTED}' ORDER BY person_id, rank"
    )
    assert len(told) == rows == 10 * (len(PEOPLE) + 1)
    assert {version for *_, version in told} == {"3"}
    of_person: dict[str, list[str]] = defaultdict(list)
    for who, product, rank, _ in told:
        of_person[who].append(product)
        assert rank == len(of_person[who])
    for who, taste in PEOPLE.items():
        assert not touched[who] & set(of_person[who])
        assert {product.partition("-")[0] for product in of_person[who][:6]} == {taste}, who
    key = "c" * 32
    with TestClient(application(settings, Keys({CRAFTED: key}))) as client:
        answer = client.get("/recommendations/tea-lover-1?limit=3", headers={"X-API-Key": key})
        nobody = client.get("/recommendations/nobody-at-all", headers={"X-API-Key": key})
    assert (answer.status_code, nobody.status_code) == (200, 404)
    assert [item["product_id"] for item in answer.json()["items"]] == of_person["tea-lover-1"][:3]
    earlier = UNTIL - timedelta(days=1)
    with pytest.raises(MillraceError, match=f"known as of {UNTIL} already, which is later than {earlier}"):
        RECOMMENDATIONS.predict(settings, CRAFTED, candidate.model, "2", earlier)
    assert len(set(of_person["nobody"])) == 10  # who touched nothing gets what is popular
