"""Enrichment in ClickHouse: what is kept of an address, the parts of a URL, and the lookup tables."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

import pytest
from clickhouse_connect.driver.client import Client

from ingestion.enrichment import lookups as lookups_module
from ingestion.enrichment import user_agents
from ingestion.enrichment.ip_privacy import hashed_ip, network
from ingestion.enrichment.lookups import fill_lookups, lookups
from ingestion.enrichment.referrers import referrer_host
from tests.macros import dbt_macros
from tests.support import Instance
from tests.unit.enrichment.mmdb import write_mmdb

SALT = "3f1c-a-test-key"
HASHED = hashed_ip("ip", "salt")


@pytest.fixture(scope="module")
def client(clickhouse: Instance) -> Client:
    return clickhouse.client("admin")


def stored(client: Client, ip: str, expression: str, salt: str = SALT) -> str:
    return str(
        client.query(
            f"SELECT {expression} FROM (SELECT {{ip:String}} AS ip, {{salt:String}} AS salt)",
            parameters={"ip": ip, "salt": salt},
        ).result_rows[0][0]
    )


@pytest.mark.parametrize(
    ("ip", "standard"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("10.255.255.255", "10.255.255.0"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("2001:DB8:1::ABCD", "2001:db8:1::"),
        ("::1", "::"),
        ("", ""),
        ("unknown", ""),
        ("203.0.113.77:443", ""),
        ("203.0.113.77, 10.0.0.1", ""),
        ("203.0.113", ""),
    ],
)
def test_standard_keeps_the_network(client: Client, ip: str, standard: str) -> None:
    assert stored(client, ip, network("ip")) == standard


def test_strict_keeps_a_keyed_hash_of_the_address(client: Client) -> None:
    for ip in ("203.0.113.77", "2001:db8:1:2:3:4:5:6"):
        address = ipaddress.ip_address(ip if ":" in ip else f"::ffff:{ip}")
        expected = hmac.new(SALT.encode(), address.packed, hashlib.sha256).hexdigest()[:32]
        assert stored(client, ip, HASHED) == expected
        assert stored(client, ip, HASHED, "another key") != expected
    assert stored(client, "::ffff:203.0.113.77", HASHED) == stored(client, "203.0.113.77", HASHED)


def test_strict_keeps_nothing_without_a_key_or_of_what_is_no_address(client: Client) -> None:
    assert stored(client, "203.0.113.77", HASHED, "") == ""
    assert stored(client, "ada@example.com", HASHED) == ""


WEB = dbt_macros("web.sql")
UTM_PARAMETERS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
# Of several in one address the first here counts.
CLICK_IDS = {
    "gclid": ("google", "cpc"),
    "msclkid": ("bing", "cpc"),
    "ttclid": ("tiktok", "paid_social"),
    "li_fat_id": ("linkedin", "paid_social"),
    "irclickid": ("impact", "affiliate"),
    "fbclid": ("facebook", "social"),
}


def parts(client: Client, urls: list[str]) -> list[dict[str, str]]:
    """What the macros of the models say of addresses."""
    columns = {
        "host": WEB.host_of("url"),
        **{name: WEB.url_parameter("url", name) for name in UTM_PARAMETERS},
        "click_network": WEB.click_id("url", "network"),
        "click_medium": WEB.click_id("url", "medium"),
    }
    client.command("CREATE DATABASE IF NOT EXISTS enrichment ENGINE = Atomic")
    client.command(
        "CREATE OR REPLACE TABLE enrichment.urls (number UInt32, url String) ENGINE = MergeTree ORDER BY number"
    )
    client.insert("enrichment.urls", list(enumerate(urls)), column_names=["number", "url"])
    selected = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    rows = client.query(f"SELECT {selected} FROM enrichment.urls ORDER BY number").result_rows
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_lookup_and_models_mean_the_same_host() -> None:
    assert referrer_host("url") == str(WEB.host_of("url")).strip()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://www.Shop.example/a%20b?utm_source=news&utm_medium=e%2Bmail&utm_campaign=big+sale%C3%A9&x=1#top",
            {
                "host": "shop.example",
                "utm_source": "news",
                "utm_medium": "e+mail",
                "utm_campaign": "big saleé",
            },
        ),
        ("https://shop.example", {"host": "shop.example"}),
        ("/only/a/path?utm_term=a", {"utm_term": "a"}),
        ("android-app://com.google.android.gm/", {"host": "com.google.android.gm"}),
        ("https://shop.example/?not_utm_source=a&utm_sourced=b", {"host": "shop.example"}),
        # An app with its addresses behind the #.
        ("https://shop.example/#/pay?utm_source=x", {"host": "shop.example", "utm_source": "x"}),
        (
            "https://shop.example/?fbclid=F1&gclid=G%2F1",  # Facebook marks every link; Google's is a paid click
            {"host": "shop.example", "click_network": "google", "click_medium": "cpc"},
        ),
        (
            "https://shop.example/?fbclid=F1&gclid=",
            {"host": "shop.example", "click_network": "facebook", "click_medium": "social"},
        ),
        ("", {}),
        ("no address at all", {}),
    ],
)
def test_an_address_is_taken_apart(client: Client, url: str, expected: dict[str, str]) -> None:
    (found,) = parts(client, [url])
    assert {name: text for name, text in found.items() if text} == expected


def test_campaigns_are_read_as_pythons_own_url_parser_reads_them(client: Client) -> None:
    draw = random.Random(7)
    values = ["news", "Größe", "a b", "a+b", "50%", "x&y", "=", "日本", "a/b?c", "'", '"', "\\", "%41"]
    names = [*UTM_PARAMETERS, *CLICK_IDS, "other"]
    urls = [
        "https://shop.example/p?"
        + "&".join(f"{name}={quote_plus(draw.choice(values))}" for name in draw.sample(names, draw.randrange(6)))
        for _ in range(500)
    ]
    for url, found in zip(urls, parts(client, urls), strict=True):
        given = dict(parse_qsl(urlsplit(url).query))
        assert {name: found[name] for name in UTM_PARAMETERS} == {name: given.get(name, "") for name in UTM_PARAMETERS}
        click = next((said for name, said in CLICK_IDS.items() if name in given), ("", ""))
        assert (found["click_network"], found["click_medium"]) == click, url


CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
LOADED = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Lookups:
    """A database with a small raw.events and the lookup tables, empty."""

    name = "enrichment_lookups"

    def __init__(self, client: Client, geo_database: Path) -> None:
        self.client, self.geo_database = client, geo_database
        client.command(f"CREATE DATABASE {self.name} ENGINE = Atomic")
        context = "JSON(page.referrer String, user_agent String, ip String)"
        client.command(
            f"CREATE TABLE {self.name}.events (loaded_at DateTime64(3, 'UTC'), context {context}) "
            "ENGINE = MergeTree ORDER BY loaded_at"
        )
        for lookup in lookups(geo_database):
            columns = ", ".join(f"{column} {kind}" for column, kind in lookup.columns.items())
            client.command(
                f"CREATE TABLE {self.name}.{lookup.table} ({columns}, "
                "described_at DateTime64(3, 'UTC') DEFAULT now64(3)) "
                f"ENGINE = ReplacingMergeTree(described_at) ORDER BY {lookup.key}"
            )

    def load(self, *contexts: dict[str, Any], at: datetime = LOADED) -> None:
        rows = [(at, json.dumps(context)) for context in contexts]
        self.client.insert(f"{self.name}.events", rows, column_names=["loaded_at", "context"])

    def fill(self, since: datetime | None = None) -> dict[str, int]:
        return fill_lookups(self.client, self.geo_database, since, self.name)

    def rows(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        sql = f"SELECT {columns} FROM {self.name}.{table} FINAL ORDER BY 1"
        return [tuple(row) for row in self.client.query(sql).result_rows]


@pytest.fixture
def tables(client: Client, tmp_path: Path) -> Iterator[Lookups]:
    networks = {"203.0.113.0/24": {"country": {"iso_code": "DE"}, "city": {"names": {"en": "Berlin"}}}}
    yield Lookups(client, write_mmdb(tmp_path / "places.mmdb", networks))
    client.command(f"DROP DATABASE {Lookups.name}")


def test_each_distinct_value_is_described_once(tables: Lookups) -> None:
    tables.load(
        {
            "user_agent": CHROME.format(124),
            "page": {"referrer": "https://www.google.de/search?q=x"},
            "ip": "203.0.113.0",
        },
        {"user_agent": CHROME.format(124), "page": {"referrer": "https://google.de/"}, "ip": "192.0.2.0"},
        {
            "user_agent": "curl/8.4.0",
            "page": {"referrer": "https://blog.example/post"},
            "ip": "09013460dad3d4525df3f936",
        },
        {"user_agent": "", "page": {"referrer": ""}, "ip": ""},
        {},
    )
    assert tables.fill() == {"user_agents": 2, "referrers": 2, "places": 2}
    assert tables.rows(
        "user_agents", "user_agent, browser_family, browser_major, os_family, device_type, bot_kind"
    ) == [
        (CHROME.format(124), "Chrome", "124", "Windows", "desktop", ""),
        ("curl/8.4.0", "curl", "8", "", "bot", "tool"),
    ]
    assert tables.rows("referrers", "host, kind, name") == [
        ("blog.example", "other", "blog.example"),
        ("google.de", "search", "Google"),
    ]
    assert tables.rows("places", "ip, country, region, city") == [
        ("192.0.2.0", "", "", ""),
        ("203.0.113.0", "DE", "", "Berlin"),
    ]


def test_only_what_is_not_known_yet_is_described(tables: Lookups) -> None:
    tables.load({"user_agent": CHROME.format(124)})
    assert tables.fill()["user_agents"] == 1
    assert tables.fill()["user_agents"] == 0
    tables.load({"user_agent": CHROME.format(124)}, {"user_agent": CHROME.format(125)}, at=LOADED + timedelta(hours=1))
    assert tables.fill()["user_agents"] == 1
    assert tables.rows("user_agents", "browser_major") == [("124",), ("125",)]


def test_since_spares_older_rows(tables: Lookups) -> None:
    tables.load({"user_agent": CHROME.format(124)})
    tables.load({"user_agent": CHROME.format(125)}, at=LOADED + timedelta(hours=1))
    assert tables.fill(since=LOADED + timedelta(minutes=30))["user_agents"] == 1
    assert tables.rows("user_agents", "browser_major") == [("125",)]


def test_new_rules_describe_the_known_values_anew(tables: Lookups, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.load({"user_agent": CHROME.format(124)}, {"user_agent": "FancyThing/1.0"})
    tables.fill()
    monkeypatch.setattr(user_agents, "rules_version", lambda: "newer")
    monkeypatch.setattr(user_agents, "find_bot_kind", lambda text: "tool" if "Fancy" in text else "")
    assert tables.fill(since=LOADED + timedelta(days=1)) == {"user_agents": 2, "referrers": 0, "places": 0}
    assert tables.rows("user_agents", "user_agent, bot_kind, rules_version") == [
        ("FancyThing/1.0", "tool", "newer"),
        (CHROME.format(124), "", "newer"),
    ]
    assert tables.fill()["user_agents"] == 0


def test_many_values_are_described_in_batches(tables: Lookups, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups_module, "BATCH", 3)
    tables.load(*({"page": {"referrer": f"https://host{number}.example/"}} for number in range(10)))
    assert tables.fill()["referrers"] == 10
    assert len(tables.rows("referrers", "host")) == 10


def test_without_a_geo_database_places_are_left_alone(tables: Lookups) -> None:
    tables.load({"ip": "203.0.113.0"})
    assert set(fill_lookups(tables.client, None, None, tables.name)) == {"user_agents", "referrers"}
    assert tables.rows("places", "ip") == []
