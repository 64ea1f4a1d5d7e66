"""Superset's configuration. Runs in Superset's environment; MILLRACE_BI_HOME names the folder that bi/home.py keeps."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from quicker import mend
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import QueuePool
from superset.config import THEME_DARK as _DARK  # which are set where it reads this file
from superset.config import THEME_DEFAULT as _LIGHT
from superset.utils.log import DBEventLogger

HOME = Path(os.environ["MILLRACE_BI_HOME"])
_SECRETS = json.loads((HOME / "secrets.json").read_text())

SECRET_KEY = _SECRETS["key"]
SQLALCHEMY_DATABASE_URI = os.environ.get(
    "MILLRACE_BI_METADATA", f"sqlite:///{HOME / 'superset.db'}?check_same_thread=false"
)
# Connections are kept: the last one that is closed would write everything back into the database file, at each request.
SQLALCHEMY_ENGINE_OPTIONS = {"poolclass": QueuePool, "pool_size": 8, "pool_pre_ping": True}
LOG_LEVEL = "INFO"


@event.listens_for(Engine, "connect")
def _without_waiting_for_the_disk(connection, _record):
    """Two processes read and write it, and each answer is written down: what a power cut loses of that, is lost."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")


def _files(name: str, seconds: int) -> dict[str, object]:
    return {
        "CACHE_TYPE": "FileSystemCache",
        "CACHE_DIR": str(HOME / "cache" / name),
        "CACHE_DEFAULT_TIMEOUT": seconds,
        "CACHE_THRESHOLD": 2000,
        "CACHE_KEY_PREFIX": f"{name}_",
    }


_DAY = 86_400
CACHE_CONFIG = _files("metadata", 300)
DATA_CACHE_CONFIG = _files("data", 300)
FILTER_STATE_CACHE_CONFIG = _files("filter_state", 30 * _DAY)
EXPLORE_FORM_DATA_CACHE_CONFIG = _files("explore", 7 * _DAY)
THUMBNAIL_CACHE_CONFIG = _files("thumbnails", 7 * _DAY)
RATELIMIT_STORAGE_URI = "memory://"  # each process counts for itself: of two, twice as many attempts to log in

FEATURE_FLAGS = {
    "ALERT_REPORTS": True,
    "CHART_PLUGINS_EXPERIMENTAL": True,  # a number with its change: pop_kpi
    "DASHBOARD_RBAC": True,
    "EMBEDDED_SUPERSET": True,
    "ENABLE_TEMPLATE_PROCESSING": True,  # row-level rules that name the user
}
GUEST_ROLE_NAME = "Embedded viewer"
GUEST_TOKEN_JWT_SECRET = _SECRETS["guest_key"]
GUEST_TOKEN_JWT_EXP_SECONDS = 300

TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        # No other host: the built pages would ask one for a picture that counts them.
        "img-src": ["'self'", "blob:", "data:"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'", "blob:"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
        "frame-ancestors": ["'self'", *os.environ.get("MILLRACE_BI_ORIGINS", "").split()],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,  # on loopback; TLS is the business of what stands before it
    "session_cookie_secure": False,
    "frame_options": None,  # frame-ancestors says it
}

ROW_LIMIT = 50_000
CSV_EXPORT = {"encoding": "utf-8-sig"}

_BRAND = json.loads(os.environ.get("MILLRACE_BI_BRAND", "{}"))
APP_NAME = _BRAND.get("brandAppName", "Millrace")
THEME_DEFAULT = {**_LIGHT, "token": {**_LIGHT["token"], **_BRAND}}
THEME_DARK = {**_DARK, "token": {**_DARK["token"], **_BRAND}}


def rows_of(name):
    """Which rows somebody sees, as a condition: none, unless bi/people.py wrote down which. A guest has the name of a
    project, as no person can; that their token has it, Superset's signature says."""
    if name and name.startswith("project:"):
        projects = [name.removeprefix("project:")]
    else:
        try:
            projects = json.loads((HOME / "rows.json").read_text()).get(name, [])
        except (OSError, ValueError):
            projects = []
    if projects == "all":
        return "1 = 1"
    known = [one for one in projects if re.fullmatch(r"[A-Za-z0-9_-]+", one)]
    # What is of no project is everybody's, as for users of ClickHouse itself: the unknown row of a dimension, a check.
    return "project_id IN (" + ", ".join(f"'{one}'" for one in ("", *known)) + ")" if known else "1 = 0"


