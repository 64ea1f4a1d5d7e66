"""The model `recommendations` as the registry knows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ml.onward import refuse_older
from ml.recommendations.items import TOP, WAYS, Items, Touch, judge, learn
from ml.trainable import Candidate, Evaluation, Gate
from warehouse.connection import connect, insert_rows
from warehouse.errors import MillraceError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WINDOW = 30  # days that are kept back to judge by; and as many before them, to choose the way by
LEAST_PEOPLE, LEAST_PRODUCTS, LEAST_JUDGED = 50, 5, 20
COLUMNS = (
    "project_id", "person_id", "rank", "product_id", "score", "way", "as_of", "model_version", "written_at",
)  # fmt: skip
TOUCHES = """
SELECT person_id, product_id, toUnixTimestamp64Milli(at) / 1000, weight FROM (
    SELECT person_id, toString(properties.product_id) AS product_id, timestamp AS at,
        if(event = 'product_added', 3, 1) AS weight
    FROM marts.fct_events
    WHERE project_id = {project:String} AND event IN ('product_viewed', 'product_added') AND local_date <= {until:Date}
    UNION ALL
    SELECT orders.person_id, items.product_id, items.ordered_at, 5
    FROM marts.fct_order_items AS items INNER JOIN marts.fct_orders AS orders USING (order_key)
    WHERE items.project_id = {project:String} AND items.local_date <= {until:Date}
)
WHERE ifNull(product_id, '') != '' AND person_id != ''
ORDER BY person_id, at, product_id, weight
"""


class RecommendationsModel:
    name = "recommendations"
    title = "Products that people may want next"
    gate = Gate(metric="ndcg_10", may_be_a_baseline=True)

    def train(self, settings: Settings, project: str, until: date) -> Candidate:
        touches = read_touches(settings, project, until)
        cut, earlier = (_end(until - timedelta(days=days)) for days in (WINDOW, 2 * WINDOW))
        model = choose(touches, cut, earlier, project)
        evaluation = self.evaluate(settings, project, model, until)
        told = "|".join(f"{one.person} {one.product} {one.at} {one.weight}" for one in touches)
        parameters = {"way": model.way, "products": len(model.products), "window_days": WINDOW}
        version = sha256(told.encode()).hexdigest()[:16]
        return Candidate(model, parameters, evaluation, version, card(project, model, evaluation))

    def evaluate(self, settings: Settings, project: str, model: Items, until: date) -> Evaluation:
        touches = read_touches(settings, project, until)
        since = _end(until - timedelta(days=WINDOW))
        found = judge(model, touches, since, model.way)
        if found["people"] < LEAST_JUDGED:
            raise MillraceError(
                f"Only {found['people']:.0f} people of {project} touched a new product in the {WINDOW} days until "
                f"{until}; it takes {LEAST_JUDGED} to judge recommendations by.",
                hint="What was recommended before stays.",
            )
        window = (until - timedelta(days=WINDOW - 1), until)
        return Evaluation(found, {"popularity": judge(model, touches, since, "popularity")}, window=window)

    def predict(self, settings: Settings, project: str, model: Items, version: str, day: date) -> int:
        touched: dict[str, dict[str, float]] = {}
        for one in read_touches(settings, project, day):
            own = touched.setdefault(one.person, {})
            own[one.product] = own.get(one.product, 0) + one.weight
        written_at = datetime.now(UTC).isoformat(sep=" ", timespec="milliseconds")[:-6]
        with connect(settings, "modeler") as client:
            refuse_older(client, "ml.recommendations", project, day, "Recommendations")
            users = client.query(
                "SELECT person_id FROM marts.dim_users WHERE project_id = {project:String} AND is_current "
                "AND NOT is_internal AND person_key != 0 AND toDate(first_seen_at) <= {day:Date} ORDER BY person_id",
                parameters={"project": project, "day": day},
            ).result_rows
            rows = [
                (project, who, rank, product, score, model.way, day.isoformat(), version, written_at)
                for (who,) in users
                for rank, (product, score) in enumerate(model.ranked(touched.get(who, {}))[:TOP], 1)
            ]
            insert_rows(client, "ml.recommendations", rows, COLUMNS)
        return len(rows)

    def answer(self, client: Client, project: str, model: Items, user_id: str) -> Mapping[str, Any] | None:
        rows = client.query(
            "SELECT product_id, score FROM marts.pred_recommendations WHERE project_id = {project:String} "
            "AND person_id = {user:String} ORDER BY rank",
            parameters={"project": project, "user": user_id},
        ).result_rows
        return {"products": [{"product_id": product, "score": score} for product, score in rows]} if rows else None

    def dump(self, model: Items) -> bytes:
        return json.dumps(asdict(model)).encode()

    def load(self, kept: bytes) -> Items:
        told: dict[str, Any] = json.loads(kept)
        # Champions of earlier versions have all products by all.
        near = told["neighbours"] if "neighbours" in told else [_of_a_whole_row(row) for row in told["near"]]
        neighbours = tuple((tuple(places), tuple(values)) for places, values in near)
        return Items(tuple(told["products"]), neighbours, tuple(told["popular"]), told["way"])


RECOMMENDATIONS = RecommendationsModel()


def _of_a_whole_row(row: list[float]) -> tuple[list[int], list[float]]:
    there = [(place, value) for place, value in enumerate(row) if value]
    return [place for place, _ in there], [value for _, value in there]


def choose(touches: list[Touch], cut: float, earlier: float, project: str) -> Items:
    """What is learned until the cut, in the way that was better in the days before it."""
    known = [one for one in touches if one.at < cut]
    people, products = ({getattr(one, name) for one in known} for name in ("person", "product"))
    if len(people) < LEAST_PEOPLE or len(products) < LEAST_PRODUCTS:
        raise MillraceError(
            f"{len(people):,} people of {project} touched {len(products):,} products: too few to learn from.",
            hint=f"It takes {LEAST_PEOPLE} people and {LEAST_PRODUCTS} products in product_viewed, product_added "
            f"or orders before the last {WINDOW} days. What was recommended before stays.",
        )
    before = learn([one for one in known if one.at < earlier] or known, "together")
    together, popular = (judge(before, known, earlier, way)["ndcg_10"] for way in WAYS)
    return learn(known, "together" if together > popular else "popularity")


def read_touches(settings: Settings, project: str, until: date) -> list[Touch]:
    with connect(settings, "modeler") as client:
        rows = client.query(TOUCHES, parameters={"project": project, "until": until}).result_rows
    return [Touch(who, product, float(at), float(weight)) for who, product, at, weight in rows]


def card(project: str, model: Items, evaluation: Evaluation) -> str:
    found, popular = evaluation.metrics, evaluation.baselines["popularity"]
    return f"""# Recommendations of {project}

**For**: ten products for each user that they have not touched yet. **Made of** views (1), carts (3) and orders (5) of
{len(model.products):,} products. **Way**: {model.way}, the better one in the 30 days before those that judge.

**Judged** by the last new product of {found["people"]:.0f} people: among the first ten for {found["hit_rate_10"]:.1%},
NDCG {found["ndcg_10"]:.3f}; what is most popular: {popular["hit_rate_10"]:.1%}, {popular["ndcg_10"]:.3f}.
"""


def _end(day: date) -> float:
    return datetime.combine(day + timedelta(days=1), time(), UTC).timestamp()
