"""What Superset 6.1 does anew for every chart, though nothing of it is another than it was for the chart before: it is
done once, or not at all. Decision 071 has what it cost."""

from __future__ import annotations

import json
from functools import lru_cache

CONNECTIONS = 8  # of one process: as many as it has threads
KEPT_SECONDS = 300
KEPT_STATEMENTS = 500


def mend():
    _keep_connections()
    _look_for_rules_without_asking()
    _know_keys_without_the_statement()
    _parse_once()
    _render_templates_alone()


def _keep_connections():
    """Each question was asked over a connection of its own, which asked the server four things before."""
    from sqlalchemy.pool import QueuePool
    from superset.models import core

    made = core.create_engine

    @lru_cache(maxsize=16)
    def kept(url, arguments):
        # Without sessions of the server: one that a question has not left yet refuses the next.
        return made(
            url.update_query_dict({"autogenerate_session_id": "false"}),
            poolclass=QueuePool,
            pool_size=CONNECTIONS,
            pool_recycle=KEPT_SECONDS,
            connect_args=json.loads(arguments),
        )

    def engine_of(url, **arguments):
        if not url.drivername.startswith("clickhousedb"):
            return made(url, **arguments)
        return kept(url, json.dumps(arguments.get("connect_args", {}), sort_keys=True))

    core.create_engine = engine_of


def _look_for_rules_without_asking():
    """Of a dataset that is SQL Superset looks for the rules of the tables in it, at each question, also at one that its
    cache answers: it parsed the SQL anew, and asked ClickHouse over a connection of its own which schema is meant."""
    from superset.db_engine_specs.clickhouse import ClickHouseBaseEngineSpec
    from superset.exceptions import SupersetParseError
    from superset.sql.parse import SQLScript
    from superset.utils import rls

    @lru_cache(maxsize=1000)
    def tables_of(sql, engine):
        return {table for statement in SQLScript(sql, engine=engine).statements for table in statement.tables}

    def rules_of(sql, database, catalog, schema):
        try:
            found = tables_of(sql, database.db_engine_spec.engine)
        except SupersetParseError:  # it is refused when it is asked
            return []
        tables, default = {one.qualify(catalog=catalog, schema=schema) for one in found}, database.get_default_catalog()
        return sorted({rule for one in tables for rule in rls.get_predicates_for_table(one, database, default)})

    rls.collect_rls_predicates_for_sql = rules_of
    ClickHouseBaseEngineSpec.get_default_schema = classmethod(
        lambda cls, database, catalog: database.url_object.database
    )


def _know_keys_without_the_statement():
    """What rules become is part of the key of an answer. To know it the whole statement was written, also where the
    cache has the answer: more than half of the work of such a chart. Rules are rendered all the same, each time."""
    from superset.connectors.sqla.models import SqlaTable
    from superset.extensions import security_manager
    from superset.utils import rls

    written = SqlaTable.get_extra_cache_keys

    def keys_of(table, query):
        texts = [table.sql, table.fetch_values_predicate, str(query)]
        texts += [one.expression for one in (*table.columns, *table.metrics)]
        if any("{{" in text or "{%" in text for text in filter(None, texts)):
            return written(table, query)  # what else is a template, only the statement tells
        found = []
        templates = table.get_template_processor(extra_cache_keys=found)
        for rule in security_manager.get_rls_filters(table):
            templates.process_template(rule.clause)
        if table.sql:
            schema = table.schema or table.database.get_default_schema(table.catalog) or ""
            found += rls.collect_rls_predicates_for_sql(table.sql, table.database, table.catalog, schema)
        return list(set(found))

    SqlaTable.get_extra_cache_keys = keys_of


def _parse_once():
    """Each statement was parsed when it was written and when it was asked; SQL of a dataset twice more before."""
    from superset.sql.parse import SQLStatement

    parse = SQLStatement._parse.__func__

    @lru_cache(maxsize=KEPT_STATEMENTS)
    def parsed(script, engine):
        return tuple(parse(SQLStatement, script, engine))

    # Copies, since rules are written into what was parsed.
    SQLStatement._parse = classmethod(lambda _, script, engine: [one and one.copy() for one in parsed(script, engine)])


def _render_templates_alone():
    """Jinja compiled each text that it was given, also without anything to render in it."""
    from superset.jinja_context import BaseTemplateProcessor

    render = BaseTemplateProcessor.process_template
    BaseTemplateProcessor.process_template = lambda self, text, **more: (
        render(self, text, **more) if "{" in text else text
    )
