"""What the loader of manifests does with a division, it does not do with a text that has a / in it."""

from __future__ import annotations

import pytest

from semantic_layer.clickhouse.loader import safe_division


@pytest.mark.parametrize(
    "expression",
    [
        "if(event = 'page_viewed' and path = '/pricing', 1, 0)",
        r"if(a = 'it\'s a/b \\' and c = 'd''/', \x7b, null)",
        r"if(properties.`a/b\`/` = '', 1, 0)",
    ],
)
def test_a_text_is_no_division(expression: str) -> None:
    assert safe_division(expression) == expression


def test_behind_a_text_there_may_be_one() -> None:
    assert safe_division(r"if(a = '\'/', 1, 0) / b") != r"if(a = '\'/', 1, 0) / b"


@pytest.mark.parametrize(
    ("expression", "safe"),
    [
        ("a / b", "toFloat64(a) / nullIf(b, 0)"),
        ("(a - b) / (c + d) * 100", "toFloat64(a - b) / nullIf(c + d, 0) * 100"),
        ("a / (b / c)", "toFloat64(a) / nullIf(toFloat64(b) / nullIf(c, 0), 0)"),
        ("a / 100 / 0", "toFloat64(toFloat64(a) / 100) / nullIf(0, 0)"),
        ("arraySum(x -> x / 2, xs)", "arraySum(x -> toFloat64(x) / 2, xs)"),
    ],
)
def test_what_divides_is_a_float_and_nothing_divides_by_zero(expression: str, safe: str) -> None:
    assert safe_division(expression) == safe
