"""`millrace metrics define` and `undefine`: a formula becomes a metric of the dbt project, or nothing changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from semantic_layer.metrics.formulas.declaring import (
    COMMAND,
    DEFINED_BY,
    Declared,
    declaration,
    part_names,
    plain,
    remark_on_zero,
)
from semantic_layer.metrics.formulas.definition import Definition, checked, is_name, label_of
from semantic_layer.metrics.formulas.dimensions import resolve
from semantic_layer.metrics.formulas.events_model import EventsModel, read_events_model
from semantic_layer.metrics.formulas.parsing import parse_formula
from semantic_layer.metrics.formulas.running import try_out
from semantic_layer.metrics.formulas.tree import Formula
from semantic_layer.metrics.formulas.trial import FOLDER, Place, tried
from semantic_layer.metrics.formulas.words import check_words
from semantic_layer.reader import Reader
from warehouse import dbt
from warehouse.alone import alone
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings

FIRST_LINES = """\
# {formula}
# Written by `{command}`; `millrace metrics undefine {name}` takes it away again.
# To make it yours take every `{mark}` out: undefine leaves such a file alone.
"""


@dataclass(frozen=True)
class Defined:
    name: str
    formula: str
    file: Path
    dimensions: tuple[str, ...]
    remarks: tuple[str, ...]


def place_of(settings: Settings) -> Place:
    return Place(dbt.PROJECT, settings.data_dir / "dbt" / "target")


def define(settings: Settings, definition: Definition, place: Place | None = None) -> Defined:
    place = place or place_of(settings)
    reader = Reader(settings)
    with alone(settings):
        declared, remarks = declare(reader, definition, place)
        name, dimensions = definition.name, declared.dimensions
        with tried(settings, place, name, text_of(declared)) as trial:
            try_out(settings, reader, trial.semantic_manifest, name, dimensions)
            trial.keep()
    remarks += refreshed(settings, place)
    return Defined(name, str(declared.formula), place.file(name), dimensions, tuple(remarks))


def refreshed(settings: Settings, place: Place) -> list[str]:
    """The catalogue of what can be asked is made anew, so that the next question knows; a remark where it cannot be."""
    if place != place_of(settings):
        return []
    from semantic_layer.metrics.catalogue import load_catalogue

    remarks: list[str] = []
    try:
        load_catalogue(settings, remarks.append)
    except MillraceError as error:
        remarks.append(error.message)
    return remarks


def declare(reader: Reader, definition: Definition, place: Place) -> tuple[Declared, list[str]]:
    """What the definition means on this warehouse, with remarks on it."""
    definition = checked(definition)
    formula = parse_formula(definition.formula)
    events = read_events_model(place.semantic_manifest)
    _check_names(definition, formula, events, place)
    remarks = check_words(reader, definition.formula, formula)
    dimensions = resolve(reader, definition.dimensions, formula, events)
    remarks += [*dimensions.remarks, *filter(None, [remark_on_zero(formula)])]
    return Declared(definition, formula, events, tuple(dimensions.names), tuple(dimensions.own)), remarks


def text_of(declared: Declared) -> str:
    first = FIRST_LINES.format(
        command=COMMAND, formula=plain(str(declared.formula)), name=declared.definition.name, mark=DEFINED_BY
    )
    return first + yaml.safe_dump(declaration(declared), sort_keys=False, allow_unicode=True, width=120)


def _check_names(definition: Definition, formula: Formula, events: EventsModel, place: Place) -> None:
    name = definition.name
    if place.file(name).exists():
        raise WrongUsage(
            f"The metric {name!r} is defined already.", hint=f"`millrace metrics undefine {name}` takes it away."
        )
    for own in dict.fromkeys([name, *part_names(name, formula).values()]):
        if own in events.taken:
            shown = f"`millrace metrics show {own}` tells what it is. " if events.taken[own] == "a metric" else ""
            raise WrongUsage(f"{own!r} is already {events.taken[own]}.", hint=f"{shown}Name yours otherwise.")
    if (label := label_of(definition)) in events.labels:
        raise WrongUsage(
            f"The metric {events.labels[label]!r} has the label {label!r} already.", hint="Give another by --label."
        )


def undefine(settings: Settings, name: str, place: Place | None = None) -> Path:
    place = place or place_of(settings)
    file = place.file(name)
    with alone(settings):
        written = {path.stem for path in (place.project / FOLDER).glob("*.yml") if _is_defined(path)}
        if name not in written:
            ours = f"The metric {name!r} was not made by `{COMMAND}`"
            raise WrongUsage(
                f"{ours}: it is no longer as that wrote it."
                if is_name(name) and file.exists()
                else f"No metric {name!r} is defined by a formula{nearest(name, sorted(written)) or '.'}",
                hint=f"Defined are {', '.join(sorted(written))}." if written else "None is defined.",
            )
        with tried(settings, place, name, None) as trial:
            trial.keep()
    refreshed(settings, place)
    return file


def _is_defined(file: Path) -> bool:
    """Whether define wrote it, and nobody made it their own."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    metrics = document.get("metrics", []) if isinstance(document, dict) else []
    marks = [((metric.get("config") or {}).get("meta") or {}).get(DEFINED_BY) for metric in metrics]
    return bool(marks) and set(marks) == {COMMAND}
