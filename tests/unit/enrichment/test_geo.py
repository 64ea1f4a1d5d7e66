"""Places from an MMDB file made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.enrichment.geo import Place, database_version, locate
from tests.unit.enrichment.mmdb import write_mmdb
from warehouse.errors import MillraceError

BERLIN = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "State of Berlin"}}],
    "city": {"names": {"en": "Berlin", "de": "Berlin"}},
}
NETWORKS = {
    "203.0.113.0/24": BERLIN,
    "198.51.100.0/24": {"registered_country": {"iso_code": "US"}},
    "2001:db8:1::/48": {"country": {"iso_code": "PL"}, "city": {"names": {"pl": "Warszawa"}}},
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return write_mmdb(tmp_path / "places.mmdb", NETWORKS, build_epoch=1_767_225_600)


def test_a_place_is_as_exact_as_the_file(database: Path) -> None:
    addresses = ["203.0.113.7", "198.51.100.1", "2001:db8:1:2::3", "192.0.2.1", "::1"]
    assert list(locate(addresses, database)) == [
        Place("DE", "State of Berlin", "Berlin"),
        Place("US"),
        Place("PL"),
        Place(),
        Place(),
    ]


def test_a_truncated_address_is_still_somewhere(database: Path) -> None:
    assert list(locate(["203.0.113.0", "2001:db8:1::"], database)) == [
        Place("DE", "State of Berlin", "Berlin"),
        Place("PL"),
    ]


def test_what_is_no_address_is_nowhere(database: Path) -> None:
    assert (
        list(locate(["", "unknown", "09013460dad3d4525df3f93670e38612", "203.0.113.7:80"], database)) == [Place()] * 4
    )


def test_the_version_is_that_of_the_file(database: Path) -> None:
    assert database_version(database) == "Test-City-1767225600"


def test_a_file_that_is_not_there_or_not_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(MillraceError, match=r"none\.mmdb does not exist") as caught:
        list(locate(["203.0.113.7"], tmp_path / "none.mmdb"))
    assert "leave it empty" in caught.value.hint
    (tmp_path / "text.mmdb").write_text("no database")
    with pytest.raises(MillraceError, match=r"text\.mmdb cannot be read"):
        database_version(tmp_path / "text.mmdb")
