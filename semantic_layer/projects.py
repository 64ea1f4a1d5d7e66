"""Which project a question is about, whichever command asks it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from warehouse.errors import WrongUsage, nearest
from warehouse.settings import Settings

WithEvents = Callable[[Iterable[str]], list[str]]  # of these projects, those that have events


def choose_project(settings: Settings, given: str | None, declared: Collection[str], with_events: WithEvents) -> str:
    """The one named, else that of MILLRACE_PROJECT, else the only one that has events: never one of several."""
    is_set = "project" in settings.model_fields_set and bool(settings.project)
    named = given if given is not None else settings.project if is_set else None
    # Events of projects that nobody declared may have been let in: one of those can be asked for by its name.
    if named is not None and (named in declared or with_events([named])):
        return named
    if named is not None:
        raise WrongUsage(
            f"There is no project {named!r}{nearest(named, declared) or '.'}",
            hint=f"{'' if given is not None else 'MILLRACE_PROJECT says so. '}Projects are {', '.join(declared)}.",
        )
    found = with_events(declared)
    if settings.project in found:
        return settings.project
    if len(found) > 1:
        raise WrongUsage(
            "Several projects have events: say which.",
            hint=f"Add --project {' or --project '.join(sorted(found))}, or set MILLRACE_PROJECT.",
        )
    return found[0] if found else next(iter(declared))
