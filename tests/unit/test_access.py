"""access.yaml: what it may say. What it does is in tests/integration/test_access.py."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from pydantic import SecretStr

from tests.support import Instance
from warehouse.access.model import FILTERED_DATABASES, Access, load_access
from warehouse.access.sql import access_statements
from warehouse.access.users_xml import users_xml
from warehouse.errors import MillraceError
from warehouse.projects import load_projects

ROLES = """
roles:
  admin: {description: All, database: ops, grants: [ALL ON *.* WITH GRANT OPTION]}
  reader:
    {description: R, database: marts, read_only: true, grants: [SELECT ON marts.*], limits: {max_memory_usage: 4GiB}}
"""
ADMIN = "users:\n  admin: {role: admin, projects: all}\n"


def declare(instance: Instance, text: str) -> Access:
    (instance.project_dir / "access.yaml").write_text(text)
    settings = instance.settings
    return load_access(settings, load_projects(settings))


def test_limits_take_sizes_and_users_projects(instance: Instance) -> None:
    access = declare(instance, ROLES + ADMIN + "  anna: {role: reader, projects: [demo, demo_mobile]}\n")
    assert access.roles["reader"].limits == {"max_memory_usage": 4 * 1024**3}
    assert access.filter_of("anna", "raw") == "project_id IN ('demo', 'demo_mobile')"
    assert access.filter_of("admin", "raw") is None


def test_rows_of_no_project_are_everybodys_in_marts_alone(instance: Instance) -> None:
    access = declare(instance, ROLES + ADMIN + "  anna: {role: reader, projects: [demo]}\n")
    shown = {database for database in FILTERED_DATABASES if "''" in str(access.filter_of("anna", database))}
    assert shown == {"marts"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROLES + "users:\n  anna: {role: reader, projects: all}\n", "must keep a user `admin`"),
        (
            ROLES + ADMIN + "  anna: {role: raeder, projects: all}\n",
            "users.anna: there is no role 'raeder'; did you mean 'reader'?",
        ),
        (
            ROLES + ADMIN + "  anna: {role: reader, projects: [dmo]}\n",
            "users.anna: there is no project 'dmo'; did you mean 'demo'?",
        ),
        (ROLES + ADMIN + "  anna: {role: reader, projects: []}\n", "users.anna: projects is empty"),
        (ROLES + ADMIN + "  anna: {role: reader}\n", "users.anna.projects: Field required"),
        (
            ROLES + ADMIN + "  default: {role: reader, projects: all}\n",
            "users.default: this name is the local server's own",
        ),
        (ROLES + ADMIN + "  'x y': {role: reader, projects: all}\n", "'x y' is not a valid name"),
        (ROLES.replace("SELECT ON marts.*", "SELECT ON marts.* TO root; DROP TABLE x") + ADMIN, "is not a grant"),
        (
            ROLES.replace("[SELECT ON marts.*]", "[SELECT ON marts.*, ALL ON *.* WITH GRANT OPTION]") + ADMIN,
            "at all grants",
        ),
        (ROLES.replace("4GiB", "lots") + ADMIN, "'lots' is not a number or a size"),
        (ROLES.replace("read_only", "readonly") + ADMIN, "roles.reader.readonly: Extra inputs are not permitted"),
        ("roles: [", "is not valid YAML"),
        (ROLES + ADMIN + "  admin: {role: reader, projects: all}\n", "is not valid YAML: 'admin' stands twice"),
        (ROLES.replace("  reader:", "  default:") + ADMIN, "roles.default: this name is the local server's own"),
    ],
)
def test_a_mistake_is_named_with_its_place(instance: Instance, text: str, said: str) -> None:
    with pytest.raises(MillraceError) as error:
        declare(instance, text)
    assert str(instance.project_dir / "access.yaml") in error.value.message
    assert said in error.value.message


PEOPLE = "people:\n  anna: {role: business, projects: [demo], email: anna@example.com}\n"


def test_people_have_a_role_and_projects(instance: Instance) -> None:
    access = declare(instance, ROLES + ADMIN + PEOPLE)
    assert (access.people["anna"].role, access.people["anna"].projects) == ("business", ("demo",))
    assert "anna" not in access.users  # who logs in to Superset has no login of ClickHouse


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("business", "busines", "people.anna.role"),
        ("[demo]", "[dmo]", "people.anna: there is no project 'dmo'; did you mean 'demo'"),
        ("[demo]", "[]", "people.anna: projects is empty"),
        ("business", "analyst", "people.anna: the role analyst may write SQL, which no rule of rows reaches"),
        ("business", "admin", "people.anna: the role admin may write SQL"),
        ("anna@example.com", "anna", "people.anna.email"),
        ("anna:", "admin:", "people.admin: this person is there by itself"),
    ],
)
def test_what_people_may_not_be_is_said(instance: Instance, right: str, wrong: str, said: str) -> None:
    with pytest.raises(MillraceError) as error:
        declare(instance, ROLES + ADMIN + PEOPLE.replace(right, wrong, 1))
    assert said in error.value.message


def test_users_xml_holds_hashes_and_escapes_what_it_is_given(instance: Instance) -> None:
    access = declare(instance, ROLES + ADMIN)
    document = users_xml(access, {"admin": SecretStr('<geheim> & "co"')})
    tree = ElementTree.fromstring(document)
    assert "geheim" not in document
    assert [user.tag for user in tree.find("users") or ()] == ["default", "admin"]
    assert tree.findtext("profiles/default/join_use_nulls") == "1"
    assert tree.findtext("profiles/reader/readonly") == "2"


def test_the_shipped_file_gives_readers_marts_only(instance: Instance) -> None:
    settings = instance.settings
    access = load_access(settings, load_projects(settings))
    assert set(access.roles) == {
        "admin",
        "engineer",
        "analyst",
        "historian",
        "bi",
        "loader",
        "observer",
        "exporter",
        "alerter",
        "monitor",
        "modeler",
    }
    for role in ("analyst", "bi"):
        assert access.roles[role].read_only
        assert access.roles[role].limits
    assert access.roles["analyst"].grants == ("SELECT ON marts.*",)
    # Operations has a dashboard; of people's questions, alerts and raw events it shows nothing.
    marts, *others = access.roles["bi"].grants
    assert marts == "SELECT ON marts.*"
    assert all(grant.startswith("SELECT ON ops.") for grant in others)
    assert not {"SELECT ON ops.*", "SELECT ON ops.questions", "SELECT ON ops.slow_queries"} & set(others)


def test_a_quota_is_of_one_user_on_both_kinds_of_server(instance: Instance) -> None:
    quota = "quota: {hours: 2, queries: 100, read_rows: 1000000, seconds: 60}"
    access = declare(instance, ROLES + ADMIN + f"  anna: {{role: reader, projects: [demo], {quota}}}\n")
    passwords = {name: SecretStr("x") for name in ("admin", "anna")}
    root = ElementTree.fromstring(users_xml(access, passwords))
    name = root.findtext("users/anna/quota")
    assert {limit.tag: limit.text for limit in root.find(f"quotas/{name}/interval") or ()} == {
        "duration": "7200",
        "queries": "100",
        "read_rows": "1000000",
        "execution_time": "60",
    }
    assert root.findtext("users/admin/quota") == "default"
    statements = [one.sql for one in access_statements(access, passwords) if "QUOTA" in one.sql]
    assert statements == [
        "CREATE QUOTA OR REPLACE millrace_admin FOR INTERVAL 1 HOUR NO LIMITS TO admin",
        "CREATE QUOTA OR REPLACE millrace_anna FOR INTERVAL 2 HOUR MAX queries = 100, read_rows = 1000000, "
        "execution_time = 60 TO anna",
    ]
    with pytest.raises(MillraceError, match="a quota limits something"):
        declare(instance, ROLES + ADMIN + "  anna: {role: reader, projects: [demo], quota: {hours: 1}}\n")
