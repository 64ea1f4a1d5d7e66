"""Roles, people and the rule of rows in Superset's metadata, as bi/people.py tells on standard input. Can be run again.

Told: {"people": [{"name", "role", "email", "password"}], "datasets": [uuid], "of_projects": [uuid]}; the latter have
rows of projects, and so the rule.
"""

from __future__ import annotations

import json
import sys

from superset.app import create_app

GUEST = "Embedded viewer"  # as superset_config.py names it
DECLARED = "Declared in access.yaml"  # of every such person; it permits nothing
RULE = "Rows of their projects"
# What it becomes is part of the key of what is cached: one person's rows are never another's, nor those of yesterday.
CLAUSE = "{{ cache_key_wrapper(rows_of(current_username(add_to_cache_keys=False))) }}"
# What reading dashboards needs, and nothing by which a guest could ask for more than their charts do.
OF_GUESTS = {
    ("can_read", "Dashboard"),
    ("can_read", "Chart"),
    ("can_read", "Dataset"),
    ("can_read", "EmbeddedDashboard"),
    ("can_read", "CurrentUserRestApi"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_read", "Theme"),
    ("can_dashboard", "Superset"),
    ("can_explore_json", "Superset"),
    ("can_csv", "Superset"),
    ("can_log", "Superset"),
    ("can_time_range", "Api"),
    ("can_query_form_data", "Api"),
    ("can_query", "Api"),
}
# Business users make charts and dashboards of what is there; what is there, others say.
MADE_BY_OTHERS = {("can_write", "Dataset"), ("can_write", "Database")}


def main() -> None:
    told = json.load(sys.stdin)
    with create_app().app_context():
        # What needs an application to be imported.
        from superset import db
        from superset.connectors.sqla.models import SqlaTable
        from superset.extensions import security_manager as security

        tables = db.session.query(SqlaTable).filter(SqlaTable.uuid.in_(told["datasets"])).all()
        of_projects = [table for table in tables if str(table.uuid) in told["of_projects"]]
        keep_people(security, told["people"], make_roles(security, tables, of_projects))
        keep_rule(db.session, of_projects)
        db.session.commit()


def make_roles(security, tables, of_projects):
    def made(name, views):
        found = security.find_role(name) or security.add_role(name)
        found.permissions = list({view.id: view for view in views}.values())
        return found

    def access(some):
        return [security.add_permission_view_menu("datasource_access", table.get_perm()) for table in some]

    def named(view):
        return view.permission.name, view.view_menu.name

    gamma, sql_lab = security.find_role("Gamma").permissions, security.find_role("sql_lab").permissions
    databases = {table.database.id: table.database for table in tables}.values()
    sources = [security.add_permission_view_menu("database_access", one.perm) for one in databases]
    looking = [view for view in gamma if named(view) not in MADE_BY_OTHERS]
    made(GUEST, [view for view in gamma if named(view) in OF_GUESTS])
    return {
        "business": made("Business", [*looking, *access(of_projects)]),
        "analyst": made("Analyst", [*gamma, *sql_lab, *access(tables), *sources]),
        "admin": security.find_role("Admin"),
        DECLARED: made(DECLARED, []),
    }


def keep_people(security, people, roles) -> None:
    declared, names = roles[DECLARED], {person["name"] for person in people}
    for user in security.get_all_users():
        # Who is declared no more: their charts stay, they do not come in. Their address may be somebody else's now.
        if declared in user.roles and user.username not in names:
            user.active, user.roles = False, [declared]
            user.email = f"{user.username}@not-declared.invalid"
    for person in people:
        name, email, wanted = person["name"], person["email"], roles[person["role"]]
        user = security.find_user(name)
        if user is None:
            user = security.add_user(name, name, "", email, wanted, password=person["password"])
            if not user:
                sys.exit(f"{name} cannot be added: has somebody else the address {email}?")
        else:
            security.reset_password(user.id, person["password"])
        user.roles, user.active, user.email = [wanted, declared], True, email


def keep_rule(session, of_projects) -> None:
    from superset.connectors.sqla.models import RowLevelSecurityFilter
    from superset.utils.core import RowLevelSecurityFilterType

    rule = session.query(RowLevelSecurityFilter).filter_by(name=RULE).one_or_none()
    if rule is None:
        rule = RowLevelSecurityFilter(name=RULE, description="As access.yaml says of people: `millrace bi people`.")
        session.add(rule)
    rule.filter_type, rule.clause, rule.group_key = RowLevelSecurityFilterType.BASE, CLAUSE, None
    rule.tables, rule.roles = of_projects, []


main()
