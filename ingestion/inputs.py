"""What a load is given: files, folders and URLs of object stores, as files that can be read one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from warehouse.errors import MillraceError


class UnusableFile(MillraceError):
    """One that is none of events, or cannot be read. It is told, and is no reason to leave out others."""


@dataclass(frozen=True)
class Input:
    """A file to load. A store has a `version` of it, which changes with its content: a known one is not fetched."""

    name: str  # path or URL, as people write it
    bytes: int
    version: str = ""
    store: Any = field(default=None, repr=False, compare=False)

    @property
    def is_remote(self) -> bool:
        return self.store is not None

    @contextmanager
    def at_hand(self, spool: Path) -> Iterator[Path]:
        """The file on this machine; one of a store is fetched into the folder `spool` and deleted afterwards."""
        if not self.is_remote:
            yield Path(self.name)
            return
        spool.mkdir(exist_ok=True)
        path = spool / PurePosixPath(self.name).name  # what is read depends on the name's ending
        try:
            with _failures_as_sentences(self.name):
                self.store.get_file(self.name, str(path))
            yield path
        finally:
            path.unlink(missing_ok=True)


def find_inputs(words: Sequence[str | Path]) -> list[Input]:
    """The files that are meant by files, folders and URLs, in order of their names."""
    found: list[Input] = []
    for word in map(str, words):
        scheme = word.partition("://")[0] if "://" in word else ""
        if scheme == "file":
            found += _local(Path(url2pathname(urlsplit(word).path)))
        elif scheme:
            found += _remote(word)
        else:
            found += _local(Path(word))
    return found


def _local(path: Path) -> list[Input]:
    if path.is_file():
        return [Input(str(path), path.stat().st_size)]
    if not path.is_dir():
        if path.exists():
            raise MillraceError(f"{path} is neither a file nor a folder.")
        raise MillraceError(f"There is no file or folder {path}.")
    shown = [p for p in path.rglob("*") if not p.name.startswith(".")]
    if dangling := sorted(p for p in shown if p.is_symlink() and not p.exists()):
        raise MillraceError(f"{dangling[0]} is a link to a file that is not there.")
    inside = sorted(p for p in shown if p.is_file())
    if not inside:
        raise MillraceError(f"There is no file in the folder {path}.")
    return [Input(str(p), p.stat().st_size) for p in inside]


def _remote(url: str) -> list[Input]:
    with _failures_as_sentences(url):
        store = store_of(url)
        details = store.find(url, detail=True)
        if not details:
            raise MillraceError(f"There is no file or folder {url}.")
        return [
            Input(store.unstrip_protocol(path), int(detail["size"]), _version(detail), store)
            for path, detail in sorted(details.items())
            if not path.endswith("/") and not PurePosixPath(path).name.startswith(".")
        ]


def store_of(url: str) -> Any:
    """The store as dlt knows it: credentials from its secrets, else from the environment (AWS_* …)."""
    import fsspec
    from dlt.common.configuration import resolve_configuration
    from dlt.common.storages import FilesystemConfiguration
    from dlt.common.storages.fsspec_filesystem import fsspec_from_config

    fsspec.get_filesystem_class(urlsplit(url).scheme)  # is its driver there? asked before credentials are
    config = resolve_configuration(FilesystemConfiguration(bucket_url=url), sections=("sources", "filesystem"))
    return fsspec_from_config(config)[0]


def _version(detail: dict[str, Any]) -> str:
    """How the store tells one content of a file from another; empty where it cannot."""
    for name in ("ETag", "etag", "md5Hash", "content_md5"):
        if detail.get(name):
            return str(detail[name]).strip('"')
    changed = detail.get("LastModified") or detail.get("last_modified") or detail.get("mtime")
    return f"{detail['size']} bytes of {changed}" if changed else ""


@contextmanager
def _failures_as_sentences(url: str) -> Iterator[None]:
    from dlt.common.configuration.exceptions import ConfigurationException

    try:
        yield
    except MillraceError:
        raise
    except ImportError as error:
        raise MillraceError(f"{url} cannot be read: a package is missing.", hint=_text(error)) from error
    except FileNotFoundError as error:
        raise MillraceError(f"There is no file or folder {url}.") from error
    except PermissionError as error:
        raise MillraceError(
            f"{url} may not be read: {_text(error)}", hint="docs/operations.md says where credentials are looked for."
        ) from error
    except ConfigurationException as error:
        raise MillraceError(
            f"{url}: no credentials were found.", hint="docs/operations.md says where they are looked for."
        ) from error
    except Exception as error:  # every store has errors of its own kinds
        raise MillraceError(f"{url} cannot be read: {type(error).__name__}: {_text(error)}") from error


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
