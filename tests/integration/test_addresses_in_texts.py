"""Where an IP address may hide in what a strict project keeps; each place is tried with all others beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ingestion.network_addresses import without_addresses
from tests.support import Instance

V4, V6 = "203.0.113.57", "2001:db8:77::beef"
HIDDEN = [
    "ip:IP4", "a:IP4", "@IP4", "ipIP4", "_IP4_", "{IP4}", "(IP4)", "[IP4]", "<IP4>", "IP4!", "IP4?", "IP4-IP4", "IP4…",
    "IP4, IP4,IP4", "IP4;IP4 IP4", "IP4/24 and IP4:8080", "'IP4'", '{"client":"IP4"}', '{"a": ["IP4", "IP6"]}',
    "https://x/from/IP4/", "https://x/IP4", "https://IP4/a", "/from/IP4", "/IP4", "?c=ENC", "?c=%20IP4", "?c=%22IP4%22",
    "ends here.IP4.", "line\nIP4\ttab", "bot IP4", "Chrome/120.0.0.0 from IP4", "IP6, hi", "addr IP6.", "IP6 y",
    "[IP6]:443", "ip:IP6", "::ffff:IP4 x", '{"client": "IP6"}', "from=IP6&x=1", "%20IP6", "(IP6)", "IP6,IP6",
]  # fmt: skip
KEPT = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
    "v1.2.3.4", "1.2.3", "1.2.3.4.5", "256.1.1.1.1", "at 12:30:45", "std::vector", "a::before", "10.000.000,00",
    "1203.0.113.57",
]  # fmt: skip


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("addresses") / "millrace") as own:
        own.up()
        yield own


def masked(clickhouse: Instance, texts: list[str]) -> list[str]:
    """Of texts by themselves."""
    sql = f"SELECT arrayMap(text -> {without_addresses('text')}, {{texts:Array(String)}})"
    return list(clickhouse.client().query(sql, parameters={"texts": texts}).result_rows[0][0])


def test_no_address_is_left_in_any_text(clickhouse: Instance) -> None:
    texts = [t.replace("IP4", V4).replace("IP6", V6).replace("ENC", V4.replace(".", "%2E")) for t in HIDDEN]
    as_json = [json.dumps({"a": text, "b": [text], "c": {text: 1}}) for text in texts]
    # By itself, what stands in quotes is a whole value, which is looked at with its name: masking.py.
    for given in ([text for text in texts if '"' not in text], as_json):
        for before, after in zip(given, masked(clickhouse, given), strict=True):
            assert V4 not in after, (before, after)
            assert V6 not in after, (before, after)
            assert "203%2E" not in after, (before, after)
            assert given is not as_json or set(json.loads(after)) == {"a", "b", "c"}


def test_versions_and_times_stay(clickhouse: Instance) -> None:
    assert masked(clickhouse, KEPT) == KEPT
