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
