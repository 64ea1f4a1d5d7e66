"""`access.yaml` as users.xml: how users of the local server are declared, which has no writable access storage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from xml.sax.saxutils import escape

from pydantic import SecretStr

from warehouse.access.model import FILTERED_DATABASES, Access, Quota, Role
from warehouse.query_settings import QUERY_SETTINGS

# The engine's own session logs in as `default` with an empty password over loopback. It gets what it needs and no more:
# no file, no table, one session at a time, which it holds itself. The quota stops what the session limit lets pass.
SESSION_GRANTS = ("SYSTEM LISTEN ON *.*", "CREATE TEMPORARY TABLE ON *.*")
SESSION_QUERIES = 3
LONGEST_INTERVAL_SECONDS = 2**31 - 1  # one second more, and the server does not start


# The engine of the wheel can also read Python objects of its process. Asked for one as a server, it crashes.
FIXED_SETTINGS = {"allow_python_table_function": 0}
LOCAL_SETTINGS = {**QUERY_SETTINGS, **FIXED_SETTINGS}


def users_xml(access: Access, passwords: Mapping[str, SecretStr]) -> str:
    """The whole users.xml. Passwords stand in it as SHA-256 only."""
    return "".join(
        (
            "<clickhouse>",
            "<profiles>",
            _element("default", _settings(LOCAL_SETTINGS) + _constraints(dict.fromkeys(FIXED_SETTINGS, "<const/>"))),
            _element("session", "<profile>default</profile><max_sessions_for_user>1</max_sessions_for_user>"),
            *(_element(name, _profile(role)) for name, role in access.roles.items()),
            "</profiles>",
            "<roles>",
            *(_element(name, _grants(role.grants)) for name, role in access.roles.items()),
            "</roles>",
            "<users>",
            _session_user(),
            *(_user(access, name, passwords[name]) for name in access.users),
            "</users>",
            "<quotas><default></default><session><interval>",
            _settings({"duration": LONGEST_INTERVAL_SECONDS, "queries": SESSION_QUERIES}),
            "</interval></session>",
            *(
                _element(_quota_name(access, name), _quota(user.quota))
                for name, user in access.users.items()
                if user.quota
            ),
            "</quotas>",
            "</clickhouse>",
        )
    )


def _session_user() -> str:
    return _element(
        "default",
        "<password></password><networks><ip>127.0.0.1</ip></networks>"
        f"<profile>session</profile><quota>session</quota>{_grants(SESSION_GRANTS)}",
    )


def _user(access: Access, name: str, password: SecretStr) -> str:
    role = access.users[name].role
    # Never `default`: here that database also holds the file system, and asks for READ ON FILE at any unknown name.
    database = access.roles[role].database
    digest = hashlib.sha256(password.get_secret_value().encode()).hexdigest()
    return _element(
        name,
        f"<password_sha256_hex>{digest}</password_sha256_hex><networks><ip>::/0</ip></networks>"
        f"<profile>{role}</profile><quota>{_quota_name(access, name)}</quota>"
        f"<default_database>{database}</default_database>"
        f"<grants><query>GRANT {role}</query></grants>"
        f"{_row_filters(access, name)}",
    )


def _quota_name(access: Access, user: str) -> str:
    return f"of_{user}" if access.users[user].quota else "default"


def _quota(quota: Quota) -> str:
    return _element("interval", _settings({"duration": quota.hours * 3600, **quota.limits}))


def _row_filters(access: Access, user: str) -> str:
    # A <table> with an empty name is a policy on every table of the database, also on those made later.
    filters = "".join(
        _element(database, f'<table name=""><filter>{escape(condition)}</filter></table>')
        for database in FILTERED_DATABASES
        if (condition := access.filter_of(user, database))
    )
    return filters and _element("databases", filters)


def _profile(role: Role) -> str:
    settings: dict[str, int | str] = {"profile": "default", **role.limits}
    if role.read_only:
        # 2: may set a setting (drivers do), within the constraints, but write nothing.
        settings["readonly"] = 2
    # At least 1: with most limits 0 means none at all.
    return _settings(settings) + _constraints({name: f"<min>1</min><max>{n}</max>" for name, n in role.limits.items()})


def _constraints(constraints: Mapping[str, str]) -> str:
    return _element("constraints", "".join(_element(name, rule) for name, rule in constraints.items()))


def _grants(grants: tuple[str, ...]) -> str:
    return _element("grants", "".join(f"<query>GRANT {escape(grant)}</query>" for grant in grants))


def _settings(settings: Mapping[str, int | str]) -> str:
    return "".join(_element(name, escape(str(value))) for name, value in settings.items())


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"
