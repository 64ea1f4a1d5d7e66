"""Where backups are: a folder, or an object store with a folder of this machine before it.

The local server writes backups into folders only: its build has no way to stores. So those of a store are made in the
data directory first, and are fetched into it to be restored.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from warehouse.backup import manifest as listing
from warehouse.backup.manifest import IDENTITY, Manifest
from warehouse.errors import MillraceError, nearest
from warehouse.private_files import private_folder
from warehouse.settings import Settings

# In a store: all files in one, and ClickHouse's own list of its files once more.
PACKED = "files.tar"
INDEX = f"{listing.WAREHOUSE}/.backup"


class Place:
    def __init__(self, settings: Settings, store: Any = None) -> None:
        """`store`: of fsspec, where MILLRACE_BACKUPS is a URL."""
        self.folder = settings.backups_folder
        self.name = settings.backups or str(self.folder)
        self._store, self._url = store, settings.backups.rstrip("/") if store else ""

    @property
    def is_remote(self) -> bool:
        return self._store is not None

    def on_server(self, name: str) -> str:
        """ClickHouse's part of a backup, for a statement. With its whole path: a server that was started with another
        folder would look for a name in that one."""
        path = str(self.folder / name / listing.WAREHOUSE).replace("\\", "\\\\").replace("'", "\\'")
        return f"File('{path}')"

    def prepare(self) -> None:
        try:
            private_folder(self.folder)
            probe = self.folder / f".write-probe-{os.getpid()}"
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise MillraceError(f"The disk of {self.folder} is full.", hint="Make room, then repeat it.") from error
            raise MillraceError(
                f"Backups cannot be written to {self.folder}: {error.strerror or error}.",
                hint="Give this user the right to write there, or set MILLRACE_BACKUPS to another folder.",
            ) from error

    def names(self) -> list[str]:
        """Of all backups, oldest first, complete or not."""
        if self.is_remote:
            with self._failures("listed"):
                self._store.invalidate_cache()
                found = self._store.ls(self._url, detail=False) if self._store.exists(self._url) else []
            names = [str(path).rstrip("/").rpartition("/")[2] for path in found]
        else:
            names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        return sorted(name for name in names if IDENTITY.fullmatch(name))

    def manifest(self, name: str) -> Manifest | None:
        """None: it was not completed."""
        try:
            if self.is_remote:
                with self._failures("read"):
                    text = self._store.cat_file(f"{self._url}/{name}/{listing.NAME}")
            else:
                text = (self.folder / name / listing.NAME).read_bytes()
        except FileNotFoundError:
            return None
        return listing.parse(text, f"{self.name}/{name}/{listing.NAME}")

    def complete(self) -> list[Manifest]:
        return [found for name in self.names() if (found := self.manifest(name))]

    def find(self, name: str) -> Manifest:
        names = self.names()
        if name not in names:
            known = nearest(name, names) or (f"; the newest is {names[-1]}." if names else "; there is none.")
            raise MillraceError(f"There is no backup {name!r} in {self.name}{known}")
        found = self.manifest(name)
        if found is None:
            raise MillraceError(
                f"Backup {name} is not complete: it was interrupted while it was made.",
                hint="`millrace backup list` shows those that are.",
            )
        return found

    def publish(self, manifest: Manifest) -> None:
        """Bring a backup that lies complete in the folder to where it belongs; its list goes last."""
        if not self.is_remote:
            return
        folder, there = self.folder / manifest.id, f"{self._url}/{manifest.id}"
        with self._failures("written"):
            # One object of many small files: a store takes as long for each as for a large one.
            with self._store.open(f"{there}/{PACKED}", "wb") as out, tarfile.open(fileobj=out, mode="w|") as tar:
                for name in manifest.files:
                    tar.add(folder / name, arcname=name)
            for name, source in ((INDEX, folder / INDEX), (listing.NAME, folder / listing.NAME)):
                self._store.put_file(str(source), f"{there}/{name}")
        self.forget(manifest)

    def fetch(self, manifest: Manifest) -> None:
        """Have it in the folder, as far as it is there."""
        if not self.is_remote:
            return
        folder = private_folder(self.folder / manifest.id)
        with (
            self._failures("read"),
            contextlib.suppress(FileNotFoundError, tarfile.ReadError),  # what is missing then is told by name
            self._store.open(f"{self._url}/{manifest.id}/{PACKED}", "rb") as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            tar.extractall(folder, filter="data")

    def fetch_index(self, manifest: Manifest) -> None:
        """Have in the folder what says what is in it: that is all a backup of changes reads."""
        if self.is_remote:
            target = self.folder / manifest.id / INDEX
            private_folder(target.parent)
            with self._failures("read"):
                self._store.get_file(f"{self._url}/{manifest.id}/{INDEX}", str(target))

    def forget(self, manifest: Manifest) -> None:
        """What of it was brought here to be used."""
        if self.is_remote:
            shutil.rmtree(self.folder / manifest.id, ignore_errors=True)

    def remove(self, name: str) -> None:
        # Its list first: what is half removed is not complete.
        if self.is_remote:
            with self._failures("removed"):
                path = f"{self._url}/{name}"
                if self._store.exists(f"{path}/{listing.NAME}"):
                    self._store.rm_file(f"{path}/{listing.NAME}")
                self._store.rm(path, recursive=True)
            return
        (self.folder / name / listing.NAME).unlink(missing_ok=True)
        shutil.rmtree(self.folder / name)

    @contextmanager
    def _failures(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:  # every store has errors of its own kinds
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            raise MillraceError(
                f"Backups in {self.name} could not be {what}: {text}",
                hint="docs/operations.md says where credentials of stores are looked for.",
            ) from error
