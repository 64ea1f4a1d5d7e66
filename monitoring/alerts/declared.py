"""Reads alerts/*.yaml as one declaration; each mistake is a sentence with file, line and the nearest right word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from monitoring.alerts.rules import KINDS, AnyRule, DigestPlan, Maintenance, Owner, Rule, Told
from monitoring.channels.models import CHANNEL_KINDS, AnyChannel, Channel
from monitoring.declarations import Declared, Mistake, Sections, in_order, read_file
from warehouse.projects import load_projects
from warehouse.settings import Settings

SECTIONS: Sections = {
    "channels": (TypeAdapter(AnyChannel), CHANNEL_KINDS),
    "owners": (TypeAdapter(Owner), {"": Owner}),
    "maintenance": (TypeAdapter(Maintenance), {"": Maintenance}),
    "rules": (TypeAdapter(AnyRule), KINDS),
    "digests": (TypeAdapter(DigestPlan), {"": DigestPlan}),
}

TO_WAKE_UP = ("pagerduty", "sms")


@dataclass
class Declaration(Declared):
    """What is declared without a mistake, and the mistakes: they keep back what they are in, and nothing else."""

    channels: dict[str, Channel] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    maintenance: dict[str, Maintenance] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    digests: dict[str, DigestPlan] = field(default_factory=dict)

    def channels_of(self, one: Rule | Told) -> tuple[str, ...]:
        return one.channels or self.owners[one.owner].channels

    def quiet_channels_of(self, plan: Told) -> tuple[str, ...]:
        """Nobody is called out of bed by a digest or a report."""
        kinds = {name: channel.kind for name, channel in self.channels.items()}
        return tuple(name for name in self.channels_of(plan) if kinds.get(name) not in TO_WAKE_UP)

    def knows_whom_to_tell(self, one: Rule | Told) -> bool:
        return bool(one.channels) or one.owner in self.owners

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
        mistakes += read_file(path, SECTIONS, found)
    mistakes += _cross_checks(found, list(load_projects(settings)))
    found.rules = {name: rule for name, rule in found.rules.items() if found.knows_whom_to_tell(rule)}
    found.digests = {name: plan for name, plan in found.digests.items() if found.knows_whom_to_tell(plan)}
    found.mistakes = in_order(mistakes)
    return found


def _cross_checks(found: Declaration, projects: list[str]) -> Iterator[Mistake]:
    for name, owner in found.owners.items():
        for path, word in _channel_names(owner):
            yield from unknown_channel(found, found, ["owners", name, *path], word)
    for name, rule in found.rules.items():
        yield from unknown_people(found, found, ["rules", name], rule, projects)
    for name, plan in found.digests.items():
        yield from unknown_people(found, found, ["digests", name], plan, projects)
    for name, window in found.maintenance.items():
        for number, pattern in enumerate(window.rules):
            if not any(fnmatchcase(rule, pattern) for rule in found.names("rules")):
                yield from found.unknown(["maintenance", name, "rules", number], pattern, "rule", found.names("rules"))


def unknown_people(
    found: Declared, alerts: Declaration, path: list[Any], one: Rule | Told, projects: list[str]
) -> Iterator[Mistake]:
    """Owners, channels and projects that it names and nobody declares. `found`: where it stands itself."""
    # What may stand in a file that cannot be read is not called wrong as well.
    if alerts.is_whole:
        yield from found.unknown([*path, "owner"], one.owner, "owner", alerts.names("owners"))
    for inner, word in _channel_names(one):
        yield from unknown_channel(found, alerts, [*path, *inner], word)
    about = getattr(one, "projects", "all")
    for number, project in enumerate(about if about != "all" else ()):
        yield from found.unknown([*path, "projects", number], project, "project", projects)


def unknown_channel(found: Declared, alerts: Declaration, path: list[Any], word: str) -> Iterator[Mistake]:
    if alerts.is_whole:
        yield from found.unknown(path, word, "channel", alerts.names("channels"))


def _channel_names(one: Owner | Rule | Told) -> Iterator[tuple[list[Any], str]]:
    yield from ((["channels", number], name) for number, name in enumerate(one.channels))
    for step, escalation in enumerate((not isinstance(one, Told) and one.escalate) or ()):
        yield from ((["escalate", step, "to", number], name) for number, name in enumerate(escalation.to))
