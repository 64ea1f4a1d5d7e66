"""Where an address is, from an MMDB file on this machine; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.errors import MillraceError


@dataclass(frozen=True)
class Place:
    country: str = ""  # ISO 3166, two letters
    region: str = ""
    city: str = ""


def locate(addresses: Iterable[str], database: Path) -> Iterator[Place]:
    """The place of each address, in order; an empty one where the file does not know it."""
    with _open(database) as reader:
        for address in addresses:
            yield _place(reader, address)


def database_version(database: Path) -> str:
    """Changes with the file: then places are looked up again."""
    with _open(database) as reader:
        metadata = reader.metadata()
    return f"{metadata.database_type}-{metadata.build_epoch}"


def _open(database: Path) -> Any:
    import maxminddb

    try:
        return maxminddb.open_database(database)
    except FileNotFoundError as error:
        raise MillraceError(
            f"The geo database {database} does not exist.",
            hint="MILLRACE_GEO_DATABASE names an MMDB file; leave it empty to load without places.",
        ) from error
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise MillraceError(f"The geo database {database} cannot be read: {error}") from error


def _place(reader: Any, address: str) -> Place:
    try:
        record = reader.get(address)
    except ValueError:  # a hash, or nothing that is an address
        return Place()
    if not isinstance(record, dict):
        return Place()
    regions = record.get("subdivisions") or [{}]
    return Place(
        country=_text(record, "country", "iso_code") or _text(record, "registered_country", "iso_code"),
        region=_text({"region": regions[0]}, "region", "names", "en"),
        city=_text(record, "city", "names", "en"),
    )


def _text(record: Any, *keys: str) -> str:
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    return record if isinstance(record, str) else ""
