"""What a metric shall be grouped by: the names that people write, as dimensions of the semantic layer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from semantic_layer.journeys.known import property_names
from semantic_layer.journeys.rendering import dimensions as columns_of_events
from semantic_layer.journeys.rendering import user_dimensions
from semantic_layer.metrics.formulas.declaring import OwnDimension
from semantic_layer.metrics.formulas.definition import NAME, RESERVED
from semantic_layer.metrics.formulas.events_model import EventsModel
from semantic_layer.metrics.formulas.tree import Formula, aggregates
from semantic_layer.metrics.formulas.words import OF_ALL, carriers
from semantic_layer.reader import Reader
from warehouse.errors import WrongUsage, nearest

MOST = 20


@dataclass
class Resolved:
    names: list[str] = field(default_factory=list)  # as event__product_category, in the order asked for
    own: list[OwnDimension] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def resolve(reader: Reader, asked: Sequence[str], formula: Formula, events: EventsModel) -> Resolved:
    if len(asked) > MOST:
        raise WrongUsage(f"{len(asked)} dimensions are too many: at most {MOST}.")
    resolver = _Resolver(reader, formula, events)
    for name in dict.fromkeys(asked):
        resolver.resolve(name)
    return resolver.found


class _Resolver:
    def __init__(self, reader: Reader, formula: Formula, events: EventsModel) -> None:
        self.reader, self.events, self.found = reader, events, Resolved()
        self.sent = list(dict.fromkeys(part.step.event for part in aggregates(formula)))
        self.columns = {path: column for path, column in columns_of_events().items() if path not in user_dimensions()}

    def resolve(self, name: str) -> None:
        path = next((path for path, column in self.columns.items() if column == name), name)
        if name in self.events.reachable:
            self._add(name)
        elif path in self.columns:
            self._column(path)
        elif name in user_dimensions():
            self._add(self.events.users[name.partition(".")[2]])
        elif f"{self.events.entity}__{name}" in self.events.reachable:
            self._add(f"{self.events.entity}__{name}")
        else:
            self._property(name)

    def _column(self, path: str) -> None:
        """Of the event itself; where the shipped model leaves it out, the definition brings it along."""
        column = self.columns[path]
        if shipped := self.events.dimensions.get(column):
            self._add(shipped)
        else:
            self._bring(self._own(column, path))

    def _property(self, name: str) -> None:
        carried_by = carriers(self.reader, self.sent, name)
        if not carried_by:
            self._other(name)
            return
        for event in self.sent:
            if event not in carried_by:
                self.found.remarks.append(f"{event} carries no {name}: all of it is in the row without a value.")
        if f"user.{name}" in user_dimensions():
            self.found.remarks.append(
                f"{name} is what the event carries; what is known of the user is the dimension user.{name}."
            )
        path = name.removeprefix("properties.")
        short = re.sub(r"[^a-z0-9]+", "_", path.lower()).strip("_")
        if RESERVED.fullmatch(short) or f"{self.events.entity}__{short}" in self.events.reachable:
            short = f"property_{short}"
        if not path.isascii() or not NAME.fullmatch(short):
            raise WrongUsage(f"The property {path!r} cannot be a dimension: such names are of a-z, 0-9 and _.")
        self._bring(self._own(short, f"properties.{path}"))

    def _other(self, name: str) -> None:
        """What only one of the tables beside the events has, as `plan` that of the user."""
        having = sorted(known for known in self.events.reachable if known.partition("__")[2] == name)
        preferred = [f"{entity}__{name}" for entity in self.events.prefers if f"{entity}__{name}" in having]
        if of_users := self.events.users.get(name):
            self._add(of_users)
        elif preferred or len(having) == 1:
            self._add([*preferred, *having][0])
        elif having:
            raise WrongUsage(f"Several dimensions are called {name!r}.", hint=f"Write {' or '.join(having)}.")
        else:
            names = {*self.events.reachable, *self.columns, *user_dimensions()}
            names |= {carried for event in self.sent for carried in property_names(self.reader, OF_ALL, event)}
            raise WrongUsage(
                f"There is no dimension {name!r}, and no event of the formula carries such a property"
                f"{nearest(name, sorted(names)) or '.'}",
                hint="A dimension is a property of the events, or one that `millrace metrics dimensions` lists.",
            )

    def _own(self, name: str, path: str) -> OwnDimension:
        words = name.replace("_", " ").capitalize()
        is_taken = self.events.dimension_labels.get(words, name) != name
        return OwnDimension(name, path, f"{words} of the event" if is_taken else words)

    def _bring(self, dimension: OwnDimension) -> None:
        others = {**self.events.defined, **{own.name: own.sql for own in self.found.own}}
        if others.get(dimension.name, dimension.sql) != dimension.sql:
            raise WrongUsage(f"{dimension.name} is already what another property is called by as a dimension.")
        if dimension not in self.found.own:
            self.found.own.append(dimension)
        self._add(f"{self.events.entity}__{dimension.name}")

    def _add(self, name: str) -> None:
        if name not in self.found.names:
            self.found.names.append(name)
