"""Names of countries, of which the data has codes."""

from __future__ import annotations

from semantic_layer.ask.countries import NAMES, names_by_babel, names_of_countries


def test_the_file_is_what_babel_says() -> None:
    assert NAMES.read_text(encoding="utf-8") == names_by_babel()


def test_a_code_has_its_names() -> None:
    assert names_of_countries("DE")[0] == "Germany"
    assert "UK" in names_of_countries("GB")
    assert names_of_countries("de") == names_of_countries("ZZZ") == ()
