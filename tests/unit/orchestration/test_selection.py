from __future__ import annotations

import pytest

from orchestration.selection import arguments_for

KNOWN = {"fct_events", "fct_orders", "dim_users"}


def test_all_models_are_built_without_a_selection_so_that_every_test_runs() -> None:
    arguments = arguments_for(KNOWN, KNOWN)
    assert arguments[0] == "build"
    assert "--select" not in arguments


def test_some_models_are_named_in_order_and_only_tests_that_can_run_do() -> None:
    arguments = arguments_for({"fct_orders", "dim_users"}, KNOWN)
    place = arguments.index("--select")
    assert arguments[place + 1 : place + 3] == ["dim_users", "fct_orders"]
    assert arguments[place + 3 :] == ["--indirect-selection", "buildable"]


def test_a_full_refresh_is_asked_for() -> None:
    assert "--full-refresh" in arguments_for(KNOWN, KNOWN, full_refresh=True)
    assert "--full-refresh" not in arguments_for(KNOWN, KNOWN)


@pytest.mark.parametrize(("wanted", "says"), [(set(), "nothing"), ({"fct_event"}, "fct_event")])
def test_what_cannot_be_built_is_refused(wanted: set[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        arguments_for(wanted, KNOWN)
