"""Files of YAML in which people declare things by name. Each mistake is a sentence with file, line and the nearest
right word; it keeps back what it is in, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from warehouse import strict_yaml
from warehouse.errors import nearest

# By the name of a section: what reads one entry of it, and by its kind (empty: there is but one) the model.
Sections = Mapping[str, tuple[TypeAdapter[Any], Mapping[str, type[BaseModel]]]]


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
        return Mistake(self.file, strict_yaml.line_of(self.nodes, path), sentence)


@dataclass
class Declared:
    """What files declare without a mistake, in a dictionary for each section, and the mistakes."""

    places: dict[tuple[str, str], Place] = field(default_factory=dict)  # of section and name
    mistakes: list[Mistake] = field(default_factory=list)
    is_whole: bool = True  # no file is unreadable

    def may_have(self, section: str, name: str) -> bool:
        """Whether it stands in a file, or may stand in what cannot be read."""
        return name in getattr(self, section) or (section, name) in self.places or not self.is_whole

    def names(self, section: str) -> list[str]:
        """Of all that is declared, also with a mistake: what names it is then not called wrong as well."""
        return [name for of, name in self.places if of == section]

    def unknown(self, path: Sequence[Any], word: str, of: str, known: Sequence[str]) -> Iterator[Mistake]:
        """That a word, which stands at the path (section, name and so on), is none of those that are known."""
        if word not in known:
            sentence = f"{'.'.join(map(str, path))}: there is no {of} {word!r}{known_words(word, known)}"
            yield self.places[path[0], path[1]].mistake(path, sentence)


def in_order(mistakes: Iterable[Mistake]) -> list[Mistake]:
    return sorted(mistakes, key=lambda one: (one.file, one.line))


def read_file(path: Path, sections: Sections, found: Declared) -> Iterator[Mistake]:
    file = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
        document, nodes = strict_yaml.load(text), yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        yield _unreadable(found, file, *strict_yaml.what_is_wrong(error))
        return
    except (OSError, ValueError) as error:
        yield _unreadable(found, file, 1, f"cannot be read: {' '.join(str(error).split())}.")
        return
    if document is None:
        return
    assert nodes is not None
    place = Place(file, nodes)
    if not isinstance(document, dict):
        yield _unreadable(found, file, 1, f"must be a mapping with {', '.join(sections)}.")
        return
    for section, entries in document.items():
        if section not in sections:
            yield place.mistake([section], _unknown(str(section), list(sections)))
        elif not isinstance(entries, dict):
            yield place.mistake([section], f"{section} must be a mapping of names to what they mean.")
        else:
            for name, entry in entries.items():
                yield from _read_one(place, sections, str(section), name, entry, found)


def _unreadable(found: Declared, file: str, line: int, sentence: str) -> Mistake:
    found.is_whole = False
    return Mistake(file, line, sentence)


def _read_one(
    place: Place, sections: Sections, section: str, name: Any, entry: Any, found: Declared
) -> Iterator[Mistake]:
    adapter, kinds = sections[section]
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
        found.places[section, name] = place  # also where it has a mistake


def _mistake(place: Place, start: list[str], error: Any, kinds: Mapping[str, type[BaseModel]]) -> Mistake:
    parts = [part for part in error["loc"] if part not in ("[key]", "Secret", "str", "constrained-str")]
    inner, model, inside = _without_kinds([part for part in parts if not _is_type(part)], kinds)
    path = [*start, *inner]
    where, reason = ".".join(map(str, path)), str(error["msg"]).removeprefix("Value error, ")
    sentence = f"{where}: {reason[0].lower()}{reason[1:]}{'' if reason.endswith('?') else '.'}"
    match error["type"]:
        case "extra_forbidden":
            known = _keys(model, inside[:-1])
            sentence = f"{'.'.join(map(str, path[:-1]))}: {_unknown(str(inner[-1]), known)}"
        case "union_tag_invalid":
            tag = str(error["ctx"]["tag"])
            path = [*path, "kind"]
            sentence = f"{where}.kind: there is no kind {tag!r}{known_words(tag, _named(kinds))}"
        case "union_tag_not_found":
            sentence = f"{where}: the kind is missing; known: {', '.join(_named(kinds))}."
        case "missing":
            sentence = f"{where}: is missing."
        case "literal_error":
            words = [word.strip(" '") for word in error["ctx"]["expected"].replace(" or ", ",").split(",")]
            sentence = f"{where}: there is no {error['input']!r}{known_words(str(error['input']), words)}"
        case "model_type" if error["ctx"]["class_name"] == "Secret":
            sentence = f"{where}: is a secret: write {{secret: NAME}} here, and set MILLRACE_SECRET_NAME."
        case "string_pattern_mismatch":
            sentence = f"{where}: {str(error['input'])[:60]!r} has not the form of one."
    return place.mistake(path, sentence)


def _without_kinds(
    parts: Sequence[Any], kinds: Mapping[str, type[BaseModel]]
) -> tuple[list[Any], type[BaseModel] | None, list[Any]]:
    """The path in the file, the model of its innermost part that has a kind, and the path inside of that. Pydantic puts
    the kind in front of what it found wrong in it."""
    model, path, inside = kinds.get(""), list[Any](), list[Any]()
    for number, part in enumerate(parts):
        if part and part in kinds and (number == 0 or isinstance(parts[number - 1], int)):
            model, inside = kinds[part], []
        else:
            path.append(part)
            inside.append(part)
    return path, model, inside


def _is_type(part: Any) -> bool:
    """Pydantic puts the member of a union that it tried into the path."""
    return (isinstance(part, str) and any(sign in part for sign in "[(-")) or part in ("literal", "function-before")


def _keys(model: type[BaseModel] | None, inner: Sequence[Any]) -> list[str]:
    from typing import get_args

    for part in inner:
        if model is None or not isinstance(part, str):
            continue
        fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
        inside = [kind for kind in _types(fields.get(part), get_args) if issubclass(kind, BaseModel)]
        model = inside[0] if inside else None
    return [info.alias or name for name, info in model.model_fields.items()] if model else []


def _types(annotation: Any, get_args: Any) -> list[type]:
    if isinstance(annotation, type):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in _types(part, get_args)]


def _named(kinds: Mapping[str, type[BaseModel]]) -> list[str]:
    return [kind for kind in kinds if kind]


def _unknown(word: str, known: Sequence[str]) -> str:
    return f"no key is called {word!r}{known_words(word, known)}"


def known_words(word: str, known: Sequence[str]) -> str:
    return nearest(word, known) or (f"; known: {', '.join(known)}." if known else ".")