PARTS = (
    *("execute_sql", "load_into_dataframe", "QueryObject.post_processing", "_get_data_response"),
    *("ChartDataRestApi.json_dumps", "csrf_token"),
)
LOG_DAYS = 90


class _Uses(DBEventLogger):
    """What people do, with the names of guests; not how long parts of an answer took, which was five times as much, and
    of which each made the request read again what it had read. What is long ago goes: each sync copies it before."""

    pruned = None

    def log_with_context(self, action, *rest, **more):
        if action not in PARTS:
            super().log_with_context(action, *rest, **more)

    def log(self, user_id, action, *rest, records=(), **more):
        from flask import g
        from superset.commands.logs.prune import LogPruneCommand
        from superset.extensions import security_manager

        if user_id is None:
            guest = g.user.username if security_manager.is_guest_user(g.get("user")) else ""
            records = [{**one, "guest": guest} for one in records]
        super().log(user_id, action, *rest, records=records, **more)
        if self.pruned != (today := datetime.now(UTC).date()):
            self.pruned = today
            LogPruneCommand(LOG_DAYS, max_rows_per_run=100_000).run()


EVENT_LOGGER = _Uses()
JINJA_CONTEXT_ADDONS = {"rows_of": rows_of}


def DB_CONNECTION_MUTATOR(uri, params, username, security_manager, source):  # Superset's name
    """Where ClickHouse is and as whom it is read, as of now: in Superset's metadata stands no password."""
    if not uri.drivername.startswith("clickhousedb"):
        return uri, params
    target = json.loads((HOME / "clickhouse.json").read_text())
    # Names mean columns, whatever aliases say: `('demo' AS project_id) = 'demo'`, which whoever explores may write into
    # a condition, would else make the rule of rows true of every row.
    query = {**uri.query, "prefer_column_name_to_alias": "1", **({"secure": "true"} if target["secure"] else {})}
    return uri.set(
        host=target["host"], port=target["port"], username=target["user"], password=target["password"], query=query
    ), params


def FLASK_APP_MUTATOR(app):  # Superset's name
    from superset.common.query_context_factory import QueryContextFactory
    from superset.daos.chart import ChartDAO
    from superset.db_engine_specs.clickhouse import ClickHouseBaseEngineSpec
    from superset.utils.hashing import hash_from_str

    # In ClickHouse an alias shadows the column of its name, in WHERE too: `toMonday(day) AS day … WHERE day >= x`
    # leaves out the week in which the range begins, and by year all of it. Up to 6.0 every alias had a suffix.
    ClickHouseBaseEngineSpec._mutate_label = staticmethod(lambda label: f"{label}_{hash_from_str(label)[:6]}")
    # Whether a guest changed what a chart asks for is judged by the chart as it is saved. 6.1.0 looks for it through
    # the guest's own filter, finds none, and judges nothing.
    QueryContextFactory._get_slice = lambda self, slice_id: ChartDAO.find_by_id(slice_id, skip_base_filter=True)
    _find_computed_columns()
    _refuse_tables_in_expressions()
    mend()


def _find_computed_columns():
    """Where rows are asked for as they are, Superset looks a column up by its name in quotes, after sqlglot has put
    others around it: one that a dataset computes was not found, and asked of ClickHouse, which does not have it."""
    from superset.models.helpers import ExploreMixin

    process = ExploreMixin._process_select_expression
    ExploreMixin._process_select_expression = lambda self, expression, **more: (
        expression if re.fullmatch("`[^`]+`", expression or "") else process(self, expression=expression, **more)
    )


def _refuse_tables_in_expressions():
    """Superset refuses sub-queries in what people write into a chart, since no rule reaches them. In ClickHouse a table
    can be named without one: `x IN marts.dim_users`, `globalIn(x, dim_users)`, `joinGet('dim_users', …)`."""
    from sqlglot import exp
    from superset.sql.parse import SQLStatement

    naming = re.compile(r"(global)?(not)?(null)?in(ignoreset)?|(join|dict)get.*|dicthas", re.IGNORECASE)
    sub_query = SQLStatement.has_subquery

    def names_a_table(node):
        if isinstance(node, exp.In):
            looked_in = [node.args["field"]] if node.args.get("field") else node.expressions
            return len(looked_in) == 1 and isinstance(looked_in[0], (exp.Column, exp.Anonymous))
        return isinstance(node, exp.Anonymous) and bool(naming.fullmatch(node.name))

    SQLStatement.has_subquery = lambda self: sub_query(self) or any(map(names_a_table, self._parsed.walk()))
