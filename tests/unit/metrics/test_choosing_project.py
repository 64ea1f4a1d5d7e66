"""Which project a question is about where it names none."""

from __future__ import annotations

import pytest

from semantic_layer.projects import choose_project
from warehouse.errors import WrongUsage
from warehouse.settings import Settings


def chosen(settings: Settings, given: str | None, declared: list[str], having: list[str]) -> str:
    return choose_project(settings, given, declared, lambda names: [name for name in names if name in having])


@pytest.mark.parametrize(
    ("settings", "given", "declared", "having", "meant"),
    [
        (Settings(project="shop"), "app", ["shop", "app"], ["shop", "app"], "app"),
        (Settings(project="shop"), None, ["app", "shop"], ["app", "shop"], "shop"),
        (Settings(project="shop"), None, ["app", "shop"], ["app"], "shop"),  # it was said: no other one is taken
        (Settings(project="stray"), None, ["app"], ["app", "stray"], "stray"),  # let in, though nobody declared it
        (Settings(), None, ["app", "demo"], ["app", "demo"], "demo"),
        (Settings(), None, ["app", "demo"], ["app"], "app"),
        (Settings(), None, ["app", "shop"], [], "app"),
        (Settings(project=""), None, ["app"], ["app"], "app"),
        (Settings(), "stray", ["app"], ["stray"], "stray"),
    ],
)
def test_the_one_that_is_meant(
    settings: Settings, given: str | None, declared: list[str], having: list[str], meant: str
) -> None:
    assert chosen(settings, given, declared, having) == meant


@pytest.mark.parametrize(
    ("settings", "given", "told", "hint"),
    [
        (Settings(), "ap", "There is no project 'ap'; did you mean 'app'?", "Projects are app, shop."),
        (Settings(project="shp"), None, "no project 'shp'; did you mean 'shop'?", "MILLRACE_PROJECT says so."),
        (Settings(), None, "Several projects have events", "--project app or --project shop"),
    ],
)
def test_none_is_guessed(settings: Settings, given: str | None, told: str, hint: str) -> None:
    with pytest.raises(WrongUsage) as raised:
        chosen(settings, given, ["app", "shop"], ["app", "shop"])
    assert told in raised.value.message
    assert hint in raised.value.hint
