"""The other sources agree with the events, and the truths with the sources."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from tests.unit.demo import recount

Row = dict[str, Any]


def table(folder: Path, name: str) -> list[Row]:
    with (folder / "sources" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(folder: Path, name: str) -> list[Row]:
    return [orjson.loads(line) for line in (folder / "sources" / name).read_bytes().splitlines()]


@pytest.fixture(scope="module")
def events(folder: Path, truths: Any) -> list[recount.Event]:
    return recount.distinct(recount.everything(folder, truths))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def versions(folder: Path) -> dict[str, list[Row]]:
    """The rows of the CRM by user, oldest first."""
    by_user: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(table(folder, "customers.csv"), key=lambda row: row["updated_at"]):
        by_user[row["user_id"]].append(row)
    return by_user


def test_identify_says_what_the_crm_says_at_that_time(
    events: list[recount.Event], versions: dict[str, list[Row]]
) -> None:
    checked = 0
    for event in events:
        if event["message_type"] == "identify":
            known = [row for row in versions[event["user_id"]] if instant(row["updated_at"]) <= event["at"]]
            said, crm = event["properties"], known[-1]
            for key in ("plan", "country", "email", "name"):
                assert said[key] == crm[key], (event["user_id"], key)
            assert said.get("is_internal", False) == (crm["is_internal"] == "true")
            assert said["signed_up_at"] == crm["created_at"]
            checked += 1
    assert checked > 50


def test_who_signs_up_is_in_the_crm_from_that_instant(
    events: list[recount.Event], versions: dict[str, list[Row]]
) -> None:
    for event in events:
        if event["event"] == "signed_up":
            first = versions[event["user_id"]][0]
            assert instant(first["created_at"]) == instant(first["updated_at"]) == event["at"]
            assert (first["plan"], first["tier"]) == ("free", "standard")


def test_the_history_of_the_truths_is_the_crm_without_repetitions(folder: Path, versions: dict[str, list[Row]]) -> None:
    expected = []
    for user, rows in versions.items():
        before = None
        for row in rows:
            now = (row["plan"], row["country"], row["tier"])
            if now != before:
                expected.append((user, instant(row["updated_at"]), *now))
            before = now
    stated = pq.read_table(folder / "truths" / "user_history.parquet").to_pylist()
    found = [(row["user_id"], row["valid_from"], row["plan"], row["country"], row["tier"]) for row in stated]
    assert sorted(found) == sorted(expected)
    assert len({row["tier"] for row in stated}) > 2


def test_subscriptions_are_the_plans_of_the_crm(folder: Path, versions: dict[str, list[Row]]) -> None:
    rows = pq.read_table(folder / "sources" / "subscriptions.parquet").to_pylist()
    assert {row["status"] for row in rows} >= {"active", "cancelled"}
    for row in rows:
        then = [v for v in versions[row["user_id"]] if instant(v["updated_at"]) <= row["started_at"]]
        assert then[-1]["plan"] == row["plan"]
        if row["ended_at"]:
            after = [v for v in versions[row["user_id"]] if instant(v["updated_at"]) <= row["ended_at"]]
            assert (after[-1]["plan"] == "free") == (row["status"] == "cancelled")


def test_recurring_revenue_is_that_of_the_subscriptions(folder: Path, truths: Any) -> None:
    rows = pq.read_table(folder / "sources" / "subscriptions.parquet").to_pylist()
    for name, project in truths["projects"].items():
        zone = recount.ZoneInfo(project["timezone"])
        for month, stated in project["recurring_revenue"].items():
            year, number = map(int, month.split("-"))
            end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
            paid = [
                row
                for row in rows
                if row["project_id"] == name
                and row["started_at"] < end
                and (row["ended_at"] is None or row["ended_at"] >= end)
            ]
            assert Decimal(stated["end"]) == sum(row["amount"] for row in paid)
            assert stated["subscribers"] == len({row["user_id"] for row in paid}) == len(paid)


def test_a_failed_payment_names_an_invoice_that_failed_before(folder: Path, events: list[recount.Event]) -> None:
    invoices = {row["invoice_id"]: row for row in lines(folder, "invoices.jsonl")}
    failed = [event for event in events if event["event"] == "payment_failed"]
    assert failed
    for event in failed:
        invoice = invoices[event["properties"]["invoice_id"]]
        assert invoice["user_id"] == event["user_id"]
        assert instant(invoice["failed_at"]) < event["at"]
        assert Decimal(str(invoice["amount"])) == Decimal(str(event["properties"]["amount"])) > 0


def test_invoices_are_paid_or_say_why_not(folder: Path) -> None:
    rows = lines(folder, "invoices.jsonl")
    assert len({row["invoice_id"] for row in rows}) == len(rows)
    for row in rows:
        assert ("paid_at" in row) == (row["status"] == "paid")
        assert ("failed_at" in row) == (row["attempts"] == 2 or row["status"] == "failed")


def test_spend_adds_up_to_the_truths(folder: Path, truths: Any) -> None:
    rows = table(folder, "marketing_spend.csv")
    for name, project in truths["projects"].items():
        own = [row for row in rows if row["project_id"] == name]
        assert sum(Decimal(row["cost"]) for row in own) == Decimal(project["marketing"]["spend"]) > 0
        assert all(int(row["impressions"]) >= int(row["clicks"]) for row in own)


def test_one_rate_is_missing_and_only_that_one(folder: Path, truths: Any) -> None:
    rows = table(folder, "currency_rates.csv")
    for project in truths["projects"].values():
        own = {(row["from_currency"], row["date"]) for row in rows if row["to_currency"] == project["currency"]}
        gap = project["orders"]["missing_rate"]
        assert (gap["currency"], gap["date"]) not in own
        assert len(own) == 5 * 180 - 1


def test_orders_name_products_of_the_catalogue(folder: Path, events: list[recount.Event]) -> None:
    products = {row["product_id"]: row for row in lines(folder, "products.jsonl")}
    assert len(products) == 40
    viewed = [event["properties"] for event in events if event["event"] == "product_viewed"]
    for said in viewed:
        row = products[said["product_id"]]
        assert (said["product_name"], said["category"]) == (row["name"], row["category"])
        if said["currency"] == row["currency"]:
            assert said["price"] == row["price"]


def test_answers_of_the_survey(folder: Path, events: list[recount.Event]) -> None:
    answers = {(row["user_id"], row["answered_at"], int(row["score"])) for row in table(folder, "nps_answers.csv")}
    asked = [event for event in events if event["event"] == "nps_answered"]
    assert asked
    for event in asked:
        at = event["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert (event["user_id"], at, event["properties"]["score"]) in answers
