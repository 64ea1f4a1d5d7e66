"""Who sees what in Superset: a person of one project sees no row of another, whichever way they ask."""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from bi.client import Client, Refused
from bi.embedding import Embedded, Guest, embedded, guest_token
from tests.truths.running_superset import RunningSuperset
from tests.workbooks import read_workbook

PEOPLE = """
people:
  anna: {role: business, projects: [demo], email: anna@example.com}
  mia: {role: business, projects: [demo_mobile], email: mia@example.com}
  ben: {role: analyst, projects: all, email: ben@example.com}
"""
OF = {"anna": {"demo"}, "mia": {"demo_mobile"}, "ben": {"demo", "demo_mobile"}}
SESSIONS = "SELECT project_id, count() FROM marts.fct_sessions GROUP BY 1"


@dataclass
class People:
    superset: RunningSuperset
    clients: dict[str, Client]
    sessions: int  # the dataset
    counts: dict[str, int]  # sessions of each project, by plain SQL

    def asked(self, **more: Any) -> dict[str, Any]:
        query = {"columns": ["project_id"], "metrics": [COUNT], "row_limit": 100}
        return {
            "datasource": {"id": self.sessions, "type": "table"},
            "queries": [{**query, **more}],
            "result_format": "json",
            "result_type": "full",
        }

    def seen(self, client: Client, **more: Any) -> dict[str, int]:
        rows = client.ask("POST", "chart/data", self.asked(**more))["result"][0]["data"]
        return {row["project_id"]: row["n"] for row in rows}


COUNT = {"expressionType": "SQL", "sqlExpression": "count()", "label": "n"}


@pytest.fixture(scope="module")
def people(superset: RunningSuperset) -> Iterator[People]:
    path = superset.instance.project_dir / "access.yaml"
    text = path.read_text()
    path.write_text(text + PEOPLE)
    told = superset.instance.json("bi", "people")
    assert [one["name"] for one in told] == list(OF)
    passwords = json.loads(superset.service.home.passwords_file.read_text())
    datasets = {one.name: one.id for one in superset.bundle.datasets}
    counts = dict(map(tuple, superset.instance.rows(SESSIONS)))
    assert set(counts) == {"demo", "demo_mobile"}
    try:
        yield People(
            superset,
            {name: Client(superset.url, name, passwords[name]) for name in OF},
            superset.id_of("dataset", datasets["sessions"]),
            counts,
        )
    finally:
        path.write_text(text)
        superset.instance.json("bi", "people")


def refused(client: Client, method: str, path: str, body: Any = None) -> int:
    """The status with which it is."""
    with pytest.raises(Refused) as error:
        client.ask(method, path, body)
    return error.value.status


@pytest.mark.parametrize("name", OF)
def test_each_sees_the_rows_of_their_projects_also_out_of_the_cache(people: People, name: str) -> None:
    expected = {project: people.counts[project] for project in OF[name]}
    for _ in range(2):
        assert people.seen(people.superset.client) == people.counts
        assert people.seen(people.clients[name]) == expected


@pytest.mark.parametrize(("name", "first"), [("anna", "demo"), ("mia", "demo_mobile"), ("ben", "demo")])
def test_dashboards_open_with_a_project_that_one_may_see(people: People, name: str, first: str) -> None:
    """What their filter asks for; that charts have its first answer, tests/long/truths/test_dashboard_pages.py sees."""
    (dataset,) = [one for one in people.superset.bundle.datasets if one.name == "projects"]
    asked = {
        **people.asked(metrics=["order_of_projects"], orderby=[["order_of_projects", False]]),
        "datasource": {"id": people.superset.id_of("dataset", dataset.id), "type": "table"},
    }
    rows = people.clients[name].ask("POST", "chart/data", asked)["result"][0]["data"]
    assert rows[0]["project_id"] == first


def test_other_projects_count_at_once(people: People) -> None:
    path = people.superset.service.home.rows_file
    text = path.read_text()
    try:
        for projects, expected in ((["demo_mobile"], {"demo_mobile"}), ([], set()), ("all", {"demo", "demo_mobile"})):
            path.write_text(json.dumps({**json.loads(text), "anna": projects}))
            assert set(people.seen(people.clients["anna"])) == expected
    finally:
        path.write_text(text)
    assert set(people.seen(people.clients["anna"])) == {"demo"}


