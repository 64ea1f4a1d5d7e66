"""Puts `access.yaml` into force on your own ClickHouse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from warehouse.access.model import Access
from warehouse.access.sql import PREFIX, access_statements
from warehouse.connection import first_line
from warehouse.errors import MillraceError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def apply_access(
    client: Client, access: Access, passwords: Mapping[str, SecretStr]
) -> tuple[int, list[tuple[str, str]]]:
    """Run the statements; returns their number, and users who hold a role of ours undeclared."""
    from clickhouse_connect.driver.exceptions import Error

    applied = 0
    for statement in access_statements(access, passwords):
        try:
            client.command(statement.sql)
        except Error as error:
            raise MillraceError(
                f"The server refused `{statement.shown}`: {first_line(error)}",
                hint=f"{applied} statements before it are in force; running `millrace access apply` again is safe. "
                "The user of MILLRACE_CLICKHOUSE_URL needs ACCESS MANAGEMENT.",
            ) from error
        applied += 1
    holders = client.query(
        "SELECT user_name, granted_role_name FROM system.role_grants "
        "WHERE user_name IS NOT NULL AND startsWith(granted_role_name, {prefix:String}) ORDER BY ALL",
        parameters={"prefix": PREFIX},
    ).result_rows
    return applied, [(str(user), str(role)) for user, role in holders if user not in access.users]
