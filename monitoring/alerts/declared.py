"""Reads alerts/*.yaml as one declaration; each mistake is a sentence with file, line and the nearest right word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from monitoring.alerts.rules import KINDS, AnyRule, DigestPlan, Maintenance, Owner, Rule
from monitoring.alerts.values import Strict
from monitoring.channels.models import CHANNEL_KINDS, AnyChannel, Channel
from warehouse import strict_yaml
from warehouse.errors import nearest
from warehouse.projects import load_projects
from warehouse.settings import Settings

SECTIONS: Mapping[str, tuple[TypeAdapter[Any], Mapping[str, type[Strict]]]] = {
    "channels": (TypeAdapter(AnyChannel), CHANNEL_KINDS),
    "owners": (TypeAdapter(Owner), {"": Owner}),
    "maintenance": (TypeAdapter(Maintenance), {"": Maintenance}),
    "rules": (TypeAdapter(AnyRule), KINDS),
    "digests": (TypeAdapter(DigestPlan), {"": DigestPlan}),
}

TO_WAKE_UP = ("pagerduty", "sms")


@dataclass(frozen=True)
class Mistake:
    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


@dataclass(frozen=True)
class Place:
    file: str
    nodes: yaml.Node

    def mistake(self, path: Sequence[Any], sentence: str) -> Mistake:
        return Mistake(self.file, _line(self.nodes, path), sentence)


@dataclass
class Declaration:
    """What is declared without a mistake, and the mistakes: they keep back what they are in, and nothing else."""

    channels: dict[str, Channel] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    maintenance: dict[str, Maintenance] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    digests: dict[str, DigestPlan] = field(default_factory=dict)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)  # of section and name
    mistakes: list[Mistake] = field(default_factory=list)
    is_whole: bool = True  # no file is unreadable

    def channels_of(self, one: Rule | DigestPlan) -> tuple[str, ...]:
        return one.channels or self.owners[one.owner].channels

    def channels_of_digest(self, plan: DigestPlan) -> tuple[str, ...]:
        """Nobody is called out of bed by a digest."""
        kinds = {name: channel.kind for name, channel in self.channels.items()}
        return tuple(name for name in self.channels_of(plan) if kinds.get(name) not in TO_WAKE_UP)

    def may_have(self, section: str, name: str) -> bool:
        """Whether it stands in a file, or may stand in what cannot be read."""
        return name in getattr(self, section) or (section, name) in self.places or not self.is_whole

    def maintenance_of(self, rule: str, at: Any) -> str:
        """The name of the window that the rule is in; empty: none."""
        for name, window in self.maintenance.items():
            if any(fnmatchcase(rule, pattern) for pattern in window.rules) and window.holds(at):
                return name
        return ""


def folder(settings: Settings) -> Path:
    return settings.project_dir / "alerts"


def load_declaration(settings: Settings) -> Declaration:
    found = Declaration()
    mistakes: list[Mistake] = []
    for path in sorted(folder(settings).glob("*.y*ml")):
        mistakes += _read(path, found)
    mistakes += _cross_checks(found, list(load_projects(settings)))

    # Whom to tell is not known.
    def is_told(one: Rule | DigestPlan) -> bool:
        return bool(one.channels) or one.owner in found.owners

    found.rules = {name: rule for name, rule in found.rules.items() if is_told(rule)}
    found.digests = {name: plan for name, plan in found.digests.items() if is_told(plan)}
    found.mistakes = in_order(mistakes)
    return found


def in_order(mistakes: Iterable[Mistake]) -> list[Mistake]:
    return sorted(mistakes, key=lambda one: (one.file, one.line))


def _read(path: Path, found: Declaration) -> Iterator[Mistake]:
    file = f"alerts/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
        document, nodes = strict_yaml.load(text), yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        yield _unreadable(found, file, line, f"is no YAML: {' '.join(str(error.problem).split())}.")
        return
    except (OSError, ValueError) as error:
        yield _unreadable(found, file, 1, f"cannot be read: {' '.join(str(error).split())}.")
        return
    if document is None:
        return
    assert nodes is not None
    place = Place(file, nodes)
    if not isinstance(document, dict):
        yield _unreadable(found, file, 1, f"must be a mapping with {', '.join(SECTIONS)}.")
        return
    for section, entries in document.items():
        if section not in SECTIONS:
            yield place.mistake([section], _unknown(str(section), list(SECTIONS)))
        elif not isinstance(entries, dict):
            yield place.mistake([section], f"{section} must be a mapping of names to what they mean.")
        else:
            for name, entry in entries.items():
                yield from _read_one(place, str(section), name, entry, found)


def _unreadable(found: Declaration, file: str, line: int, sentence: str) -> Mistake:
    found.is_whole = False
    return Mistake(file, line, sentence)


def _read_one(place: Place, section: str, name: Any, entry: Any, found: Declaration) -> Iterator[Mistake]:
    adapter, kinds = SECTIONS[section]
    if not isinstance(name, str) or not (name.isascii() and name.isidentifier() and name == name.lower()):
        yield place.mistake([section, name], f"{section}: {name!r} is no name: write it in snake_case.")
    elif other := found.places.get((section, name)):
        yield place.mistake([section, name], f"{section}: {name} is declared in {other.file} already.")
    else:
        try:
            getattr(found, section)[name] = adapter.validate_python(entry)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                yield _mistake(place, [section, name], one, kinds)
        # Also where it has a mistake: what names it is then not called wrong as well.
        found.places[section, name] = place


def _mistake(place: Place, start: list[str], error: Any, kinds: Mapping[str, type[Strict]]) -> Mistake:
    inner = [part for part in error["loc"] if part not in ("[key]", "Secret", "str", "constrained-str")]
    model = kinds.get("")
    if inner and inner[0] in kinds:
        model = kinds[str(inner.pop(0))]
    inner = [part for part in inner if not _is_type(part)]
    path = [*start, *inner]
    where, reason = ".".join(map(str, path)), str(error["msg"]).removeprefix("Value error, ")
    sentence = f"{where}: {reason[0].lower()}{reason[1:]}{'' if reason.endswith('?') else '.'}"
    match error["type"]:
        case "extra_forbidden":
            known = _keys(model, inner[:-1])
            sentence = f"{'.'.join(map(str, path[:-1]))}: no key is called {inner[-1]!r}{_known(str(inner[-1]), known)}"
        case "union_tag_invalid":
            tag = str(error["ctx"]["tag"])
            path = [*path, "kind"]
            sentence = f"{where}.kind: there is no kind {tag!r}{_known(tag, list(kinds))}"
        case "union_tag_not_found":
            sentence = f"{where}: the kind is missing; known: {', '.join(kinds)}."
        case "missing":
            sentence = f"{where}: is missing."
        case "literal_error":
            words = [word.strip(" '") for word in error["ctx"]["expected"].replace(" or ", ",").split(",")]
            sentence = f"{where}: there is no {error['input']!r}{_known(str(error['input']), words)}"
        case "string_pattern_mismatch":
            sentence = f"{where}: {str(error['input'])[:60]!r} has not the form of one."
    return place.mistake(path, sentence)


def _is_type(part: Any) -> bool:
    """Pydantic puts the member of a union that it tried into the path."""
    return (isinstance(part, str) and any(sign in part for sign in "[(-")) or part in ("literal", "function-before")


def _keys(model: type[Strict] | None, inner: Sequence[Any]) -> list[str]:
    from typing import get_args

    for part in inner:
        if model is None or not isinstance(part, str):
            continue
        fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
        inside = [kind for kind in _types(fields.get(part), get_args) if issubclass(kind, Strict)]
        model = inside[0] if inside else None
    return [info.alias or name for name, info in model.model_fields.items()] if model else []


def _types(annotation: Any, get_args: Any) -> list[type]:
    if isinstance(annotation, type):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in _types(part, get_args)]


def _cross_checks(found: Declaration, projects: list[str]) -> Iterator[Mistake]:
    names = {section: [name for of, name in found.places if of == section] for section in SECTIONS}

    def check(section: str, name: str, path: Sequence[Any], word: str, of: str, known: list[str]) -> Iterator[Mistake]:
        # What may stand in a file that cannot be read is not called wrong as well.
        if word not in known and (found.is_whole or of in ("project", "rule")):
            where = ".".join(map(str, (section, name, *path)))
            sentence = f"{where}: there is no {of} {word!r}{_known(word, known)}"
            yield found.places[section, name].mistake([section, name, *path], sentence)

    for name, owner in found.owners.items():
        for path, word in _channel_names(owner):
            yield from check("owners", name, path, word, "channel", names["channels"])
    owned: list[tuple[str, str, Rule | DigestPlan]] = [("rules", name, rule) for name, rule in found.rules.items()]
    owned += [("digests", name, plan) for name, plan in found.digests.items()]
    for section, name, one in owned:
        yield from check(section, name, ["owner"], one.owner, "owner", names["owners"])
        for path, word in _channel_names(one):
            yield from check(section, name, path, word, "channel", names["channels"])
        about = getattr(one, "projects", "all")
        if about != "all":
            for number, project in enumerate(about):
                yield from check(section, name, ["projects", number], project, "project", projects)
    for name, window in found.maintenance.items():
        for number, pattern in enumerate(window.rules):
            if not any(fnmatchcase(rule, pattern) for rule in names["rules"]):
                yield from check("maintenance", name, ["rules", number], pattern, "rule", names["rules"])


def _channel_names(one: Owner | Rule | DigestPlan) -> Iterator[tuple[list[Any], str]]:
    yield from ((["channels", number], name) for number, name in enumerate(one.channels))
    for step, escalation in enumerate((not isinstance(one, DigestPlan) and one.escalate) or ()):
        yield from ((["escalate", step, "to", number], name) for number, name in enumerate(escalation.to))


def _unknown(word: str, known: list[str]) -> str:
    return f"no key is called {word!r}{_known(word, known)}"


def _known(word: str, known: list[str]) -> str:
    return nearest(word, known) or (f"; known: {', '.join(known)}." if known else ".")


def _line(node: yaml.Node, path: Sequence[Any]) -> int:
    """Of the deepest part of the path that is there."""
    line = node.start_mark.line + 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            inside = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if inside is None:
                return line
            line, node = inside[0].start_mark.line + 1, inside[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
