"""While a backup or a restore is under way: nobody loads, builds or migrates, and there is one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from warehouse.backup.place import Place
from warehouse.connection import endpoint
from warehouse.errors import MillraceError
from warehouse.locks import nobody_writes_raw, one_at_a_time
from warehouse.settings import Settings

# What is backed up as it is. The keys (vault) are sealed instead: readable to nobody who can read a backup.
DATABASES = ("raw", "staging", "intermediate", "marts", "ml", "ops")
VAULT = "vault"
QUERY = "millrace-backup-"  # how ids of queries begin that make backups or restore them


def check_local(settings: Settings) -> None:
    if not settings.is_local:
        raise MillraceError(
            "`millrace backup` is for the local server. Your own ClickHouse writes backups by itself, where its "
            "configuration lets it.",
            hint=f"There: {own_statement()} (vault holds the keys of pseudonyms: who reads the backup has them). "
            "docs/operations.md says more.",
        )
    endpoint(settings, "admin")  # does it run?


def own_statement() -> str:
    databases = ", ".join(f"DATABASE {database}" for database in (*DATABASES, VAULT))
    return f"BACKUP {databases} TO S3('https://bucket.s3.amazonaws.com/folder/name', 'key', 'secret')"


@contextmanager
def quiet(settings: Settings, place: Place) -> Iterator[None]:
    from warehouse.alone import alone

    with (
        one_at_a_time(place.folder / ".lock"),  # in the folder: two Millraces may share it
        one_at_a_time(settings.data_dir / "migrate.lock"),
        alone(settings, waits=True),
        nobody_writes_raw(settings.data_dir),
    ):
        yield
