"""Projects (tenants): what `projects.yaml` declares, and adding one to it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from warehouse import strict_yaml
from warehouse.errors import MillraceError, nearest
from warehouse.setting_values import days_in
from warehouse.settings import Settings

MIN_RETENTION_DAYS, MAX_RETENTION_DAYS = 30, 7 * 365 + 2  # 30 days to 7 years, leap days included
PROJECT_ID = re.compile(r"[a-z][a-z0-9_]{0,62}")
PLACE = re.compile(r"[A-Z]{2}(-\w+)?")  # a country or a region of it


class Privacy(StrEnum):
    """How much of a person a project may keep."""

    OPEN = "open"  # as sent
    STANDARD = "standard"  # IP addresses truncated
    STRICT = "strict"  # no raw e-mail, name or IP anywhere; docs/privacy.md


class Silent(StrEnum):
    """What a line means that does not say whether there is consent."""

    GRANTED = "granted"
    REFUSED = "refused"


class Refused(StrEnum):
    """What becomes of events whose sender did not consent to analytics."""

    COUNT = "count"  # not stored, counted per day and event
    DROP = "drop"  # not stored; only in the accounts of the load
    ANONYMISE = "anonymise"  # stored without anything that leads to a person


class Consent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    silent: Silent = Silent.GRANTED
    refused: Refused = Refused.COUNT


def _valid_id(project_id: str) -> str:
    if not PROJECT_ID.fullmatch(project_id):
        raise ValueError("must be lower-case letters, digits and _, starting with a letter, at most 63 long")
    return project_id


def _valid_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = nearest(name, available_timezones())
        raise ValueError(f"{name!r} is not an IANA timezone{known}") from error
    return name


def _valid_currency(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise ValueError(f"{code!r} is not a currency: write three capital letters of ISO 4217, as EUR")
    return code


def _place(told: Any) -> Any:
    if told is False:
        raise ValueError('NO is read as "no" by YAML: write "NO" in quotes')
    if told != "" and not PLACE.fullmatch(str(told)):
        raise ValueError(f"{told!r} is no country and no region of one: write them by ISO 3166, as DE or DE-BY")
    return told


def _days(text: Any) -> Any:
    days = days_in(str(text))
    if days is None:
        raise ValueError(f"{text!r} is not a retention: write days or years, as 90d or 2y")
    if not MIN_RETENTION_DAYS <= days <= MAX_RETENTION_DAYS:
        raise ValueError(f"{text!r} is outside 30d to 7y")
    return days


def _valid_key_hash(value: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        raise ValueError("a write key is stored as sha256:<64 hex digits>, never as itself")
    return value


class Project(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: Annotated[str, AfterValidator(_valid_id)]
    name: str = Field(min_length=1)
    timezone: Annotated[str, AfterValidator(_valid_timezone)] = "UTC"
    currency: Annotated[str, AfterValidator(_valid_currency)] = "EUR"
    holidays: Annotated[str, BeforeValidator(_place)] = ""
    retention_days: Annotated[int, BeforeValidator(_days)] = Field(alias="retention", default=731)
    privacy: Privacy = Privacy.STANDARD
    consent: Consent = Consent()
    write_keys: tuple[Annotated[str, AfterValidator(_valid_key_hash)], ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def projects_file(settings: Settings) -> Path:
    return settings.project_dir / "projects.yaml"


def load_projects(settings: Settings) -> dict[str, Project]:
    """The declared projects by id, in the file's order."""
    path = projects_file(settings)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MillraceError(
            f"{path} does not exist.",
            hint="It declares your projects; restore it or set MILLRACE_PROJECT_DIR.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise MillraceError(f"{path} cannot be read: {error}") from error
    return _parse(text, path)


def get_project(settings: Settings, project_id: str) -> Project:
    projects = load_projects(settings)
    if project_id not in projects:
        raise MillraceError(
            f"Project {project_id!r} is not declared in {projects_file(settings)}{nearest(project_id, projects)}",
            hint=f"Declare it: millrace projects add {project_id}",
        )
    return projects[project_id]


def add_project(
    settings: Settings, project_id: str, name: str, timezone: str, currency: str, retention: str, privacy: Privacy
) -> tuple[Project, str]:
    """Declare a project; returns it with its write key, which is stored only as a hash and shown only now."""
    path = projects_file(settings)
    existing = load_projects(settings)
    if project_id in existing:
        raise MillraceError(f"Project {project_id!r} is already declared in {path}.")
    write_key = f"mk_{secrets.token_urlsafe(24)}"
    entry = {
        "id": project_id,
        "name": name,
        "timezone": timezone,
        "currency": currency,
        "retention": retention,
        "privacy": str(privacy),
        "write_keys": [hash_write_key(write_key)],
    }
    # Appended as text, not dumped anew: the file is people's own, with their comments and order.
    block = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True)
    indented = "".join(f"  {line}\n" for line in block.splitlines())
    text = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n" + indented
    project = _parse(text, path, added=project_id)[project_id]
    _replace(path, text)
    return project, write_key


def hash_write_key(write_key: str) -> str:
    return f"sha256:{hashlib.sha256(write_key.encode()).hexdigest()}"


def project_of_write_key(projects: Mapping[str, Project], write_key: str) -> str:
    """Whose key it is; empty where it is nobody's."""
    hashed = hash_write_key(write_key)
    return next((project.id for project in projects.values() if hashed in project.write_keys), "")


def _parse(text: str, path: Path, added: str = "") -> dict[str, Project]:
    where = f"{path}, with {added!r} added," if added else str(path)
    try:
        document = strict_yaml.load(text)
    except yaml.YAMLError as error:
        raise MillraceError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from error
    entries = document.get("projects") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries or len(document) != 1:
        raise MillraceError(f"{where} must hold one key, `projects:`, with a list of projects.")
    projects: dict[str, Project] = {}
    owner_of_key: dict[str, str] = {}
    for number, entry in enumerate(entries, start=1):
        label = entry.get("id", f"number {number}") if isinstance(entry, dict) else f"number {number}"
        try:
            project = Project.model_validate(entry)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            key = ".".join(map(str, first["loc"])) or "entry"
            inner = key.removeprefix("consent.")
            known = (
                list(Consent.model_fields)
                if inner != key
                else [field.alias or name for name, field in Project.model_fields.items()]
            )
            reason = (
                f"is not a key of {'consent' if inner != key else 'a project'}{nearest(inner, known)}"
                if first["type"] == "extra_forbidden"
                else first["msg"].removeprefix("Value error, ")
            )
            raise MillraceError(f"{where} project {label}: {key}: {reason}.") from error
        if project.id in projects:
            raise MillraceError(f"{where} declares project {project.id!r} twice.")
        for key_hash in project.write_keys:
            if key_hash in owner_of_key:
                raise MillraceError(
                    f"{where} projects {owner_of_key[key_hash]!r} and {project.id!r} share a write key; "
                    "an event must belong to one project."
                )
            owner_of_key[key_hash] = project.id
        projects[project.id] = project
    return projects


def _replace(path: Path, text: str) -> None:
    """All or nothing: a full disk must not leave half a file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise MillraceError(f"{path} could not be written: {error}") from error
