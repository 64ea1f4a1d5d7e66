"""The verdict on rows, and what a strict project keeps of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ingestion.privacy import masked_email, pseudonym
from ingestion.sources.batches import Unreadable, batch_of_rows
from ingestion.sources.definitions import SHIPPED, Definition, read_definition
from ingestion.sources.rows import Checker, Verdict
from tests.support import REPOSITORY
from warehouse.errors import MillraceError
from warehouse.projects import Project, load_projects
from warehouse.settings import Settings

SALTS = {"demo": "salt of demo", "demo_mobile": "salt of mobile", "": "salt of nobody"}
GOOD = {
    "project_id": "demo",
    "user_id": "u1",
    "email": "Anna.Muster@example.com",
    "name": "Anna Muster",
    "plan": "pro",
    "is_internal": False,
    "updated_at": "2026-03-01T10:00:00.000Z",
}


@pytest.fixture(scope="module")
def projects() -> dict[str, Project]:
    return load_projects(Settings(project_dir=REPOSITORY))


@pytest.fixture(scope="module")
def customers() -> Definition:
    return read_definition(SHIPPED / "customers.yaml")


@pytest.fixture
def checker(projects: dict[str, Project], customers: Definition) -> Checker:
    return Checker(customers, projects, SALTS, "")


def check(checker: Checker, *rows: dict[str, Any], lines: tuple[Unreadable, ...] = ()) -> Verdict:
    return checker.check(batch_of_rows(list(rows), {}, "test", lines))


def rejected(verdict: Verdict) -> list[tuple[str, str, str]]:
    return [(row["project_id"], row["reason"], row["detail"]) for row in verdict.rejected.to_pylist()]


def test_each_row_that_does_not_fit_has_its_reason(checker: Checker) -> None:
    verdict = check(
        checker,
        GOOD,
        {**GOOD, "project_id": "nobody"},
        {**GOOD, "project_id": None},
        {**GOOD, "user_id": " "},
        {**GOOD, "updated_at": None},
        {**GOOD, "updated_at": "soon"},
        {**GOOD, "is_internal": "perhaps"},
        {**GOOD, "user_id": None, "is_internal": "perhaps"},
        lines=(Unreadable("???", "it is no JSON object"),),
    )
    assert [row["user_id"] for row in verdict.accepted.to_pylist()] == ["u1"]
    instant = "an instant like 2026-01-31T12:00:00.000Z"
    assert rejected(verdict) == [
        ("nobody", "unknown_project", "its project is not declared"),
        ("", "unknown_project", "its project is not declared"),
        ("demo", "missing_value", "user_id is absent"),
        ("demo", "missing_value", "updated_at is absent"),
        ("demo", "bad_value", f"updated_at is not {instant}"),
        ("demo", "bad_value", "is_internal is not true or false"),
        ("demo", "missing_value", "user_id is absent"),
        ("", "unreadable", "it is no JSON object"),
    ]
    assert checker.accepted + checker.rejected == 9
    assert dict(checker.reasons) == {"unknown_project": 2, "missing_value": 3, "bad_value": 2, "unreadable": 1}


def test_a_rejected_row_is_kept_as_it_came(checker: Checker) -> None:
    sent = {**GOOD, "updated_at": "soon", "seats": 3, "tags": ["a", None]}
    row = json.loads(check(checker, sent).rejected["row"][0].as_py())
    assert row == {
        "user_id": "u1",
        "email": GOOD["email"],
        "name": GOOD["name"],
        "plan": "pro",
        "is_internal": "false",
        "updated_at": "soon",
        "seats": "3",
        "tags": '["a",null]',
    }


def test_equal_rejected_rows_are_told_apart(checker: Checker) -> None:
    bad = {**GOOD, "updated_at": "soon"}
    assert check(checker, bad, bad, {**bad, "user_id": "u2"}).rejected["copy"].to_pylist() == [0, 1, 0]
    assert check(checker, bad).rejected["copy"].to_pylist() == [2]


def test_rows_are_numbered_through_all_batches(checker: Checker) -> None:
    first = check(checker, GOOD, {**GOOD, "updated_at": "soon"}, GOOD)
    second = check(checker, GOOD)
    assert first.accepted["_row"].to_pylist() + second.accepted["_row"].to_pylist() == [0, 1, 2]


def test_absent_and_undeclared_columns(checker: Checker) -> None:
    verdict = check(checker, {**GOOD, "Seat Count": 3})
    row = verdict.accepted.to_pylist()[0]
    assert (row["seat_count"], row["company_id"], row["created_at"]) == ("3", None, None)
    assert checker.undeclared == ["seat_count"]
    assert checker.missing == ["company_id", "country", "created_at", "onboarded_at", "tier"]


def test_without_a_column_of_the_key_nothing_is_taken(checker: Checker) -> None:
    with pytest.raises(MillraceError, match=r"test has no column 'user_id'.*did you mean 'userid'"):
        check(checker, {"userid": "u1", "updated_at": "2026-03-01", "project_id": "demo"})
    with pytest.raises(MillraceError, match="no column 'project_id'"):
        check(checker, {key: value for key, value in GOOD.items() if key != "project_id"})


def test_the_feeds_project_is_that_of_rows_which_name_none(checker: Checker) -> None:
    checker = replace(checker, project="demo_mobile")
    verdict = check(checker, {**GOOD, "project_id": None}, GOOD)
    assert verdict.accepted["project_id"].to_pylist() == ["demo_mobile", "demo"]


def test_a_text_of_the_key_may_be_absent_where_it_is_not_required(projects: dict[str, Project]) -> None:
    spend = Checker(read_definition(SHIPPED / "marketing_spend.yaml"), projects, SALTS, "demo")
    verdict = check(spend, {"date": "2026-03-01", "channel": "email", "cost": 1.5})
    row = verdict.accepted.to_pylist()[0]
    assert (row["campaign"], row["source"], row["clicks"], str(row["cost"])) == ("", "", None, "1.5000")


MOBILE = {**GOOD, "project_id": "demo_mobile"}


def test_a_strict_project_keeps_no_personal_value(checker: Checker) -> None:
    row = check(checker, {**MOBILE, "phone": "+49 30 1234567", "plan": "anna@example.com"}).accepted.to_pylist()[0]
    salt = SALTS["demo_mobile"]
    assert row["email"] == masked_email("anna.muster@example.com", salt)
    assert row["plan"] == masked_email("anna@example.com", salt)
    assert (row["name"], row["phone"], row["user_id"]) == (None, None, "u1")
    assert check(checker, GOOD).accepted["email"].to_pylist() == [GOOD["email"]]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Anna@Example.com", masked_email("anna@example.com", SALTS["demo_mobile"])),
        ("mailto:anna@example.com", pseudonym("mailto:anna@example.com", SALTS["demo_mobile"])),
        ("Anna <anna@example.com>", pseudonym("Anna <anna@example.com>", SALTS["demo_mobile"])),
        ("203.0.113.9", pseudonym("203.0.113.9", SALTS["demo_mobile"])),
        ("2001:db8::1", pseudonym("2001:db8::1", SALTS["demo_mobile"])),
        ("+49 30 123 45 67", pseudonym("+49 30 123 45 67", SALTS["demo_mobile"])),
        ("u_0000000017", "u_0000000017"),
        ("10:30:00", "10:30:00"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_ids_that_say_who_it_is_become_pseudonyms(checker: Checker, value: str, kept: str) -> None:
    assert check(checker, {**MOBILE, "user_id": value}).accepted["user_id"].to_pylist() == [kept]


def test_rejected_rows_of_a_strict_project_hold_nothing_personal_either(checker: Checker) -> None:
    checker = replace(checker, project="demo_mobile")
    verdict = check(
        checker,
        {**MOBILE, "updated_at": "anna@example.com", "phone": "1"},
        {**MOBILE, "project_id": "nobody"},
        lines=(Unreadable("Anna Muster;anna@example.com", "no row"),),
    )
    rows = verdict.rejected["row"].to_pylist()
    assert rows[2] == ""
    for text in map(str.lower, rows):
        assert "muster" not in text
        assert "example.com" not in text
        assert "phone" not in text
    assert json.loads(rows[0])["updated_at"] == masked_email("anna@example.com", SALTS["demo_mobile"])
    assert json.loads(rows[1])["email"] == masked_email("anna.muster@example.com", SALTS[""])


def test_without_a_salt_nothing_is_derived_from_an_address(projects: dict[str, Project], customers: Definition) -> None:
    unsalted = Checker(customers, projects, {}, "")
    assert check(unsalted, MOBILE).accepted["email"].to_pylist() == ["removed@masked.invalid"]
