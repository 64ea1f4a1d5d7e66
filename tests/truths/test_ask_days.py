"""Questions whose days are not all there: before the sign-up, after the day of asking, or not over for everybody."""

from __future__ import annotations

from tests.truths.conftest import LoadedWorld
from tests.truths.test_ask import asked, truths


def test_on_an_earlier_day_nothing_later_is_known(built: LoadedWorld) -> None:
    answer = asked(built, "sessions", "--as-of", "2026-03-15")
    per_day = truths(built)["sessions"]["per_day"]
    assert answer["rows"] == [[sum(count for day, count in per_day.items() if day <= "2026-03-15")]]
    assert sum(per_day.values()) > answer["rows"][0][0]


def test_who_has_no_time_of_it_is_in_no_period(built: LoadedWorld) -> None:
    """Most people never signed up."""
    answer = asked(built, "activated users and sign-ups per month")
    assert [row[0] for row in answer["rows"]] == [f"2026-0{month}-01" for month in range(1, 7)]
    assert "None" not in answer["reading"]


def test_what_people_still_have_time_for_is_no_fall(built: LoadedWorld) -> None:
    answer = asked(built, "trial conversion rate in June 2026")
    assert len(answer["rows"][0]) == 1  # not compared by itself with the month before, whose 30 days are over
    assert "People have 30 days, and of those who began after 31 May 2026 they are not over." in str(answer["remarks"])
    compared = asked(built, "trial conversion rate in June 2026 compared with May")
    assert "(worse)" not in compared["reading"]
    assert asked(built, "trial conversion rate per month")["reading"].endswith("June 2026 is incomplete.")
    before = asked(built, "trial conversion rate in May 2026")
    assert " on April" in before["reading"]
    assert "not final" not in str(before["remarks"])
