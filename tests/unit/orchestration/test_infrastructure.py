from __future__ import annotations

import dagster as dg
import pytest

from orchestration.infrastructure import is_of_the_infrastructure, retried_where_the_infrastructure_failed
from warehouse.errors import MillraceError, WrongUsage


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8123 cannot be reached: Connection refused",
        "HTTPConnectionPool: Read timed out",
        "Code: 241. DB::Exception: memory limit exceeded (MEMORY_LIMIT_EXCEEDED)",
    ],
)
def test_what_may_be_over_in_a_minute_is_tried_again(text: str) -> None:
    with pytest.raises(dg.Failure) as caught, retried_where_the_infrastructure_failed():
        raise MillraceError(text)
    assert caught.value.allow_retries


@pytest.mark.parametrize(
    "error", [MillraceError("There is no project x."), WrongUsage("Connection refused"), KeyError("a mistake in code")]
)
def test_what_is_wrong_stays_wrong(error: Exception) -> None:
    with pytest.raises(dg.Failure) as caught, retried_where_the_infrastructure_failed():
        raise error
    assert not caught.value.allow_retries


def test_the_cause_tells_as_well() -> None:
    try:
        try:
            raise ConnectionResetError("Connection reset by peer")
        except ConnectionResetError as cause:
            raise MillraceError("The load broke off.") from cause
    except MillraceError as error:
        assert is_of_the_infrastructure(error)
    assert not is_of_the_infrastructure(MillraceError("The load broke off."))


def test_a_hint_is_told_with_the_failure() -> None:
    with pytest.raises(dg.Failure, match=r"No file\. Drop one"), retried_where_the_infrastructure_failed():
        raise MillraceError("No file.", hint="Drop one.")
