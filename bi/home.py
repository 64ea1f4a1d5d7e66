"""Where Superset's own things are: its metadata, caches, log, and secrets that are made up once."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from warehouse.connection import endpoint
from warehouse.errors import MillraceError
from warehouse.settings import PASSWORD_PREFIX, Settings, secret

ADMIN = "admin"
ROLE = "bi"  # of access.yaml: as whom Superset reads ClickHouse
# Its secrets; one that is set as MILLRACE_SECRET_BI_… is taken, as several machines with one PostgreSQL need it.
SECRETS = ("key", "guest_key", "admin_password")


@dataclass(frozen=True)
class Home:
    path: Path

    @property
    def secrets_file(self) -> Path:
        return self.path / "secrets.json"

    @property
    def clickhouse_file(self) -> Path:
        """How Superset gets to ClickHouse: read at each query, so that another port or password needs no restart."""
        return self.path / "clickhouse.json"

    @property
    def rows_file(self) -> Path:
        """Which projects' rows each person sees: read when something is asked, so that a change counts at once."""
        return self.path / "rows.json"

    @property
    def passwords_file(self) -> Path:
        """Those of people that were made up."""
        return self.path / "passwords.json"

    @property
    def people_file(self) -> Path:
        """What was told of people and datasets last: a digest."""
        return self.path / "people"

    @property
    def state_file(self) -> Path:
        return self.path / "state.json"

    @property
    def control_lock(self) -> Path:
        return self.path / "control.lock"

    @property
    def prepared_file(self) -> Path:
        """Of which Superset, configuration and database it was prepared."""
        return self.path / "prepared"

    def is_prepared(self, wanted: str) -> bool:
        return self.prepared_file.exists() and self.prepared_file.read_text() == wanted

    @property
    def database(self) -> Path:
        return self.path / "superset.db"

    @property
    def log(self) -> Path:
        return self.path / "superset.log"

    @property
    def synced_file(self) -> Path:
        """What was brought here last: a digest of each dataset, chart and dashboard."""
        return self.path / "synced.json"

    def open_log(self) -> IO[str]:
        log = self.log.open("a", encoding="utf-8")
        self.log.chmod(0o600)
        return log

    def make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
        except OSError as error:
            raise MillraceError(f"{self.path} cannot be made: {error.strerror or error}.") from error

    def secrets(self) -> Mapping[str, str]:
        """Those that are missing are made up, and kept where this user alone can read them."""
        try:
            kept: dict[str, str] = json.loads(self.secrets_file.read_text())
        except FileNotFoundError:
            kept = {}
        except (OSError, ValueError) as error:
            raise MillraceError(
                f"{self.secrets_file} cannot be read: {error}.",
                hint="Without these secrets Superset cannot read its own metadata: restore the file.",
            ) from error
        chosen = {name: value for name in SECRETS if (value := secret(f"bi_{name}"))}
        made = {name: secrets.token_urlsafe(36) for name in SECRETS}
        wanted = {**made, **kept, **chosen}
        if wanted != kept:
            write_private(self.secrets_file, json.dumps(wanted, indent=2) + "\n")
        return wanted

    def point_at_clickhouse(self, settings: Settings) -> None:
        if not settings.is_local and ROLE not in settings.passwords:
            raise MillraceError(
                f"Superset reads your ClickHouse as the user {ROLE}, whose password is not set: as another one, people "
                "could do there what it may.",
                hint=f"Set {PASSWORD_PREFIX}{ROLE.upper()}, then `millrace access apply` makes the user.",
            )
        target = endpoint(settings, ROLE)
        wanted = json.dumps(
            {
                "host": target.host,
                "port": target.http_port,
                "secure": target.secure,
                "user": target.user,
                "password": target.password,
            }
        )
        write_private(self.clickhouse_file, wanted)


def write_private(path: Path, text: str) -> None:
    """Whole or not at all: Superset may read it at any moment."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