def test_every_dataset_with_projects_has_the_rows_of_ones_own(people: People) -> None:
    numbers = {row["uuid"]: row["id"] for row in people.clients["anna"].listed("dataset", ["id", "uuid"])}
    shown = [one for one in people.superset.bundle.datasets if one.id in numbers]
    assert len(shown) > 40 and all(one.has("project_id") for one in shown)
    for dataset in shown:
        asked = {**people.asked(), "datasource": {"id": numbers[dataset.id], "type": "table"}}
        rows = people.clients["anna"].ask("POST", "chart/data", asked)["result"][0]["data"]
        assert {row["project_id"] for row in rows} <= {"demo", ""}, dataset.name


@pytest.mark.parametrize("name", OF)
def test_files_have_no_other_rows(people: People, name: str) -> None:
    expected = {(project, people.counts[project]) for project in OF[name]}
    for format, rows_of in (("csv", csv_rows), ("xlsx", xlsx_rows)):
        _, *rows = rows_of(people.clients[name].file("chart/data", {**people.asked(), "result_format": format}))
        assert {(str(project), int(count)) for project, count in rows} == expected


def csv_rows(file: bytes) -> list[list[Any]]:
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))


def xlsx_rows(file: bytes) -> list[list[Any]]:
    (rows,) = read_workbook(file).sheets.values()
    return rows  # type: ignore[return-value] # cells of any type


@pytest.mark.parametrize(
    "expression",
    [
        "project_id IN marts.dim_dates",
        "project_id NOT IN dim_dates",
        "project_id GLOBAL IN (dim_dates)",
        "globalNotIn(project_id, dim_dates)",
        "arrayExists(one -> one IN marts.dim_dates, [project_id])",
        "joinGet('marts.dim_dates', 'date', 1) = 1",
        "project_id IN numbers(10)",
        "project_id = (SELECT max(project_id) FROM marts.dim_dates)",
        "EXISTS (SELECT 1 FROM marts.fct_sessions WHERE project_id = 'demo_mobile')",
    ],
)
def test_other_tables_are_not_asked_in_conditions_and_metrics(people: People, expression: str) -> None:
    for change in (
        {"extras": {"where": expression}},
        {"metrics": [{**COUNT, "sqlExpression": f"countIf({expression})"}]},
    ):
        with pytest.raises(Refused, match="cannot contain sub-queries"):
            people.seen(people.clients["anna"], **change)


def test_lists_are_still_conditions(people: People) -> None:
    lists = "project_id IN ('demo', 'other') AND device_type NOT IN ('toaster') AND has(['demo'], project_id)"
    assert people.seen(people.clients["anna"], extras={"where": lists}) == {"demo": people.counts["demo"]}


def test_what_the_cache_answers_asks_clickhouse_nothing(people: People) -> None:
    """Also of a dataset that is SQL, in which Superset looks for the rules of tables."""
    bundle, instance = people.superset.bundle, people.superset.instance
    dataset = next(one for one in bundle.datasets if one.sql and one.has("project_id"))
    number = people.superset.id_of("dataset", dataset.id)
    asked = {**people.asked(row_limit=98), "datasource": {"id": number, "type": "table"}}

    def queries_after_asking() -> int:
        people.clients["anna"].ask("POST", "chart/data", asked)
        instance.client().command("SYSTEM FLUSH LOGS query_log")
        ((count,),) = instance.rows("SELECT count() FROM system.query_log WHERE user = 'bi'")
        return int(count)

    first = queries_after_asking()
    assert first > 0
    assert queries_after_asking() == first


@pytest.mark.parametrize(
    "change",
    [
        {"extras": {"where": "1 = 1) OR (1 = 1"}},
        {"extras": {"where": "1 = 1 OR 1 = 1 /*"}},
        {"extras": {"where": "project_id IN (SELECT project_id FROM marts.fct_sessions)"}},
        {"extras": {"where": "project_id = 'demo_mobile'"}},
        {"filters": [{"col": "project_id", "op": "==", "val": "demo_mobile"}]},
        {
            "columns": [
                {**COUNT, "label": "project_id", "sqlExpression": "(SELECT max(project_id) FROM marts.dim_users)"}
            ]
        },
        {"extras": {"having": "1 = 1"}},
        # In ClickHouse an alias stands for what it names in WHERE as well, also one inside of an expression.
        {"extras": {"where": "('demo' AS project_id) = 'demo'"}},
        {"extras": {"having": "('demo' AS project_id) = 'demo'"}},
        {"columns": [{**COUNT, "label": "project_id", "sqlExpression": "'demo'"}]},
        {"columns": [{**COUNT, "label": "project_id", "sqlExpression": "concat('demo' AS project_id, '')"}]},
        {"columns": [{**COUNT, "label": "project_id", "sqlExpression": "'demo' AS project_id"}]},
        {"metrics": [{**COUNT, "sqlExpression": "count() + length('demo' AS project_id) - 4"}]},
        {"filters": [{"col": "project_id", "op": "IN", "val": ["{{ current_username() }}", "demo_mobile"]}]},
    ],
)
def test_a_tampered_question_finds_no_more(people: People, change: dict[str, Any]) -> None:
    try:
        found = people.seen(people.clients["anna"], **change)
    except Refused:
        return
    assert found in ({}, {"demo": people.counts["demo"]})


