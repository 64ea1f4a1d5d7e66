"""What is said of a definition or a feed that is wrong: where, what, and the nearest right thing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.sources.definitions import SHIPPED, load_definitions, read_definition
from ingestion.sources.feeds import choose, file_feed, load_feeds
from ingestion.sources.guide import GUIDE, regenerate
from ingestion.sources.tables import column_types
from tests.support import REPOSITORY
from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import Settings, load_settings

SHIPPED_NAMES = {path.stem for path in SHIPPED.glob("*.yaml")}
GOOD: dict[str, Any] = {
    "description": "Grain: one row per ticket.",
    "owner": "support",
    "key": ["ticket_id"],
    "cursor": "updated_at",
    "lag": "2h",
    "columns": {
        "ticket_id": {"type": "text", "required": True, "description": "Id"},
        "requester": {"type": "text", "pii": "personal", "description": "Who asked"},
        "priority": {"type": "category", "description": "How urgent"},
        "updated_at": {"type": "instant", "required": True, "description": "Last change"},
    },
}


def written(folder: Path, changes: dict[str, Any], name: str = "tickets") -> Path:
    document = yaml.safe_load(yaml.safe_dump(GOOD))
    for path, value in changes.items():
        *parents, last = path.split("/")
        inside = document
        for parent in parents:
            inside = inside[parent]
        if value is None:
            del inside[last]
        else:
            inside[last] = value
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_the_shipped_definitions_are_the_seven_of_the_demo_world() -> None:
    names = "customers subscriptions invoices marketing_spend nps_answers products currency_rates"
    assert set(names.split()) == SHIPPED_NAMES
    for path in SHIPPED.glob("*.yaml"):
        definition = read_definition(path)
        assert all(comment for _, comment in column_types(definition).values())


def test_a_good_definition(tmp_path: Path) -> None:
    definition = read_definition(written(tmp_path, {}))
    assert (definition.table, definition.lag) == ("raw.tickets", timedelta(hours=2))
    assert {name: definition.clickhouse_type(name) for name in definition.columns} == {
        "ticket_id": "String",
        "requester": "Nullable(String)",
        "priority": "LowCardinality(Nullable(String))",
        "updated_at": "DateTime64(3, 'UTC')",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ownr": "x"}, "ownr: is not a key here; did you mean 'owner'?"),
        ({"owner": None}, "owner: is missing."),
        ({"description": "Tickets."}, "description: must begin with 'Grain: one row per '"),
        ({"columns/priority/tpye": "text"}, "columns.priority.tpye: is not a key here; did you mean 'type'?"),
        ({"columns/priority/type": "string"}, "columns.priority.type: Input should be 'text'"),
        ({"columns/priority/pii": "secret"}, "columns.priority.pii: Input should be 'none'"),
        ({"columns/priority/description": ""}, "columns.priority.description"),
        ({"key": ["ticket"]}, "key: there is no column 'ticket'; did you mean 'ticket_id'?"),
        ({"key": ["ticket_id", "ticket_id"]}, "key: names a column twice"),
        ({"key": []}, "key: "),
        ({"cursor": "updated"}, "cursor: there is no column 'updated'; did you mean 'updated_at'?"),
        ({"cursor": "priority"}, "cursor: priority must be a date or an instant"),
        ({"columns/updated_at/required": False}, "cursor: updated_at must be required: true"),
        ({"cursor": None}, "lag: belongs to a cursor"),
        ({"lag": "3 weeks"}, "lag: '3 weeks' is not a duration"),
        ({"key": ["requester"]}, "requester: is personal and may be removed"),
        ({"columns/requester/required": True}, "requester: is personal and may be removed"),
        (
            {"columns/Bad Name": {"type": "text", "description": "x"}},
            "'Bad Name' cannot be declared; it is not snake_case",
        ),
        (
            {"columns/project_id": {"type": "text", "description": "x"}},
            "'project_id' cannot be declared; every source has it",
        ),
        ({"name": "tickets"}, "name: is not a key of a source"),
        ({"other_columns": "drop"}, "other_columns: Input should be 'report' or 'keep'"),
    ],
)
def test_what_is_wrong_with_a_definition_is_said(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(MillraceError) as refused:
        read_definition(written(tmp_path, changes))
    assert said in refused.value.message
    assert "tickets.yaml" in refused.value.message


@pytest.mark.parametrize("name", ["events", "landing_checked", "source_loads", "Bad-Name", "_dlt_loads"])
def test_names_that_raw_has_already_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MillraceError, match="cannot be a source's name"):
        read_definition(written(tmp_path, {}, name))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MILLRACE_PROJECT_DIR", str(tmp_path))
    monkeypatch.setenv("MILLRACE_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "projects.yaml").write_text((REPOSITORY / "projects.yaml").read_text())
    return load_settings()


def declared(settings: Settings, feeds: str) -> Any:
    (settings.project_dir / "sources.yaml").write_text(feeds)
    return load_feeds(settings, load_definitions(settings), load_projects(settings))


def test_a_definition_of_ones_own_is_added_or_takes_the_place_of_a_shipped_one(settings: Settings) -> None:
    written(settings.project_dir / "sources", {})
    written(settings.project_dir / "sources", {}, "customers")
    definitions = load_definitions(settings)
    assert set(definitions) == SHIPPED_NAMES | {"tickets"}
    assert definitions["customers"].owner == "support"
    (settings.project_dir / "sources" / "more.yml").write_text("x")
    with pytest.raises(MillraceError, match=r"more\.yml is not read"):
        load_definitions(settings)


def test_the_shipped_feeds_are_valid_and_so_are_the_examples_in_it(settings: Settings) -> None:
    shipped = (REPOSITORY / "sources.yaml").read_text()
    assert declared(settings, shipped) == {}
    head, _, examples = shipped.partition("# feeds:\n")
    assert head
    examples = "feeds:\n" + "".join(line[2:] if line != "#" else "" for line in examples.splitlines(keepends=True)[:-1])
    assert set(declared(settings, examples)) == {"crm", "billing", "shop"}


def test_without_a_file_there_are_no_feeds(settings: Settings) -> None:
    assert load_feeds(settings, load_definitions(settings), load_projects(settings)) == {}


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        ("{source: custmers, file: a.csv}", "a: there is no source 'custmers'; did you mean 'customers'?"),
        ("{source: customers, project: dmo, file: a.csv}", "project 'dmo' is not declared; did you mean 'demo'"),
        ("{source: customers}", "a feed has exactly one of file:, rest: and sql:"),
        ("{source: customers, file: a.csv, sql: {url: {secret: x}, table: t}}", "exactly one of file:, rest: and sql:"),
        ("{source: customers, flie: a.csv}", "flie: is not a key here; did you mean 'file'?"),
        ("{source: customers, rest: {base_url: 'https://a.example', pth: x}}", "rest."),
        ("{source: customers, rest: {base_url: a.example, path: x}}", "rest.base_url"),
        ("{source: customers, rest: {base_url: 'https://u:p@a.example', path: x}}", "rest.base_url"),
        (
            "{source: customers, rest: {base_url: 'https://a.example', path: x, auth: {type: bearer, token: abc}}}",
            "rest.auth: token: must name a secret",
        ),
        ("{source: products, rest: {base_url: 'https://a.example', path: x, since: s}}", "products declares no cursor"),
        ("{source: customers, sql: {url: 'sqlite:///x', table: t}}", "sql.url"),
        ("{source: customers, sql: {url: {secret: x}, table: 'a; drop table b'}}", "sql.table"),
        ("[1]", "must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_feed_is_said_without_its_secrets(settings: Settings, feed: str, said: str) -> None:
    with pytest.raises(MillraceError) as refused:
        declared(settings, f"feeds:\n  a: {feed}\n")
    assert said in refused.value.message
    assert "abc" not in refused.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("feeds: [a]", "must hold one key, `feeds:`"),
        ("feds: {}", "must hold one key, `feeds:`"),
        ("feeds:\n  a: {source: customers, file: a}\n  a: {source: customers, file: b}", "stands twice"),
        ("feeds:\n  A b: {source: customers, file: a}", "snake_case"),
        ("- x", "must hold a mapping"),
    ],
)
def test_a_file_of_feeds_that_is_none(settings: Settings, text: str, said: str) -> None:
    with pytest.raises(MillraceError, match=said):
        declared(settings, text)


def test_feeds_are_chosen_by_name(settings: Settings) -> None:
    feeds = declared(
        settings,
        "feeds:\n  crm: {source: customers, file: a.csv}\n  shop: {source: products, project: demo, file: b.csv}",
    )
    assert [feed.name for feed in choose(feeds, [], settings)] == ["crm", "shop"]
    assert [feed.name for feed in choose(feeds, ["shop", "shop"], settings)] == ["shop"]
    with pytest.raises(MillraceError, match=r"There is no feed 'crn'.*did you mean 'crm'"):
        choose(feeds, ["crn"], settings)


def test_a_file_named_on_the_command_line(settings: Settings) -> None:
    definitions, projects = load_definitions(settings), load_projects(settings)
    feed = file_feed("customers=a=b.csv", ["demo"], definitions, projects)
    assert (feed.name, feed.source, feed.project, Path(feed.file).name) == (
        "customers",
        "customers",
        ("demo",),
        "a=b.csv",
    )
    assert Path(feed.file).is_absolute()
    for wrong in ("customers", "customers=", "=a.csv", "a b=c"):
        with pytest.raises(MillraceError, match="takes SOURCE=PATH"):
            file_feed(wrong, [], definitions, projects)
    with pytest.raises(MillraceError, match="did you mean 'customers'"):
        file_feed("customer=a.csv", [], definitions, projects)


def test_the_guide_is_generated_from_the_definitions() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert regenerate(text) == text
    assert all(f"### {name}\n" in text for name in SHIPPED_NAMES)
