"""The dbt project with one definition more or less, read by dbt in a copy: only what dbt takes is put in place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from warehouse.dbt import environment
from warehouse.errors import MillraceError
from warehouse.manifest import read_project
from warehouse.settings import Settings

FOLDER = Path("models") / "semantic" / "defined"
SEMANTIC_MANIFEST = "semantic_manifest.json"
# By which dbt reads only what has changed since. It names the folder that was read, so that of a copy stays with it.
READ_BEFORE = "partial_parse.msgpack"
LEFT_BY_DBT = ("manifest.json", SEMANTIC_MANIFEST)


@dataclass(frozen=True)
class Place:
    """A dbt project, and where dbt keeps what it read of it."""

    project: Path
    target: Path

    def file(self, name: str) -> Path:
        return self.project / FOLDER / f"{name}.yml"

    @property
    def semantic_manifest(self) -> Path:
        return self.target / SEMANTIC_MANIFEST


@dataclass(frozen=True)
class Trial:
    """What dbt made of the changed copy; nothing of the project itself has changed yet."""

    place: Place
    changed: Place
    name: str

    @property
    def semantic_manifest(self) -> Path:
        return self.changed.semantic_manifest

    def keep(self) -> None:
        """Make the change real. Readers of the project see the file as it was or as it will be, nothing in between."""
        file, tried = self.place.file(self.name), self.changed.file(self.name)
        before = file.read_bytes() if file.exists() else None
        try:
            if tried.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                _put(tried, file)
            else:
                file.unlink()
            for name in LEFT_BY_DBT:
                _put(self.changed.target / name, self.place.target / name)
        except BaseException:
            if before is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(before)
            raise


@contextmanager
def tried(settings: Settings, place: Place, name: str, text: str | None) -> Iterator[Trial]:
    """dbt's reading of the project with this definition, or where the text is None, without it."""
    with tempfile.TemporaryDirectory(prefix="millrace-define-") as folder:
        changed = Place(Path(folder) / "dbt_project", Path(folder) / "target")
        shutil.copytree(place.project, changed.project, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
        file = changed.file(name)
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        changed.target.mkdir()
        if (place.target / READ_BEFORE).exists():
            shutil.copy(place.target / READ_BEFORE, changed.target / READ_BEFORE)
        read_by_dbt(settings, changed)
        yield Trial(place, changed, name)


def read_by_dbt(settings: Settings, place: Place) -> None:
    if problems := read_project(place.project, place.target, environment(settings)):
        raise MillraceError(f"dbt does not take it: {' '.join(problems)}")


def _put(source: Path, target: Path) -> None:
    """Whole or not at all, also where the two are on different disks."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