@pytest.mark.parametrize("kind", ["samples", "drill_detail"])
def test_rows_as_they_are_have_no_other_project(people: People, kind: str) -> None:
    asked = {**people.asked(columns=["project_id", "session_id"], metrics=[]), "result_type": kind}
    rows = people.clients["anna"].ask("POST", "chart/data", asked)["result"][0]["data"]
    assert rows and {row["project_id"] for row in rows} == {"demo"}


def test_only_analysts_write_sql_and_they_can_change_nothing(people: People) -> None:
    (database,) = [row["id"] for row in people.superset.client.listed("database", ["id"])]

    def sql(text: str) -> dict[str, Any]:
        return {"database_id": database, "schema": "marts", "sql": text, "client_id": uuid4().hex[:10]}

    select = "SELECT count() AS n FROM marts.fct_sessions"
    assert refused(people.clients["anna"], "POST", "sqllab/execute/", sql(select)) == 403
    found = people.clients["ben"].ask("POST", "sqllab/execute/", sql(select))
    assert found["data"] == [{"n": sum(people.counts.values())}]
    for text in ("DROP TABLE marts.fct_sessions", "INSERT INTO marts.fct_sessions SELECT * FROM marts.fct_sessions"):
        with pytest.raises(Refused):
            people.clients["ben"].ask("POST", "sqllab/execute/", sql(text))


def test_what_is_kept_by_the_repository_and_who_may_what_business_users_cannot_change(people: People) -> None:
    anna = people.clients["anna"]
    boards = anna.listed("dashboard", ["id", "slug"])
    assert {row["slug"] for row in boards} == {one.name.replace("_", "-") for one in people.superset.bundle.dashboards}
    assert refused(anna, "PUT", f"dashboard/{boards[0]['id']}", {"dashboard_title": "mine"}) == 403
    assert refused(anna, "DELETE", f"dataset/{people.sessions}") in (403, 404)
    assert refused(anna, "GET", "rowlevelsecurity/") in (401, 403, 404)
    assert refused(anna, "GET", "security/users/") in (401, 403, 404)
    assert refused(anna, "GET", "log/") in (401, 403, 404)


def test_a_new_dataset_is_for_nobody_but_who_may_see_all(people: People) -> None:
    admin = people.superset.client
    (database,) = [row["id"] for row in admin.listed("database", ["id"])]
    asked = {"database": database, "schema": "marts", "table_name": "mine", "sql": "SELECT * FROM marts.fct_sessions"}
    made = admin.ask("POST", "dataset/", asked)["id"]
    try:
        body = {**people.asked(), "datasource": {"id": made, "type": "table"}}
        assert refused(people.clients["anna"], "POST", "chart/data", body) == 403
    finally:
        admin.ask("DELETE", f"dataset/{made}")


def test_who_looked_at_what_can_be_asked_once_and_by_analysts(people: People) -> None:
    people.seen(people.clients["anna"])
    by_anna = "SELECT count() FROM ops.dashboard_uses FINAL WHERE person = 'anna' AND action = 'ChartDataRestApi.data'"
    counts = []
    for _ in range(2):
        people.superset.instance.json("bi", "sync")
        counts += people.superset.instance.rows(by_anna)
    assert counts[0] == counts[1] and counts[0][0] > 0
    uses = next(one.id for one in people.superset.bundle.datasets if one.name == "uses")
    dataset = {"id": people.superset.id_of("dataset", uses), "type": "table"}
    asked = {**people.asked(columns=["person"]), "datasource": dataset, "force": True}
    seen = people.clients["ben"].ask("POST", "chart/data", asked)["result"][0]["data"]
    assert {"person": "anna"}.items() <= next(row for row in seen if row["person"] == "anna").items()
    assert refused(people.clients["anna"], "POST", "chart/data", asked) == 403


