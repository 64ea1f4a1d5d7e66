"""What `access.yaml` declares: roles with grants and limits, users with a role and their projects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from warehouse import strict_yaml
from warehouse.errors import MillraceError, nearest
from warehouse.projects import Project
from warehouse.settings import Settings

# The layers that carry project_id: a user of some projects is filtered on every table in them, present or future.
FILTERED_DATABASES = ("vault", "raw", "staging", "intermediate", "marts", "ml")
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
GRANT = re.compile(r"[A-Za-z ,]+(\([a-z0-9_, ]+\))? ON (\*|[a-z][a-z0-9_]*)\.(\*|[a-z][a-z0-9_]*)( WITH GRANT OPTION)?")
# `default` is the local server's own session; nobody logs in as it.
RESERVED_USERS = ("default",)
RESERVED_ROLES = ("default", "session")  # profiles of the same name


def _valid_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a valid name: lower-case letters, digits and _")
    return name


def _valid_grant(grant: str) -> str:
    if not GRANT.fullmatch(grant):
        raise ValueError(f"{grant!r} is not a grant: write it as `SELECT ON marts.*`")
    return grant


def _limit(value: Any) -> int:
    try:
        return int(TypeAdapter(ByteSize).validate_python(value))
    except ValidationError as error:
        raise ValueError(f"{value!r} is not a number or a size such as 4GiB") from error


Name = Annotated[str, AfterValidator(_valid_name)]


class Role(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    database: Name  # where a name without a database is looked for
    grants: tuple[Annotated[str, AfterValidator(_valid_grant)], ...]
    read_only: bool = False
    limits: dict[Name, Annotated[int, BeforeValidator(_limit)]] = {}

    @model_validator(mode="after")
    def _one_grant_option(self) -> Self:
        # SQL has one WITH GRANT OPTION for a whole statement; half a role with it would hand out the other half too.
        if len({grant.endswith(" WITH GRANT OPTION") for grant in self.grants}) > 1:
            raise ValueError("WITH GRANT OPTION stands at all grants of a role, or at none")
        return self


class Quota(BaseModel):
    """How much a user may have in each stretch of so many hours; what is not named is not limited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hours: Annotated[int, Field(ge=1, le=24 * 31)]
    queries: Annotated[int, Field(ge=1)] | None = None
    read_rows: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if not self.limits:
            raise ValueError("a quota limits something: queries, read_rows or seconds")
        return self

    @property
    def limits(self) -> dict[str, int]:
        """As ClickHouse calls them."""
        named = {"queries": self.queries, "read_rows": self.read_rows, "execution_time": self.seconds}
        return {name: value for name, value in named.items() if value is not None}


class User(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Name
    projects: Literal["all"] | tuple[str, ...]
    quota: Quota | None = None


class Person(BaseModel):
    """Who logs in to the dashboards (Superset), and which rows they see there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["business", "analyst", "admin"]
    projects: Literal["all"] | tuple[str, ...]
    email: Annotated[str, StringConstraints(pattern=r"^[^\s@<>,;\"]+@[^\s@<>,;\"]+$")]

    @model_validator(mode="after")
    def _sees_what_it_can_ask(self) -> Self:
        if self.role != "business" and self.projects != "all":
            raise ValueError(
                f"the role {self.role} may write SQL, which no rule of rows reaches: projects must be all, or the role "
                "business"
            )
        return self


class Access(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    roles: dict[Name, Role]
    users: dict[Name, User]
    people: dict[Name, Person] = {}

    def filter_of(self, user: str, database: str) -> str | None:
        """The row condition of a user who may see only some projects."""
        projects = self.users[user].projects
        if projects == "all":
            return None
        # In marts, rows of no project are everybody's: the calendar, and the unknown row of each dimension.
        shown = (*projects, "") if database == "marts" else projects
        return "project_id IN (" + ", ".join(f"'{project}'" for project in shown) + ")"


def access_file(settings: Settings) -> Path:
    return settings.project_dir / "access.yaml"


def load_access(settings: Settings, projects: dict[str, Project]) -> Access:
    path = access_file(settings)
    try:
        document = strict_yaml.load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MillraceError(
            f"{path} does not exist.",
            hint="It declares roles and users; restore it or set MILLRACE_PROJECT_DIR.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise MillraceError(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise MillraceError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    try:
        access = Access.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MillraceError(f"{path} {where}: {first['msg'].removeprefix('Value error, ')}.") from error
    for role in access.roles:
        if role in RESERVED_ROLES:
            raise MillraceError(f"{path} roles.{role}: this name is the local server's own; choose another.")
    for user, entry in access.users.items():
        where = f"{path} users.{user}"
        if user in RESERVED_USERS:
            raise MillraceError(f"{where}: this name is the local server's own; choose another.")
        _check_known(entry.role, access.roles, "role", where)
        _check_projects(entry.projects, projects, where)
    for name, person in access.people.items():
        where = f"{path} people.{name}"
        if name == "admin":
            raise MillraceError(f"{where}: this person is there by itself; choose another name.")
        _check_projects(person.projects, projects, where)
    if "admin" not in access.users or access.users["admin"].role != "admin":
        raise MillraceError(f"{path} must keep a user `admin` of role `admin`: migrations run as it.")
    return access


def _check_projects(named: Literal["all"] | tuple[str, ...], known: Iterable[str], where: str) -> None:
    if named == "all":
        return
    if not named:
        raise MillraceError(f"{where}: projects is empty; name projects, or write all.")
    for project in named:
        _check_known(project, known, "project", where)


def _check_known(word: str, known: Iterable[str], kind: str, where: str) -> None:
    known = list(known)
    if word not in known:
        meant = nearest(word, known) or f"; known are {', '.join(known)}."
        raise MillraceError(f"{where}: there is no {kind} {word!r}{meant}")
