"""SQLAlchemy's dialect that Great Expectations takes for ClickHouse; over HTTP, with the project's query settings.

GX goes by the dialect's name `clickhouse`, and then imports the package clickhouse_sqlalchemy, which needs an old
SQLAlchemy. clickhouse-connect has a dialect of today under another name: it is given that name here, and what GX looks
for in the old package is made of its parts.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from clickhouse_connect.cc_sqlalchemy.datatypes import sqltypes
from clickhouse_connect.cc_sqlalchemy.datatypes.base import sqla_type_from_name
from clickhouse_connect.cc_sqlalchemy.dialect import ClickHouseDialect as Connect
from sqlalchemy.dialects import registry

from warehouse.connection import Endpoint
from warehouse.query_settings import QUERY_SETTINGS

PACKAGE = "clickhouse_sqlalchemy"
_endpoints: dict[str, Endpoint] = {}


class MillraceDialect(Connect):
    name = "clickhouse"
    driver = "millrace"
    supports_statement_cache = False  # hardly one is sent twice

    def create_connect_args(self, url: Any) -> tuple[list[Any], dict[str, Any]]:
        """GX keeps and shows URLs: they name an endpoint, and its password is known here alone."""
        from clickhouse_connect.driver.httputil import get_pool_manager

        target = _endpoints[str(url.host)]
        return [], {
            "host": target.host,
            "port": target.http_port,
            "secure": target.secure,
            "username": target.user,
            "password": target.password,
            "pool_mgr": get_pool_manager(),  # else a proxy of the environment would be used, and be given the login
            "autogenerate_session_id": False,
            **{f"ch_{name}": value for name, value in QUERY_SETTINGS.items()},
        }

    def _get_column_type(self, name: str, spec: str) -> Any:
        return sqla_type_from_name(spec)


class _Nullable:
    """GX asks whether a type is one; clickhouse-connect has unwrapped it by then."""

    nested_type = None


def url_of(target: Endpoint) -> str:
    """A URL for GX, good in this process."""
    _register()
    name = f"warehouse-{target.http_port}"
    _endpoints[name] = target
    return f"clickhouse+millrace://{name}/default"


def _register() -> None:
    if PACKAGE in sys.modules:
        return
    package, drivers, base, types = (ModuleType(PACKAGE + part) for part in ("", ".drivers", ".drivers.base", ".types"))
    for name, value in vars(sqltypes).items():
        if isinstance(value, type):
            setattr(types, name, value)
            setattr(base, name, value)
    vars(types)["Nullable"] = _Nullable
    vars(base).update(types=types, ClickHouseDialect=MillraceDialect, dialect=MillraceDialect)
    vars(package).update(drivers=drivers, types=types)
    vars(drivers)["base"] = base
    sys.modules.update({module.__name__: module for module in (package, drivers, base, types)})
    registry.register("clickhouse.millrace", __name__, "MillraceDialect")
    registry.register("clickhouse", __name__, "MillraceDialect")
