"""projects.yaml: what it may say, and adding to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support import Instance
from warehouse.errors import MillraceError
from warehouse.projects import Privacy, Project, add_project, get_project, hash_write_key, load_projects

KEY = "sha256:" + "a" * 64


def declare(instance: Instance, text: str) -> dict[str, Project]:
    (instance.project_dir / "projects.yaml").write_text(text)
    return load_projects(instance.settings)


def refused(instance: Instance, text: str) -> str:
    with pytest.raises(MillraceError) as error:
        declare(instance, text)
    assert str(instance.project_dir / "projects.yaml") in error.value.message
    return error.value.message


@pytest.mark.parametrize(
    ("written", "days"),
    [("30d", 30), ("90d", 90), ("1y", 365), ("2y", 730), ("4y", 1461), ("7y", 2556), ("2556d", 2556)],
)
def test_retention_is_days_or_years(instance: Instance, written: str, days: int) -> None:
    assert declare(instance, f"projects: [{{id: a, name: A, retention: {written}}}]")["a"].retention_days == days


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{id: a, name: A, retention: 29d}", "project a: retention: '29d' is outside 30d to 7y"),
        ("{id: a, name: A, retention: 8y}", "'8y' is outside 30d to 7y"),
        ("{id: a, name: A, retention: forever}", "'forever' is not a retention: write days or years"),
        ("{id: a, name: A, retention: 90}", "90 is not a retention"),
        ("{id: a, name: A, timezone: Europe/Berln}", "is not an IANA timezone; did you mean 'Europe/Berlin'"),
        ("{id: a, name: A, timezone: ../../etc/passwd}", "is not an IANA timezone"),
        ("{id: a, name: A, holidays: Germany}", "'Germany' is no country and no region of one"),
        ("{id: a, name: A, holidays: NO}", 'write "NO" in quotes'),
        ("{id: A-1, name: A}", "must be lower-case letters, digits and _"),
        ('{id: "a\'; DROP", name: A}', "must be lower-case letters, digits and _"),
        ("{id: a, name: ''}", "name: String should have at least 1 character"),
        ("{id: a}", "name: Field required"),
        ("{id: a, name: A, privcy: strict}", "privcy: is not a key of a project; did you mean 'privacy'?"),
        ("{id: a, name: A, privacy: secret}", "'open', 'standard' or 'strict'"),
        ("{id: a, name: A, consent: {refused: dorp}}", "project a: consent.refused: Input should be 'count', 'drop'"),
        ("{id: a, name: A, consent: {silent: yes}}", "project a: consent.silent: Input should be"),
        (
            "{id: a, name: A, consent: {refuse: drop}}",
            "consent.refuse: is not a key of consent; did you mean 'refused'?",
        ),
        ("{id: a, name: A, consent: drop}", "project a: consent: "),
        ("{id: a, name: A, write_keys: [mk_plain]}", "never as itself"),
        ("a", "project number 1"),
    ],
)
def test_a_wrong_entry_is_named_with_its_place(instance: Instance, entry: str, said: str) -> None:
    assert said in refused(instance, f"projects: [{entry}]")


def test_holidays_are_those_of_a_country_or_of_a_region(instance: Instance) -> None:
    entries = '{id: a, name: A}, {id: b, name: B, holidays: "NO"}, {id: c, name: C, holidays: US-CA}'
    projects = declare(instance, f"projects: [{entries}]")
    assert [project.holidays for project in projects.values()] == ["", "NO", "US-CA"]


def test_consent_is_granted_by_silence_and_refusals_are_counted_unless_it_says_otherwise(instance: Instance) -> None:
    projects = declare(
        instance, "projects: [{id: a, name: A}, {id: b, name: B, consent: {silent: refused, refused: anonymise}}]"
    )
    assert (projects["a"].consent.silent, projects["a"].consent.refused) == ("granted", "count")
    assert (projects["b"].consent.silent, projects["b"].consent.refused) == ("refused", "anonymise")


def test_a_whole_file_that_is_wrong(instance: Instance) -> None:
    assert "is not valid YAML" in refused(instance, "projects: [")
    assert "must hold one key, `projects:`" in refused(instance, "tenants: []")
    assert "must hold one key" in refused(instance, "projects: []")
    assert "declares project 'a' twice" in refused(instance, "projects: [{id: a, name: A}, {id: a, name: B}]")
    twice = f"projects: [{{id: a, name: A, write_keys: ['{KEY}']}}, {{id: b, name: B, write_keys: ['{KEY}']}}]"
    assert "'a' and 'b' share a write key" in refused(instance, twice)


def test_no_file(instance: Instance) -> None:
    (instance.project_dir / "projects.yaml").unlink()
    done = instance.run("projects", "list")
    assert done.returncode == 1
    assert "projects.yaml does not exist" in done.stderr


def test_an_undeclared_project_names_the_nearest(instance: Instance) -> None:
    with pytest.raises(MillraceError, match=r"'demo_mobil' is not declared in .* did you mean 'demo_mobile'"):
        get_project(instance.settings, "demo_mobil")


def test_adding_keeps_comments_and_order_and_stores_only_the_hash_of_the_key(instance: Instance) -> None:
    path = instance.project_dir / "projects.yaml"
    before = path.read_text()
    project, key = add_project(instance.settings, "shop", 'Größe: "M"', "Asia/Tokyo", "JPY", "90d", Privacy.STRICT)
    text = path.read_text()
    assert text.startswith(before.rstrip("\n"))
    assert list(load_projects(instance.settings)) == ["demo", "demo_mobile", "shop"]
    assert project == load_projects(instance.settings)["shop"]
    assert (project.name, project.timezone, project.currency) == ('Größe: "M"', "Asia/Tokyo", "JPY")
    assert project.retention_days == 90
    assert project.write_keys == (hash_write_key(key),)
    assert key not in text
    assert len(key) > 30


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("demo",), "Project 'demo' is already declared"),
        (("Shop",), "with 'Shop' added, project Shop: id: must be lower-case"),
        (("shop", "--retention", "1d"), "'1d' is outside 30d to 7y"),
        (("shop", "--timezone", "Mars/Olympus"), "is not an IANA timezone"),
        (("shop", "--currency", "euro"), "'euro' is not a currency"),
    ],
)
def test_a_wrong_addition_leaves_the_file_alone(instance: Instance, arguments: tuple[str, ...], said: str) -> None:
    path = instance.project_dir / "projects.yaml"
    before = path.read_text()
    done = instance.run("projects", "add", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert path.read_text() == before
    assert [p.name for p in Path(path.parent).iterdir() if p.name.startswith(".")] == []


def test_commands(instance: Instance) -> None:
    added = instance.run("projects", "add", "shop", "--name", "A shop", "--retention", "1y")
    assert added.returncode == 0
    assert re.fullmatch(r"Project shop is declared\. Its write key, shown only now: mk_[\w-]{32}\n", added.stdout)
    listed = instance.json("projects", "list")
    assert listed[-1] == {
        "id": "shop",
        "name": "A shop",
        "timezone": "UTC",
        "currency": "EUR",
        "holidays": "",
        "retention_days": 365,
        "privacy": "standard",
        "consent": {"silent": "granted", "refused": "count"},
        "write_keys": 1,
    }
    assert "A shop" in instance.run("projects", "list").stdout
    assert len(yaml.safe_load((instance.project_dir / "projects.yaml").read_text())["projects"]) == 3
