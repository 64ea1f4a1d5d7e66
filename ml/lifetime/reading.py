"""Orders as models of lifetimes read them, and where what they say is written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256

from ml.lifetime.histories import Histories, Purchases, purchases_of
from ml.lifetime.maximum_likelihood import Floats
from ml.onward import refuse_older
from warehouse.connection import connect, insert_rows
from warehouse.settings import Settings

HORIZONS = (30, 90, 365)  # days
COLUMNS = (
    "project_id", "person_id", "as_of", "model_version", "purchases", "last_purchase_on", "paid", "probability_alive",
    *(f"purchases_{days}" for days in HORIZONS), "order_value", *(f"value_{days}" for days in HORIZONS), "written_at",
)  # fmt: skip


def read_purchases(settings: Settings, project: str, until: date) -> Purchases:
    with connect(settings, "modeler") as client:
        rows = client.query(
            "SELECT person_id, local_date, toFloat64(revenue) FROM marts.fct_orders "
            "WHERE project_id = {project:String} AND local_date <= {until:Date} AND person_id != ''",
            parameters={"project": project, "until": until},
        ).result_rows
    return purchases_of(rows)


def fingerprint(purchases: Purchases) -> str:
    """The same purchases give the same one."""
    told = [" ".join(purchases.customers).encode(), purchases.days.tobytes(), purchases.amounts.round(6).tobytes()]
    return sha256(b"|".join(told)).hexdigest()[:16]


def write_values(
    settings: Settings,
    project: str,
    version: str,
    day: date,
    of: Histories,
    alive: Floats,
    counts: list[Floats],
    each: Floats,
) -> int:
    written_at = datetime.now(UTC).isoformat(sep=" ", timespec="milliseconds")[:-6]
    rows = [
        (
            *(project, str(of.customers[n]), day.isoformat(), version, int(of.repeats[n]) + 1),
            date.fromordinal(day.toordinal() - round((of.age[n] - of.recency[n]) * 7)).isoformat(),
            *(float(of.paid[n]), float(alive[n]), *(float(count[n]) for count in counts), float(each[n])),
            *(*(float(count[n] * each[n]) for count in counts), written_at),
        )
        for n in range(len(of))
    ]
    with connect(settings, "modeler") as client:
        refuse_older(client, "ml.lifetime_values", project, day, "Lifetime values")
        insert_rows(client, "ml.lifetime_values", rows, COLUMNS)
    return len(rows)
