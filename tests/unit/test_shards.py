"""Which shards there are, and which of them a piece goes to."""

from __future__ import annotations

from collections import Counter

import pytest

from warehouse.cluster import everywhere, shard_of, shards
from warehouse.errors import MillraceError
from warehouse.replicated_schema import replicated
from warehouse.settings import load_settings

SHARDS = "https://b:8443, https://c:8443"


def test_without_a_cluster_there_is_one_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert shards(settings) == [settings]
    assert everywhere(settings, "events") == "raw.events"
    assert shard_of("a-file.0", shards(settings)) is settings


def test_shards_differ_by_their_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_CLICKHOUSE_URL", "https://a:8443")
    monkeypatch.setenv("MILLRACE_PASSWORD_LOADER", "known")
    monkeypatch.setenv("MILLRACE_CLUSTER", "mill")
    monkeypatch.setenv("MILLRACE_SHARDS", SHARDS)
    settings = load_settings()
    found = shards(settings)
    assert [shard.clickhouse_url for shard in found] == ["https://a:8443", "https://b:8443", "https://c:8443"]
    monkeypatch.delenv("MILLRACE_PASSWORD_LOADER")  # the passwords are those that were read for the first
    assert {shard.passwords["loader"].get_secret_value() for shard in found} == {"known"}
    assert all(shards(shard) == [shard] for shard in found[1:])
    assert everywhere(settings, "events") == "raw.events_everywhere"


def test_a_piece_goes_to_the_same_shard_each_time_and_all_shards_get_some() -> None:
    tokens = [f"{number:032x}.0" for number in range(3000)]
    went = [shard_of(token, "abc") for token in tokens]
    assert went == [shard_of(token, "abc") for token in tokens]
    assert all(900 < pieces < 1100 for pieces in Counter(went).values())


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"MILLRACE_CLUSTER": "mill"}, "MILLRACE_SHARDS and MILLRACE_CLUSTER belong together"),
        ({"MILLRACE_SHARDS": SHARDS}, "MILLRACE_SHARDS and MILLRACE_CLUSTER belong together"),
        ({"MILLRACE_CLUSTER": "mill", "MILLRACE_SHARDS": "b:8443"}, "MILLRACE_SHARDS must look like https://host"),
    ],
)
def test_half_a_cluster_is_refused(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MillraceError, match=told):
        load_settings()


def test_steps_for_a_keeper() -> None:
    table = "CREATE TABLE IF NOT EXISTS raw.t\n(\n    a Int8\n)\nENGINE = {}\nORDER BY a"
    place = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
    assert replicated(table.format("MergeTree"), "mill") == table.replace("raw.t", "raw.t ON CLUSTER 'mill'").format(
        f"ReplicatedMergeTree({place})"
    )
    assert f"ReplicatedSummingMergeTree({place}, n)" in replicated(table.format("SummingMergeTree(n)"), "mill")
    assert replicated("ALTER TABLE raw.t MODIFY SETTING non_replicated_deduplication_window = 1", "mill") == (
        "ALTER TABLE raw.t ON CLUSTER 'mill' MODIFY SETTING replicated_deduplication_window = 1"
    )
    copying = "INSERT INTO raw.t SELECT 1"
    assert replicated(copying, "mill") == copying
