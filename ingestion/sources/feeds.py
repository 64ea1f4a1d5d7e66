"""Where rows come from: the feeds that sources.yaml declares."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from ingestion.sources.definitions import NAME, Definitions, Strict, in_words, read_yaml
from warehouse.errors import MillraceError, nearest
from warehouse.named_secrets import Secret
from warehouse.projects import Project
from warehouse.settings import Settings

# Keys of a login whose values are no business of a file that is in version control.
SECRET_KEYS = ("token", "api_key", "password", "client_secret")


class Rest(Strict):
    base_url: str = Field(pattern=r"^https?://[^/@\s]+(/\S*)?$")
    path: str
    params: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str | Secret] = Field(default_factory=dict)
    auth: dict[str, str | Secret] | None = None
    paginator: str | dict[str, Any] = "auto"
    data: str | None = None  # JSON path to the list of rows
    since: str = ""  # the parameter that takes the cursor

    @field_validator("auth")
    @classmethod
    def _no_secret_in_the_file(cls, auth: dict[str, str | Secret] | None) -> dict[str, str | Secret] | None:
        for key, value in (auth or {}).items():
            if key in SECRET_KEYS and not isinstance(value, Secret):
                raise ValueError(f"{key}: must name a secret: {{secret: some_name}}")
        return auth


class Sql(Strict):
    url: Secret  # of SQLAlchemy: postgresql+psycopg://user:password@host/database
    table: str = Field(pattern=r"^[^\s;'\"]+$")
    columns: tuple[str, ...] = ()  # all, where none is named


class Feed(Strict):
    name: str
    source: str
    project: tuple[str, ...] = ()
    file: str = ""
    rest: Rest | None = None
    sql: Sql | None = None
    rename: dict[str, str] = Field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it reads, and for whom: what a cursor belongs to."""
        parts = self.model_dump_json(include={"source": True, "project": True, "rest": True, "sql": {"url", "table"}})
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    @field_validator("project", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> Self:
        if sum(1 for place in (self.file, self.rest, self.sql) if place) != 1:
            raise ValueError("a feed has exactly one of file:, rest: and sql:")
        return self


def feeds_file(settings: Settings) -> Path:
    return settings.project_dir / "sources.yaml"


def load_feeds(settings: Settings, definitions: Definitions, projects: dict[str, Project]) -> dict[str, Feed]:
    path = feeds_file(settings)
    if not path.is_file():
        return {}  # of a project that has no other source than its events
    document = read_yaml(path)
    entries = document.get("feeds")
    if set(document) != {"feeds"} or not isinstance(entries, dict | None):
        raise MillraceError(f"{path} must hold one key, `feeds:`, with a mapping of names to feeds.")
    feeds = {}
    for name, entry in (entries or {}).items():
        where = f"{path}: {name}: "
        if not NAME.fullmatch(str(name)):
            raise MillraceError(f"{where}a feed's name is snake_case.")
        if not isinstance(entry, dict) or "name" in entry:
            raise MillraceError(f"{where}must be a mapping of keys to values, without a name.")
        try:
            feed = Feed.model_validate({"name": name, **entry})
        except ValidationError as error:
            raise MillraceError(f"{where}{in_words(error, Feed)}") from error
        check_feed(feed, definitions, projects, where)
        feeds[str(name)] = feed
    return feeds


def check_feed(feed: Feed, definitions: Definitions, projects: dict[str, Project], where: str = "") -> None:
    definition = definitions.find(feed.source, where)
    for project in feed.project:
        if project not in projects:
            raise MillraceError(f"{where}project {project!r} is not declared{nearest(project, projects)}")
    if feed.rest and feed.rest.since and not definition.cursor:
        raise MillraceError(f"{where}rest.since: the source {feed.source} declares no cursor.")


def choose(feeds: dict[str, Feed], names: Iterable[str], settings: Settings) -> list[Feed]:
    """The feeds of these names; all, where none is named."""
    chosen = list(names) or list(feeds)
    for name in chosen:
        if name not in feeds:
            raise MillraceError(
                f"There is no feed {name!r} in {feeds_file(settings)}{nearest(name, feeds)}",
                hint="A file without a feed: millrace sources load --file SOURCE=PATH",
            )
    return [feeds[name] for name in dict.fromkeys(chosen)]


def file_feed(argument: str, projects: list[str], definitions: Definitions, known: dict[str, Project]) -> Feed:
    """SOURCE=PATH of the command line."""
    source, separator, path = argument.partition("=")
    if not separator or not path or not re.fullmatch(r"\w+", source):
        raise MillraceError(f"--file takes SOURCE=PATH, as customers=export.csv, not {argument!r}.")
    feed = Feed(name=source, source=source, project=tuple(projects), file=str(Path(path).expanduser().absolute()))
    check_feed(feed, definitions, known)
    return feed
