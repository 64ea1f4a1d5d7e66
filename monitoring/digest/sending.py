"""Digests as they are declared in alerts/*.yaml, sent as alerts are: at least once, once by their key, written down."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from monitoring.alerts.declared import Declaration
from monitoring.alerts.deliveries import Delivered, deliver
from monitoring.alerts.news import id_of, is_kept, keep
from monitoring.alerts.states import DIGEST
from monitoring.digest.contents import Digest
from monitoring.digest.making import make_digest
from monitoring.digest.prose import with_prose
from monitoring.digest.wording import title
from semantic_layer.metrics.catalogue import load_catalogue
from warehouse.errors import WrongUsage
from warehouse.settings import Settings


@dataclass(frozen=True)
class Sent:
    name: str
    project: str
    day: date
    alert_id: uuid.UUID
    is_new: bool  # else it was sent before


def send_digests(
    settings: Settings,
    declared: Declaration,
    tell: Callable[[str], None],
    project: str | None = None,
    day: date | None = None,
) -> tuple[list[Sent], Delivered]:
    """What each declared digest tells of each of its projects; of a day each is sent once."""
    if not declared.digests:
        raise WrongUsage("No digest is declared.", hint="docs/alerts.md says how: digests: {morning: {owner: …}}.")
    projects = [project] if project else [*_with_data(settings)]
    sent = []
    for one in projects:
        names = [name for name, plan in declared.digests.items() if plan.is_about(one)]
        if names:
            try:
                digest = make_digest(settings, one, day)
            except WrongUsage as error:  # it has no whole day yet
                if project:
                    raise
                tell(f"No digest of {one}: {error.message}")
                continue
            known = {name: _known(settings, name, digest) for name in names}
            if not all(known.values()):
                digest = with_prose(settings, digest)
            sent += [known[name] or _keep(settings, declared, name, digest) for name in names]
    return sent, deliver(settings, declared, tell)


def _with_data(settings: Settings) -> Iterator[str]:
    return (name for name, facts in load_catalogue(settings).projects.items() if facts.last_day is not None)


def _key(name: str, digest: Digest) -> str:
    return f"{DIGEST}/{digest.project}/{name} {digest.day}"


def _known(settings: Settings, name: str, digest: Digest) -> Sent | None:
    key = _key(name, digest)
    return Sent(name, digest.project, digest.day, id_of(key), False) if is_kept(settings, key) else None


def _keep(settings: Settings, declared: Declaration, name: str, digest: Digest) -> Sent:
    plan, key = declared.digests[name], _key(name, digest)
    keep(
        settings,
        key,
        kind=DIGEST,
        name=name,
        project=digest.project,
        subject=str(digest.day),
        owner=plan.owner,
        channels=declared.quiet_channels_of(plan),
        summary=title(digest),
        next_step=f"millrace digest --project {digest.project} --day {digest.day}",
        digest=json.dumps(digest.as_json(), ensure_ascii=False),
    )
    return Sent(name, digest.project, digest.day, id_of(key), True)
