"""The star of events, by a few events written by hand: what each fact and dimension must say of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.arrivals import build
from tests.integration.channel_cases import CASES
from tests.integration.loading import loaded, write_lines
from tests.support import Instance
from tests.unit.enrichment.mmdb import write_mmdb

DIMENSIONS = {
    "time_key": "dim_times",
    "page_key": "dim_pages",
    "device_key": "dim_devices",
    "geo_key": "dim_geo",
    "campaign_key": "dim_campaigns",
    "event_type_key": "dim_event_types",
    "session_key": "dim_sessions",
    "local_date": "dim_dates",
    "entry_page_key": "dim_pages",
    "exit_page_key": "dim_pages",
}
ACCESS = "\n  analyst_mobile: {role: analyst, projects: [demo_mobile]}\n"
BERLIN = "203.0.113.5"


def sent(name: str, at: str, event: str = "page_viewed", message_type: str = "page", **changes: Any) -> dict[str, Any]:
    path = changes.pop("path", "/")
    page = {"url": f"https://www.shop.example{path}", "path": path.partition("?")[0]} if path else {}
    context = {"page": page, **changes.pop("context", {})}
    return {
        "project_id": "demo", "event_id": name, "event": event, "message_type": message_type,
        "anonymous_id": changes.pop("who", name), "timestamp": at, "received_at": "2026-06-30T10:00:00.000Z",
        "context": context, **changes,
    }  # fmt: skip


def night() -> list[dict[str, Any]]:
    """A session of Berlin that begins ten minutes before midnight, brought by a campaign."""
    who = {"who": "owl", "session_id": "night"}
    bought = {"revenue": 50.5, "currency": "EUR", "order_id": "o1", "items_count": 1, "products": []}
    begun = {"subscription_id": "s1", "plan": "pro", "amount": 29, "currency": "USD"}
    failed = {"error_type": "TypeError", "fatal": True, "error_code": 500, "message": "x is undefined"}
    return [
        sent("n1", "2026-03-03T22:50:00.000Z", path="/?utm_source=google&utm_medium=cpc&utm_campaign=brand",
             properties={"load_time_ms": 812}, **who),
        sent("n2", "2026-03-03T22:51:00.250Z", "search_performed", "track", path="/search",
             properties={"query": "q", "results_count": 1}, **who),
        sent("n3", "2026-03-03T23:05:00.000Z", path="/pricing", **who),
        sent("n4", "2026-03-03T23:06:00.000Z", "signed_up", "track", properties={"method": "email"}, **who),
        sent("n5", "2026-03-03T23:07:00.000Z", "order_completed", "track", properties=bought, **who),
        sent("n6", "2026-03-03T23:08:00.000Z", "subscription_started", "track", properties=begun, **who),
        sent("n7", "2026-03-03T23:09:00.000Z", "error_occurred", "track", path="/pricing", properties=failed, **who),
        sent("n8", "2026-03-03T23:10:00.000Z", path="/thanks", **who),
    ]  # fmt: skip


def others() -> list[dict[str, Any]]:
    phone = {"device": {"type": "mobile"}, "os": {"name": "iOS"}, "browser": {"name": "Safari"}}
    desktop = {"device": {"type": "desktop"}, "os": {"name": "Linux"}, "browser": {"name": "Firefox"}}
    switching = {"who": "switcher", "session_id": "both"}
    return [
        # The server knows no device; of the two that follow, the session is of the first.
        sent("d1", "2026-03-05T10:00:00.000Z", "logged_out", "track", path="", **switching),
        sent("d2", "2026-03-05T10:01:00.000Z", context=phone, **switching),
        sent("d3", "2026-03-05T10:02:00.000Z", context=desktop, **switching),
        sent("p1", "2026-03-06T10:00:00.000Z", context={"ip": BERLIN}),
        sent("p2", "2026-03-06T11:00:00.000Z", context={"ip": BERLIN, "location": {"country": "FR"}}),
        sent("a1", "2026-03-07T10:00:00.000Z", "screen_viewed", "screen", path="", properties={"screen_name": "Home"}),
        # What SDKs send as it is documented: an amount and nothing else.
        sent("amount", "2026-03-07T10:00:00.000Z", "order_completed", "track", path="", properties={"revenue": 49.9}),
        sent("dollars", "2026-03-07T11:00:00.000Z", "order_completed", "track", path="",
             properties={"revenue": 7, "currency": "USD"}),
        sent("z1", "2026-03-08T10:00:00.000Z", "zebra_fed", "track", path=""),
        sent("t1", "2026-03-08T10:00:00.000Z", path="/titled", context={"page": {"path": "/titled", "title": "Old"}}),
        sent("t2", "2026-03-09T10:00:00.000Z", path="/titled", context={"page": {"path": "/titled", "title": "New"}}),
        sent("t3", "2026-03-10T10:00:00.000Z", context={"page": {"path": "/titled"}}),
        # Somebody of whom it is said only later that they are one of our own.
        sent("i1", "2026-03-14T10:00:00.000Z", who="", user_id="u-own", context={"browser": {"name": "Lynx"}}),
        sent("m1", "2026-03-08T10:00:00.000Z", "screen_viewed", "screen", path="", project_id="demo_mobile",
             properties={"screen_name": "Home"}, context=phone),
    ]  # fmt: skip


def channels() -> list[dict[str, Any]]:
    return [
        sent(f"c{number}", "2026-03-11T10:00:00.000Z", context={
            "page": {"url": f"https://shop.example/?{query}", "path": "/", "referrer": referrer}
        })
        for number, (query, referrer, _) in enumerate(CASES)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def star(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("star")
    berlin = {"country": {"iso_code": "DE"}, "subdivisions": [{"names": {"en": "Land Berlin"}}]}
    places = write_mmdb(folder / "places.mmdb", {"203.0.113.0/24": berlin})
    with Instance(folder / "millrace", MILLRACE_GEO_DATABASE=str(places)) as own:
        with (own.project_dir / "access.yaml").open("a") as file:
            file.write(ACCESS)
        own.up()
        result = loaded(own, write_lines(folder / "events.jsonl", [*night(), *others(), *channels()]))
        assert result["rejected"] == {}, result
        build(own)
        yield own


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: " ".join(CASES[number]))
def test_a_visit_comes_from_its_channel(star: Instance, number: int) -> None:
    sql = f"SELECT channel FROM marts.fct_sessions WHERE person_id = 'c{number}'"
    assert star.rows(sql) == [(CASES[number][2],)]


def test_a_campaign_has_the_channel_of_the_sessions_that_it_brought(star: Instance) -> None:
    counted, other = star.rows(
        "SELECT count(), countIf(sessions.channel != campaigns.channel) FROM marts.fct_sessions AS sessions "
        "INNER JOIN marts.dim_campaigns AS campaigns USING campaign_key WHERE campaign_key != 0"
    )[0]
    brought = [query for query, _, _ in CASES if ("utm_" in query or "id=" in query) and query != "utm_content=button"]
    assert (counted, other) == (len([*brought, "the night"]), 0)


NIGHT = [
    ("n1", "2026-03-03", "23:50", 1, True, False, 15 * 60_000, 812, "/"),
    ("n3", "2026-03-04", "00:05", 2, False, False, 5 * 60_000, None, "/pricing"),
    ("n8", "2026-03-04", "00:10", 3, False, True, None, None, "/thanks"),
]
BOUGHT = [
    ("signed_up", "2026-03-04", "paid_search", "brand", "/", 16 * 60_000, None, "", None),
    ("order_completed", "2026-03-04", "paid_search", "brand", "/", 17 * 60_000, "50.5", "EUR", "50.5"),
    ("subscription_started", "2026-03-04", "paid_search", "brand", "/", 18 * 60_000, "29", "USD", None),  # no rate
]


def views_of_the_night(star: Instance) -> list[tuple[Any, ...]]:
    return star.rows(
        "SELECT event_id, toString(local_date), time_of_day, view_number, is_entry, is_exit, time_on_page_ms, "
        "load_time_ms, page_path FROM marts.fct_page_views INNER JOIN marts.dim_times USING time_key "
        "WHERE event_id LIKE 'n%' ORDER BY timestamp"
    )


def conversions(star: Instance) -> list[tuple[Any, ...]]:
    return star.rows(
        "SELECT event, toString(local_date), facts.channel, campaign_name, page_path, since_session_start_ms, "
        "toString(value), currency, toString(value_in_project_currency) FROM marts.fct_conversions AS facts "
        "INNER JOIN marts.dim_campaigns USING campaign_key "
        "INNER JOIN marts.dim_pages ON dim_pages.page_key = entry_page_key "
        "WHERE event_id LIKE 'n%' ORDER BY timestamp"
    )


def test_views_know_their_place_in_the_session_also_over_midnight(star: Instance) -> None:
    assert views_of_the_night(star) == NIGHT


def test_conversions_carry_what_brought_their_session_and_what_they_are_worth(star: Instance) -> None:
    assert conversions(star) == BOUGHT


def test_an_amount_without_a_currency_is_one_of_the_projects(star: Instance) -> None:
    """And an order without an id is an order of its own."""
    orders = "SELECT order_id, toString(amount), currency, toString(revenue) FROM marts.fct_orders"
    assert star.rows(f"{orders} WHERE local_date = '2026-03-07' ORDER BY ALL") == [
        ("amount", "49.9", "EUR", "49.9"),
        ("dollars", "7", "USD", None),
    ]
    value = "SELECT currency, toString(value_in_project_currency) FROM marts.fct_conversions WHERE event_id = 'amount'"
    assert star.rows(value) == [("EUR", "49.9")]


def test_errors_say_what_where_and_how_bad(star: Instance) -> None:
    columns = "error_type, error_code, is_fatal, message, page_path, toString(local_date)"
    expected = ("TypeError", 500, True, "x is undefined", "/pricing", "2026-03-04")
    assert star.rows(f"SELECT {columns} FROM marts.fct_errors") == [expected]


def test_a_session_sums_up_its_events(star: Instance) -> None:
    columns = "toString(local_date), duration_ms, events, views, conversions, errors, entry_page, exit_page"
    columns += ", is_engaged, is_converted, is_bounce"
    rows = star.rows(f"SELECT {columns} FROM marts.fct_sessions WHERE person_id = 'owl'")
    assert rows == [("2026-03-03", 20 * 60_000, 8, 3, 3, 1, "/", "/thanks", True, True, False)]


def test_a_session_has_one_of_its_devices_not_a_mixture(star: Instance) -> None:
    rows = star.rows(
        "SELECT sessions.device_type, sessions.browser, sessions.os, devices.device_type, devices.browser, devices.os "
        "FROM marts.fct_sessions AS sessions INNER JOIN marts.dim_devices AS devices USING device_key "
        "WHERE person_id = 'switcher'"
    )
    assert rows == [("mobile", "Safari", "iOS") * 2]


def test_an_address_tells_no_region_of_another_country(star: Instance) -> None:
    rows = star.rows("SELECT event_id, country, region FROM marts.fct_events WHERE event_id IN ('p1', 'p2') ORDER BY 1")
    assert rows == [("p1", "DE", "Land Berlin"), ("p2", "FR", "")]


def test_pages_and_screens_are_one_dimension_with_the_latest_title(star: Instance) -> None:
    rows = star.rows(
        "SELECT page_kind, page_host, page_path, page_title, section, toString(first_seen_on), toString(last_seen_on) "
        "FROM marts.dim_pages WHERE project_id = 'demo' AND page_path IN ('Home', '/titled') ORDER BY ALL"
    )
    assert rows == [
        ("page", "", "/titled", "New", "titled", "2026-03-08", "2026-03-10"),
        ("screen", "", "Home", "", "", "2026-03-07", "2026-03-07"),
    ]


def test_event_types_are_those_of_the_registry_and_those_that_were_sent(star: Instance) -> None:
    rows = star.rows(
        "SELECT project_id, event, is_registered, owner, toString(first_seen_on), personal_properties "
        "FROM marts.dim_event_types WHERE event IN ('zebra_fed', 'nps_answered', 'unknown') ORDER BY ALL"
    )
    assert rows == [
        ("", "unknown", False, "", None, []),
        ("demo", "nps_answered", True, "support", None, ["comment"]),
        ("demo", "zebra_fed", False, "", "2026-03-08", []),
        ("demo_mobile", "nps_answered", True, "support", None, ["comment"]),
    ]


@pytest.mark.parametrize("fact", ["fct_events", "fct_sessions", "fct_page_views", "fct_conversions", "fct_errors"])
def test_every_row_of_a_fact_finds_one_row_in_each_dimension(star: Instance, fact: str) -> None:
    columns = {row[0] for row in star.rows(f"DESCRIBE marts.{fact}")}
    keys = {
        key: table
        for key, table in DIMENSIONS.items()
        if key in columns and (fact, key) != ("fct_sessions", "session_key")
    }
    assert len(keys) >= 6
    (rows,) = star.rows(f"SELECT count() FROM marts.{fact}")[0]
    assert rows
    for key, dimension in keys.items():
        own = key.removeprefix("entry_").removeprefix("exit_")
        sql = f"SELECT count() FROM marts.{fact} AS f INNER JOIN marts.{dimension} AS d ON d.{own} = f.{key}"
        assert star.rows(sql) == [(rows,)], key


def test_a_user_of_one_project_sees_its_members_and_what_is_everybodys(star: Instance) -> None:
    tables = star.rows("SELECT name FROM system.tables WHERE database = 'marts' AND match(name, '^(dim_|agg_hourly_)')")
    shown = {
        name: {row[0] for row in star.rows(f"SELECT DISTINCT project_id FROM marts.{name}", "analyst_mobile")}
        for (name,) in tables
    }
    assert len(shown) >= 11
    assert shown.pop("dim_dates") == shown.pop("dim_times") == {""}
    assert shown.pop("agg_hourly_events") == {"demo_mobile"}
    assert set().union(*shown.values()) == {"", "demo_mobile"}
    without_an_unknown_row = {"dim_products", "dim_people", "dim_user_segments"}
    assert all("" in projects for name, projects in shown.items() if name not in without_an_unknown_row), shown
    joined = "SELECT count() FROM marts.fct_events INNER JOIN marts.dim_campaigns USING campaign_key"
    assert star.rows(joined, "analyst_mobile") == [(1,)]


def test_hourly_counts_are_there_before_a_build_and_count_copies_once(star: Instance, tmp_path: Path) -> None:
    counted = (
        "SELECT sum(events) FROM marts.agg_hourly_events WHERE event = 'lamp_lit' AND hour = '2026-03-12 10:00:00'"
    )
    assert star.rows(counted, "analyst") == [(0,)]
    lit = [sent(f"l{n}", f"2026-03-12T10:0{n}:00.000Z", "lamp_lit", "track") for n in range(3)]
    loaded(star, write_lines(tmp_path / "lamps.jsonl", lit))
    loaded(star, write_lines(tmp_path / "again.jsonl", [*lit[:2], {**lit[0], "event_id": "l9"}]))
    assert star.rows(counted, "analyst") == [(4,)]


# What comes late changes facts of some days and the members that they have.
LATE = ("+fct_page_views", "+fct_conversions", "+dim_devices")
LYNX = "SELECT count() FROM marts.dim_devices WHERE browser = 'Lynx'"


def test_a_member_whose_events_no_longer_count_is_gone(star: Instance, tmp_path: Path) -> None:
    assert star.rows(LYNX) == [(1,)]
    said = sent("i2", "2026-03-20T10:00:00.000Z", "identify", "identify", who="", user_id="u-own",
                properties={"is_internal": True})  # fmt: skip
    loaded(star, write_lines(tmp_path / "internal.jsonl", [said]))
    build(star, *LATE)
    assert star.rows(LYNX) == [(0,)]


@pytest.mark.parametrize("day", ["2026-03-05", "2026-03-02"])
def test_a_session_over_midnight_stays_when_only_one_of_its_days_is_made_anew(
    star: Instance, tmp_path: Path, day: str
) -> None:
    loaded(star, write_lines(tmp_path / "late.jsonl", [sent(f"late-{day}", f"{day}T12:00:00.000Z")]))
    build(star, *LATE)
    assert star.rows(f"SELECT count() FROM marts.fct_page_views WHERE event_id = 'late-{day}'") == [(1,)]
    assert views_of_the_night(star) == NIGHT
    assert conversions(star) == BOUGHT


def test_a_late_view_after_midnight_shortens_the_one_before(star: Instance, tmp_path: Path) -> None:
    view = sent("n9", "2026-03-03T23:01:00.000Z", path="/late", who="owl", session_id="night")
    loaded(star, write_lines(tmp_path / "late.jsonl", [view]))
    build(star, *LATE)
    first, last = ("n1", *NIGHT[0][1:6], 11 * 60_000, *NIGHT[0][7:]), ("n8", *NIGHT[2][1:3], 4, *NIGHT[2][4:])
    late = ("n9", "2026-03-04", "00:01", 2, False, False, 4 * 60_000, None, "/late")
    assert views_of_the_night(star) == [first, late, ("n3", *NIGHT[1][1:3], 3, *NIGHT[1][4:]), last]
