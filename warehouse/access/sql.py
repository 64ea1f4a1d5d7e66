"""`access.yaml` as SQL for your own ClickHouse: run again, it gives the same roles, grants and filters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from warehouse.access.model import FILTERED_DATABASES, Access, Role
from warehouse.query_settings import QUERY_SETTINGS
from warehouse.settings import MASK

PREFIX = "millrace_"


@dataclass(frozen=True)
class Statement:
    sql: str
    """What is run; may hold a password's hash."""
    shown: str
    """What may be printed."""


def access_statements(access: Access, passwords: Mapping[str, SecretStr]) -> Iterator[Statement]:
    """Roles, users, row filters; users without a known password are left as they are on the server."""
    for name, role in access.roles.items():
        yield _plain(f"CREATE ROLE IF NOT EXISTS {role_name(name)}")
        yield _plain(f"ALTER ROLE {role_name(name)} SETTINGS {_settings(role)}")
        yield _plain(_grant(role_name(name), role))
    for name, user in access.users.items():
        if name not in passwords:
            continue
        digest = hashlib.sha256(passwords[name].get_secret_value().encode()).hexdigest()
        for verb in ("CREATE USER IF NOT EXISTS", "ALTER USER"):
            statement = f"{verb} {name} IDENTIFIED WITH sha256_hash BY "
            yield Statement(f"{statement}'{digest}'", f"{statement}'{MASK}'")
        # The filters before the role: a user must not read a row before they are there. Users of all projects get one
        # too, since where others have a policy on a table, a server may show nothing to users without any.
        for database in FILTERED_DATABASES:
            condition = access.filter_of(name, database) or "1"
            policy = f"{PREFIX}{name} ON {database}.*"
            yield _plain(f"CREATE ROW POLICY OR REPLACE {policy} FOR SELECT USING {condition} TO {name}")
        # Replacing: whoever had another role before must not be able to SET ROLE back to it.
        yield _plain(f"GRANT {role_name(user.role)} TO {name} WITH REPLACE OPTION")
        database = access.roles[user.role].database
        quota = user.quota and ", ".join(f"{limit} = {value}" for limit, value in user.quota.limits.items())
        # One that is no longer declared must not go on counting.
        interval = (
            f"FOR INTERVAL {user.quota.hours} HOUR MAX {quota}" if user.quota else "FOR INTERVAL 1 HOUR NO LIMITS"
        )
        yield _plain(f"CREATE QUOTA OR REPLACE {PREFIX}{name} {interval} TO {name}")
        yield _plain(f"ALTER USER {name} DEFAULT ROLE {role_name(user.role)} DEFAULT DATABASE {database}")


def role_name(role: str) -> str:
    """On a shared server the role carries our name: it may well have an `analyst` of its own."""
    return f"{PREFIX}{role}"


def _grant(name: str, role: Role) -> str:
    """One statement that replaces all earlier grants at once: no moment in which a running build has none."""
    option = " WITH GRANT OPTION"
    bodies = ", ".join(grant.removesuffix(option) for grant in role.grants)
    with_option = option if any(grant.endswith(option) for grant in role.grants) else ""
    return f"GRANT {bodies} TO {name}{with_option} WITH REPLACE OPTION"


def _settings(role: Role) -> str:
    parts = [f"{name} = {_literal(value)}" for name, value in QUERY_SETTINGS.items()]
    # At least 1: with most limits 0 means none at all.
    parts += [f"{name} = {value} MIN 1 MAX {value}" for name, value in role.limits.items()]
    if role.read_only:
        parts.append("readonly = 2")
    return ", ".join(parts)


def _literal(value: int | str) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _plain(sql: str) -> Statement:
    return Statement(sql, sql)
