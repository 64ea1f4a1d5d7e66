"""Conversations by name: what was understood last, so that `and by country?` means something. Kept for half a day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from semantic_layer.ask.files import folder, read_json, write_json
from semantic_layer.ask.structures import Structure, from_json, to_json
from warehouse.errors import WrongUsage
from warehouse.settings import Settings

KEPT = timedelta(hours=12)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Session:
    project: str
    structure: Structure


def valid_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise WrongUsage(f"{name!r} is no name of a session.", hint="Use letters, digits, _ and -, at most 64.")
    return name


def load_session(settings: Settings, name: str) -> Session | None:
    """None: a new one, one that is too old, or one that today's Millrace does not understand any more."""
    document = read_json(_path(settings, name))
    try:
        if datetime.fromisoformat(document["until"]) < datetime.now(UTC):
            _path(settings, name).unlink(missing_ok=True)
            return None
        project = str(document["project"])
        return Session(project, from_json(document["structure"], project))
    except (TypeError, KeyError, ValueError, WrongUsage):
        return None


def save_session(settings: Settings, name: str, session: Session) -> None:
    until = datetime.now(UTC) + KEPT
    document = {"until": until.isoformat(), "project": session.project, "structure": to_json(session.structure)}
    write_json(_path(settings, name), document)


def _path(settings: Settings, name: str) -> Path:
    return folder(settings) / f"{valid_name(name)}.json"
