"""Reads expectations/suites/*.yaml: one file per table, strictly, with a sentence for what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError

from expectations.kinds import KINDS, AnyExpectation, Expectation, Name, Strict, TableName
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.strict_yaml import line_of, load, what_is_wrong

FOLDER = Path(__file__).with_name("suites")


class Declared(Strict):
    table: TableName
    owner: Annotated[str, StringConstraints(min_length=1)]
    description: Annotated[str, StringConstraints(min_length=1)]
    # all: each project by itself; a list: those; together: the table knows no projects
    projects: Literal["all", "together"] | Annotated[list[str], Field(min_length=1)] = "all"
    expectations: Annotated[dict[Name, AnyExpectation], Field(min_length=1)]


class Suite(Declared):
    name: str
    file: str
    text: str = ""  # what the file says

    def at(self, *path: str | int) -> str:
        """The file, and the line of a part of it."""
        return f"{self.file}:{line_of(yaml.compose(self.text, yaml.SafeLoader), path)}"

    def projects_of(self, declared: Sequence[str]) -> list[str]:
        """The projects that are judged, one by one; the empty one is the table as a whole."""
        if self.projects == "together":
            return [""]
        if self.projects == "all":
            return list(declared)
        for number, project in enumerate(self.projects):
            if project not in declared:
                raise WrongUsage(
                    f"{self.at('projects', number)}: projects: no project is called {project!r}"
                    f"{nearest(project, declared) or '.'}",
                    hint="projects.yaml says which there are.",
                )
        return list(self.projects)


def read_suites(folder: Path = FOLDER) -> dict[str, Suite]:
    """All suites, by their names, which are those of the files."""
    suites: dict[str, Suite] = {}
    for path in sorted(folder.glob("*.y*ml")):
        suite = _read(path)
        if other := next((one for one in suites.values() if one.table == suite.table), None):
            raise MillraceError(f"{path.name}: {suite.table} has a suite already: {other.file}.", hint="Join the two.")
        suites[suite.name] = suite
    return suites


def chosen(suites: dict[str, Suite], names: Collection[str]) -> list[Suite]:
    for name in names:
        if name not in suites:
            raise WrongUsage(
                f"No suite is called {name!r}{nearest(name, suites) or '.'}",
                hint="`millrace expectations list` shows them.",
            )
    return [suite for suite in suites.values() if not names or suite.name in names]


def _read(path: Path) -> Suite:
    try:
        text = path.read_text(encoding="utf-8")
        read, nodes = load(text), yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        line, what = what_is_wrong(error)
        raise MillraceError(f"{path.name}:{line}: {what}") from error
    except UnicodeDecodeError as error:
        raise MillraceError(f"{path.name} is no text: {error}.") from error
    if not isinstance(read, dict):
        raise MillraceError(f"{path.name} must be a mapping with table, owner, description and expectations.")
    try:
        declared = Declared.model_validate(read)
    except ValidationError as error:
        place, sentence = _sentence(error)
        raise MillraceError(f"{path.name}:{line_of(nodes, place)}: {sentence}") from error
    return Suite(name=path.stem, file=path.name, text=text, **dict(declared))


def _sentence(error: ValidationError) -> tuple[list[str], str]:
    """The first thing that is wrong: its path, what it is, and what was perhaps meant. A key that is misspelt is there
    under one name and missing under the other: the first says which it is."""
    first = sorted(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")[0]
    place = [str(part) for part in first["loc"]]
    kind = None
    if place[:1] == ["expectations"] and len(place) > 2 and place[2] in KINDS:
        kind = KINDS[place.pop(2)]
    place = [part for part in place if part != "[key]"]
    return place, _in_words(first, ".".join(place), kind)


def _in_words(first: Any, where: str, kind: type[Expectation] | None) -> str:
    reason = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = (kind or Declared).model_fields
        of = f"of the kind {kind.model_fields['kind'].annotation.__args__[0]!r} " if kind else ""  # type: ignore[union-attr]
        meant = nearest(where.rpartition(".")[2], known)
        return f"{where}: no key {of}is called so{meant or '; known: ' + ', '.join(known) + '.'}"
    if first["type"] == "union_tag_invalid":
        found = str(first.get("ctx", {}).get("tag", ""))
        return (
            f"{where}.kind: there is no kind {found!r}{nearest(found, KINDS) or '; known: ' + ', '.join(KINDS) + '.'}"
        )
    if first["type"] == "union_tag_not_found":
        return f"{where}: the kind is missing; known: {', '.join(KINDS)}."
    if first["type"] == "missing":
        return f"{where}: is missing."
    if first["type"] == "literal_error":
        allowed = str(first.get("ctx", {}).get("expected", ""))
        words = [word.strip(" '") for word in allowed.replace(" or ", ",").split(",")]
        return f"{where}: {first['input']!r} must be {allowed}{nearest(str(first['input']), words) or '.'}"
    return f"{where or 'the file'}: {reason[0].lower()}{reason[1:]}."
