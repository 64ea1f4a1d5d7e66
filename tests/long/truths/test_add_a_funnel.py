"""What docs/journeys.md says of adding a funnel, done word by word in a copy of the dbt project."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.support import REPOSITORY
from tests.truths.conftest import LoadedWorld
from tests.truths.test_journey_marts import asked, attempts_of, best_of_people, by, declared_funnel, period_of, users
from warehouse.dbt import PROJECT, run
from warehouse.errors import MillraceError

CHAPTER = (
    (REPOSITORY / "docs" / "journeys.md").read_text().partition("### Add a funnel")[2].partition("### The macros")[0]
)
BLOCKS = [
    (kind, dedent(text)) for kind, text in re.findall(r"^ *```(\w+)\n(.*?)^ *```", CHAPTER, re.DOTALL | re.MULTILINE)
]


def block(kind: str) -> str:
    return next(text for name, text in BLOCKS if name == kind)


class Copy:
    """The dbt project with one funnel more."""

    def __init__(self, world: LoadedWorld, folder: Path) -> None:
        self.world, self.folder = world, folder
        shutil.copytree(PROJECT, folder)
        (path,) = re.findall(r"`dbt_project/(models/\S+\.sql)`", CHAPTER)
        self.model = folder / path
        self.model.write_text(block("sql"))
        declarations = self.model.with_name("_journeys.yml")
        text = declarations.read_text()
        below = "  - <<: *funnel\n    name: funnel_activation\n"
        assert text.count(below) == 1
        declarations.write_text(text.replace(below, below + re.sub("(?m)^(?=.)", "  ", block("yaml"))))

    def dbt(self, *arguments: str) -> Any:
        """A target of its own, so that the manifest of the world stays as it is."""
        where = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        where += ["--target-path", str(self.folder / "target"), "--no-partial-parse"]
        with self.world.instance.active() as settings:
            return run(settings, [*arguments, *where])

    @property
    def meta(self) -> dict[str, Any]:
        manifest = json.loads((self.folder / "target" / "manifest.json").read_text())
        meta: dict[str, Any] = manifest["nodes"]["model.millrace.funnel_trial"]["config"]["meta"]
        return meta


@pytest.fixture
def copy(built: LoadedWorld, tmp_path: Path) -> Iterator[Copy]:
    yield Copy(built, tmp_path / "dbt_project")
    built.instance.client().command("DROP TABLE IF EXISTS marts.funnel_trial SYNC")


def test_the_chapter_gives_a_funnel_that_agrees_with_the_command_line(built: LoadedWorld, copy: Copy) -> None:
    done = copy.dbt("build", "--exclude-resource-type", "unit_test", "--select", "funnel_trial")
    assert len(done.nodes) > 2 and not done.failed, done.failed
    funnel = declared_funnel(copy.meta["journey"], "demo")
    answer = asked(built, "demo", funnel, "--by", "country", "--trend", "week")
    attempts = attempts_of(built.instance, "funnel_trial", "demo")
    reached = [step["users"] for step in answer["steps"]]
    assert reached == users(attempts, 3) and reached[0] > reached[2] > 0
    assert by(best_of_people(attempts), "country", 3) == {
        part["value"]: [step["users"] for step in part["steps"]] for part in answer["breakdown"]
    }
    told = {str(week): (first, last) for week, first, _, last, _ in built.instance.rows(BLOCKS[-1][1])}
    german = [a for a in attempts if a.country == "DE"]
    assert told.keys() == {str(period_of(a.local_date, "week")) for a in german}
    for week, counts in told.items():
        of_week = users([a for a in german if period_of(a.local_date, "week") == date.fromisoformat(week)], 3)
        assert counts == (of_week[0], of_week[2])


def test_the_meta_is_what_the_chapter_shows(copy: Copy) -> None:
    copy.dbt("parse")
    shown = json.loads(block("json").replace("}, …]", "}]"))
    declared = copy.meta
    declared["journey"]["steps"] = declared["journey"]["steps"][:1]
    assert declared == shown


@pytest.mark.parametrize(
    ("said", "instead", "sentence"),
    [
        ("'before': 3", "'before': 4", "the exclusion of payment_failed does not lie between two of the steps"),
        ("within_days=30", "within_days=0", "within_days is more than 0"),
        ("within_days=30", "order='backwards'", "order is ordered, strict or unordered, not backwards"),
        ("'event': 'trial_started'", "'name': 'trial_started'", "a step is {label, event, filters}"),
        ("'after': 1", "'behind': 1", "an exclusion is {event, filters, after, before}"),
        ("owner='growth',", "", "title and owner are texts, and both are needed"),
        ("('plan', '!=', 'free')", "('plan', '!=')", "a filter is (path, operator, value)"),
        ("('plan', '!=', 'free')", "('plan', '==', 'free')", "an operator is one of = != > >= < <= ~ present, not =="),
        (
            "('plan', '!=', 'free')",
            "('plan', '!=', none)",
            "plan != is compared with a text or a number, not with None",
        ),
        ("('plan', '!=', 'free')", "('user.plan', '!=', 'free')", "a mart does not know user.plan: join dim_users"),
        ("tags=['revenue']", "good='sideways'", "good is 'up', 'down' or none, not sideways"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_told_in_a_sentence(
    copy: Copy, said: str, instead: str, sentence: str
) -> None:
    text = copy.model.read_text()
    assert text.count(said) == 1
    assert f"funnel_trial: {sentence}" in refusal_of(copy, text.replace(said, instead))


def refusal_of(copy: Copy, text: str) -> str:
    """What dbt says of a model when it reads the project; all others are left out, since reading them takes time."""
    shutil.rmtree(copy.folder / "models")
    copy.model.parent.mkdir(parents=True)
    copy.model.write_text(text)
    with pytest.raises(MillraceError) as raised:
        copy.dbt("parse")
    told = str(raised.value)
    assert "macro" not in told
    return told


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("retention_mart(title='t', owner='o', period='year', periods=3)", "period is day, week or month, not year"),
        ("retention_mart(title='t', owner='o', period='day', periods=0)", "periods is a number of 1 and more, not 0"),
        (
            "retention_mart(title='t', owner='o', period='day', periods=3, kinds=['first_time'])",
            "kinds are recurring and first_ever, not ['first_time']",
        ),
        ("lifecycle_mart(title='t', owner='o')", "period is day, week or month, not"),
        (
            "paths_mart(title='t', owner='o', anchor={'event': 'a'}, depth='3')",
            "depth is a number of 1 and more, not 3",
        ),
        (
            "paths_mart(title='t', owner='o', anchor={'event': 'a'}, direction='back')",
            "direction is next or previous, not back",
        ),
    ],
)
def test_so_is_that_of_another_journey(copy: Copy, call: str, sentence: str) -> None:
    assert f"funnel_trial: {sentence}" in refusal_of(copy, "{{ " + call + " }}")


def test_an_event_that_there_is_not_stops_the_build(copy: Copy) -> None:
    text = copy.model.read_text()
    copy.model.write_text(text.replace("'trial_started'", "'trail_started'"))
    (failed,) = copy.dbt("run", "--select", "funnel_trial").failed
    told = failed.message.partition("funnel_trial: ")[2]
    assert told == (
        "no event is called trail_started: none is registered (ingestion/event_types), and none was sent; "
        "did you mean trial_started?"
    )
