"""Who may ask: a key per project. Whoever has it asks about that project and no other."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import SECRET_PREFIX, Settings, secret

SHORTEST = 20


class Keys:
    def __init__(self, by_project: Mapping[str, str]) -> None:
        # Of one length, so that a comparison tells nothing of theirs.
        self.digests = {project: _digest(key) for project, key in by_project.items()}

    def project_of(self, key: str) -> str | None:
        """All are compared, whichever fits, and each in constant time."""
        given, found = _digest(key), None
        for project, digest in self.digests.items():
            if hmac.compare_digest(digest, given):
                found = project
        return found


def load_keys(settings: Settings) -> Keys:
    variables = {project: f"{SECRET_PREFIX}{_name(project).upper()}" for project in load_projects(settings)}
    found = {project: key for project in variables if (key := secret(_name(project)))}
    example = variables.get(settings.project) or next(iter(variables.values()))
    if not found:
        raise MillraceError(
            "No project has a key, so nobody could ask.",
            hint=f"Set {example} in the environment or .env; `openssl rand -hex 32` makes one.",
        )
    for project, key in found.items():
        if len(key) < SHORTEST:
            raise MillraceError(
                f"{variables[project]} has {len(key)} characters; a key has at least {SHORTEST}.",
                hint="`openssl rand -hex 32` makes one.",
            )
    if len(set(found.values())) < len(found):
        raise MillraceError("Two projects have the same key: it would be that of one of them.")
    return Keys(found)


def _name(project: str) -> str:
    return f"api_key_{project}"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
