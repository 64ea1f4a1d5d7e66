"""What is wrong in a suite is told in a sentence that says where, and what was perhaps meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from expectations.kinds import KINDS
from expectations.suites import chosen, read_suites
from tests.support import REPOSITORY
from warehouse.errors import MillraceError, WrongUsage

HEAD = "table: marts.fct_orders\nowner: analytics\ndescription: Orders.\n"
GOOD = "{kind: between, column: amount, min: 0, why: x}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("table: x\na: [", "orders.yaml:2: is no YAML: "),
        ("- a", "orders.yaml must be a mapping with table, owner, description and expectations."),
        (f"{HEAD}expectations: {{a: {GOOD}, a: {GOOD}}}", "'a' stands twice"),
        (f"{HEAD}expectations: {{}}", "orders.yaml:4: expectations: "),
        (f"table: marts.t\ndescription: x\nexpectations: {{a: {GOOD}}}", "orders.yaml:1: owner: is missing."),
        (
            f"{HEAD}expectation: {{a: {GOOD}}}",
            "orders.yaml:4: expectation: no key is called so; did you mean 'expectations'?",
        ),
        (f"{HEAD}ownr: x\nexpectations: {{a: {GOOD}}}", "ownr: no key is called so; did you mean 'owner'?"),
        (
            f"{HEAD}expectations: {{a: {{kind: betwen, column: x, why: x}}}}",
            "orders.yaml:4: expectations.a.kind: there is no kind 'betwen'; did you mean 'between'?",
        ),
        (
            f"{HEAD}expectations:\n  b: {GOOD}\n  a:\n    kind: between\n    column: x\n    why: x\n",
            "orders.yaml:6: expectations.a: needs",
        ),
        (f"{HEAD}expectations: {{a: {{kind: between, min: 1, why: x}}}}", "expectations.a.column: is missing."),
        (f"{HEAD}expectations: {{a: {{column: x, why: x}}}}", "expectations.a: the kind is missing; known: schema,"),
        (
            f"{HEAD}expectations: {{a: {{kind: between, colum: x, min: 1, why: x}}}}",
            "orders.yaml:4: expectations.a.colum: no key of the kind 'between' is called so; did you mean 'column'?",
        ),
        (
            f"{HEAD}expectations: {{a: {{kind: between, column: x, mim: 1, max: 2, why: x}}}}",
            "expectations.a.mim: no key of the kind 'between' is called so; did you mean 'min'?",
        ),
        (f"{HEAD}expectations: {{a: {{kind: between, column: x, why: x}}}}", "expectations.a: needs min, max or both."),
        (
            f"{HEAD}expectations: {{a: {{kind: between, column: x, min: 3, max: 2, why: x}}}}",
            "expectations.a: min 3 is above max 2.",
        ),
        (
            f"{HEAD}expectations: {{a: {{kind: between, column: x, min: 3, severity: warning, why: x}}}}",
            "expectations.a.severity: 'warning' must be 'error' or 'warn'; did you mean 'warn'?",
        ),
        (
            f"{HEAD}expectations: {{a: {{kind: matches, column: x, regex: '[', why: x}}}}",
            "expectations.a.regex: is no regular expression:",
        ),
        (f"{HEAD}expectations: {{a: {{kind: filled, column: 'a; DROP', why: x}}}}", "expectations.a.column: string"),
        (
            f"{HEAD}expectations: {{a: {{kind: filled, column: a, mostly: 1.5, why: x}}}}",
            "expectations.a.mostly: input",
        ),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "orders.yaml").write_text(text)
    with pytest.raises(MillraceError) as told:
        read_suites(tmp_path)
    assert sentence in told.value.message


def test_a_table_has_one_suite(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"{HEAD}expectations: {{a: {GOOD}}}")
    with pytest.raises(MillraceError, match=r"b.yaml: marts.fct_orders has a suite already: a.yaml"):
        read_suites(tmp_path)


def test_a_project_that_is_not_declared_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{HEAD}projects:\n- demoo\nexpectations: {{a: {GOOD}}}")
    with pytest.raises(WrongUsage, match=r"a\.yaml:5: projects: no project is called 'demoo'; did you mean 'demo'"):
        read_suites(tmp_path)["a"].projects_of(["demo", "demo_mobile"])


def test_an_unknown_suite_is_wrong_usage() -> None:
    with pytest.raises(WrongUsage, match="did you mean 'orders'"):
        chosen(read_suites(), ["ordres"])


def test_every_kind_has_an_example_in_the_guide() -> None:
    guide = (REPOSITORY / "docs" / "quality.md").read_text()
    assert [kind for kind in KINDS if f"`{kind}`" not in guide] == []
