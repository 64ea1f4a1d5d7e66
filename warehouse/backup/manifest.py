"""The list of what a backup is made of, written last: a backup without one is not complete."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from warehouse.errors import MillraceError
from warehouse.private_files import replace_private

NAME = "backup.json"
WAREHOUSE, BESIDE, SEALED = "warehouse", "beside", "keys.sealed"  # what lies beside it in the backup's folder
FORMAT = 1
IDENTITY = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True)
class Manifest:
    id: str
    created_at: str
    base: str  # the backup that has what did not change since; empty: this one has everything
    schema_version: int
    server_version: str
    data_dir: str  # of the Millrace that made it: paths of models are told from there
    events: int
    files: dict[str, tuple[int, str]] = field(repr=False)  # size and sha256, by path in the backup's folder
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        return sum(size for size, _ in self.files.values())

    @property
    def kind(self) -> str:
        return f"changes since {self.base}" if self.base else "full"


def list_files(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_size, _sha256(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME
    }


def write(folder: Path, manifest: Manifest) -> None:
    replace_private(folder / NAME, json.dumps(asdict(manifest)) + "\n")


def parse(text: str | bytes, where: str) -> Manifest:
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise MillraceError(
                f"{where} was written by another Millrace (format {content['format']}; this one reads {FORMAT}).",
                hint="Restore it with the Millrace that made it, then upgrade.",
            )
        files = {path: (int(size), str(digest)) for path, (size, digest) in content.pop("files").items()}
        return Manifest(**content, files=files)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MillraceError(f"{where} is damaged: it is no list of a backup.") from error


def broken(folder: Path, manifest: Manifest) -> list[str]:
    """A sentence for each file that is not what was written: which table's it is, and what is wrong."""
    return [
        f"{manifest.id}/{name}{_whose(name)}: {wrong}"
        for name, expected in manifest.files.items()
        if (wrong := _wrong(folder / name, expected))
    ]


def _wrong(path: Path, expected: tuple[int, str]) -> str:
    size, digest = expected
    try:
        found = path.stat().st_size
        if found != size:
            return f"{found:,} bytes instead of {size:,}"
        return "" if _sha256(path) == digest else "its content is another"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"


def _whose(name: str) -> str:
    match = re.fullmatch(rf"{WAREHOUSE}/(?:meta)?data/([^/]+)/([^/]+?)(?:\.sql|/.*)", name)
    return f" (table {match[1]}.{match[2]})" if match else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
