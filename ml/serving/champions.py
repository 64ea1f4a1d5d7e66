"""The champions that answer about one user at a time, kept in memory; a promotion is noticed within a minute."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from ml.catalogue import MODELS, trainable
from ml.registry.store import Store
from ml.trainable import Online
from warehouse.errors import MillraceError
from warehouse.settings import Settings

LOOK_SECONDS = 60
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Champion:
    online: Online
    version: int
    model: Any


class Champions:
    def __init__(self, settings: Settings, projects: Iterable[str]) -> None:
        self.settings, self.projects = settings, list(projects)
        self.names = [name for name in MODELS if isinstance(trainable(name), Online)]
        self.known: dict[tuple[str, str], Champion] = {}
        self._ended = Event()

    def start(self) -> None:
        self.look()
        Thread(target=self._keep_looking, name="champions", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def look(self) -> None:
        store = Store(self.settings)
        for project in self.projects:
            for name in self.names:
                try:
                    self._take(store, project, name)
                except MillraceError as error:  # the one before goes on answering
                    log.error(error.message)

    def _take(self, store: Store, project: str, name: str) -> None:
        version, before = store.champion(project, name), self.known.get((project, name))
        if version is None:
            self.known.pop((project, name), None)
        elif before is None or before.version != version.version:
            one = trainable(name)
            assert isinstance(one, Online)
            self.known[project, name] = Champion(one, version.version, store.load(one, version))

    def _keep_looking(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:  # a store that is away for a while must not end the looking
                log.exception("The champions could not be looked up.")