def test_whoever_has_not_logged_in_gets_nothing(people: People) -> None:
    request = urllib.request.Request(
        f"{people.superset.url}/api/v1/chart/data",
        data=json.dumps(people.asked()).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    assert error.value.code in (400, 401, 403)


def test_who_is_declared_no_more_does_not_come_in(people: People) -> None:
    path = people.superset.instance.project_dir / "access.yaml"
    text = path.read_text()
    path.write_text(text.replace("  mia:", "  mio:"))
    try:
        people.superset.instance.json("bi", "people")
        passwords = json.loads(people.superset.service.home.passwords_file.read_text())
        assert people.seen(Client(people.superset.url, "mio", passwords["mio"])) == {
            "demo_mobile": people.counts["demo_mobile"]
        }
        with pytest.raises(Refused):
            people.clients["mia"].ask("POST", "chart/data", people.asked(row_limit=99))
    finally:
        path.write_text(text)
        people.superset.instance.json("bi", "people")


# Embedding


@pytest.fixture(scope="module")
def board(people: People) -> Embedded:
    return embedded(people.superset.client, "executive", [])


def saved_question(people: People, board: Embedded) -> dict[str, Any]:
    """Of the first chart of the dashboard: what its page asks for."""
    admin, bundle = people.superset.client, people.superset.bundle
    chart = next(c for d in bundle.dashboards if d.name == "executive" for c in d.charts if c.dataset.name == "orders")
    number = people.superset.id_of("chart", chart.id)
    question: dict[str, Any] = json.loads(admin.ask("GET", f"chart/{number}")["result"]["query_context"])
    dashboard = people.superset.id_of("dashboard", next(d.id for d in bundle.dashboards if d.name == "executive"))
    question["form_data"] = {**question.get("form_data", {}), "slice_id": number, "dashboardId": dashboard}
    question["force"] = True
    return question


def test_a_guest_sees_the_rows_of_the_project_of_the_token(people: People, board: Embedded) -> None:
    question = saved_question(people, board)

    def answer(client: Client) -> Any:
        return client.ask("POST", "chart/data", question)["result"][0]["data"]

    def guest(project: str) -> Guest:
        return Guest(people.superset.url, guest_token(people.superset.client, board, project))

    assert answer(guest("demo")) == answer(people.clients["anna"])
    assert answer(guest("demo_mobile")) == answer(people.clients["mia"])
    assert answer(guest("demo")) != answer(guest("demo_mobile"))
    everything = answer(people.superset.client)
    for nobody in ("another", "demo') OR 1 = 1 --", ""):
        assert answer(guest(nobody)) not in (everything, answer(guest("demo")))


def test_what_guests_looked_at_has_their_name(people: People, board: Embedded) -> None:
    question = saved_question(people, board)
    Guest(people.superset.url, guest_token(people.superset.client, board, "demo")).ask("POST", "chart/data", question)
    people.superset.instance.json("bi", "sync")
    uses = people.superset.instance.rows("SELECT DISTINCT person, action FROM ops.dashboard_uses")
    assert ("project:demo", "ChartDataRestApi.data") in set(map(tuple, uses))
    assert {action for _, action in uses}.isdisjoint(
        {"execute_sql", "load_into_dataframe", "ChartDataRestApi.json_dumps"}
    )


def test_a_guest_asks_for_nothing_but_what_the_charts_ask(people: People, board: Embedded) -> None:
    guest = Guest(people.superset.url, guest_token(people.superset.client, board, "demo"))
    question = saved_question(people, board)
    for change in ({"columns": ["user_id"]}, {"metrics": [COUNT]}):
        tampered = json.loads(json.dumps(question))
        tampered["queries"][0].update(change, post_processing=[])
        assert refused(guest, "POST", "chart/data", tampered) == 403
    assert refused(guest, "POST", "chart/data", {**question, "form_data": {}}) == 403
    assert refused(guest, "POST", "chart/data", people.asked()) == 403
    assert refused(guest, "POST", "sqllab/execute/", {"database_id": 1, "sql": "SELECT 1"}) in (400, 401, 403)


def test_a_token_of_somebody_else_s_making_is_none(people: People, board: Embedded) -> None:
    token = guest_token(people.superset.client, board, "demo")
    forged = Guest(people.superset.url, token[:-6] + ("aaaaaa" if token[-6:] != "aaaaaa" else "bbbbbb"))
    assert refused(forged, "POST", "chart/data", saved_question(people, board)) in (401, 403)
