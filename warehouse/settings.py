"""Every setting of Millrace: environment `MILLRACE_*`, then `.env`, then generated secrets, then the default.

The field descriptions below are the documentation: `.env.example` and `millrace config` are made from them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from warehouse.errors import MillraceError
from warehouse.setting_values import (
    days_of,
    listed,
    valid_age,
    valid_cluster,
    valid_colour,
    valid_origins,
    valid_targets,
)

REPOSITORY = Path(__file__).resolve().parent.parent
PREFIX = "MILLRACE_"
PASSWORD_PREFIX = f"{PREFIX}PASSWORD_"
SECRET_PREFIX = f"{PREFIX}SECRET_"
# Read before there are settings, so they are no fields: which .env to read (empty: none).
ENV_FILE_VARIABLE = f"{PREFIX}ENV_FILE"
OUTSIDE_VARIABLES = {ENV_FILE_VARIABLE: "another file than .env; empty: no file"}
MASK = "********"
MIN_MEMORY = 512 * 1024**2  # below that the server starts and then refuses most of what it is asked


def _valid_url(url: str) -> str:
    if not url:
        return url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"must look like https://host:8443, not {mask_url(url)!r}")
    try:
        parts.port  # noqa: B018 - reading it raises for a port out of range
    except ValueError as error:
        raise ValueError(f"has no valid port: {mask_url(url)!r}") from error
    if parts.path not in ("", "/") or parts.query:
        raise ValueError("takes no path and no query: only scheme, host and port")
    return url


def _valid_model_url(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError(f"must look like https://host/v1, not {mask_url(url)!r}")
    return url


def _valid_shards(text: str) -> str:
    for url in listed(text):
        _valid_url(url)
    return text


def _enough(memory: ByteSize | None) -> ByteSize | None:
    if memory is not None and memory < MIN_MEMORY:
        raise ValueError(f"must be at least {ByteSize(MIN_MEMORY).human_readable()}, not {memory.human_readable()}")
    return memory


def _from_project_dir(path: Path) -> Path:
    # Resolved: two names of one directory are one directory.
    return (REPOSITORY / path.expanduser()).resolve()


Port = Annotated[int, Field(ge=0, le=65535)]
ProjectPath = Annotated[Path, AfterValidator(_from_project_dir)]
# An empty value in .env means "not set", as people expect of a line they have not filled in.
OptionalPath = Annotated[
    Path | None,
    BeforeValidator(lambda value: None if value == "" else value),
    AfterValidator(lambda path: path and _from_project_dir(path)),
]
Memory = Annotated[
    ByteSize | None, AfterValidator(_enough), BeforeValidator(lambda value: None if value in ("", "0") else value)
]


class Settings(BaseModel):
    """Effective settings; read them with `load_settings()`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    clickhouse_url: Annotated[str, AfterValidator(_valid_url)] = Field(
        "",
        description="Your own ClickHouse 26 or newer, e.g. https://host:8443. Empty: the local server.",
        repr=False,  # somebody may have written a password into it
    )
    clickhouse_native_port: Port = Field(
        0, description="Native TCP port of your own ClickHouse. 0: 9440 with https, else 9000."
    )
    clickhouse_user: str = Field(
        "",
        description="User of your own ClickHouse for every role whose own password is not set.",
    )
    clickhouse_password: SecretStr = Field(SecretStr(""), description="That user's password.")
    cluster: Annotated[str, AfterValidator(valid_cluster)] = Field(
        "",
        description="Cluster whose first shard the server is, as it calls it (docs/cluster.md). Empty: a single node.",
    )
    shards: Annotated[str, AfterValidator(_valid_shards)] = Field(
        "",
        description="HTTP addresses of the cluster's other shards, in their order, with commas between, e.g. "
        "https://shard2:8443.",
    )
    partial_answers: bool = Field(
        False, description="Let analysts' questions be answered without the shards that are down; else they fail."
    )
    data_dir: ProjectPath = Field(
        Path(".millrace"),
        description="Where the local services keep data, logs and generated secrets. Relative: to the repository.",
    )
    backups: str = Field(
        "",
        description="Where `millrace backup` keeps backups: a folder, or a URL such as s3://bucket/folder. "
        "Empty: backups in the data directory, which does not outlive its disk.",
    )
    cold_after: Annotated[str, AfterValidator(valid_age)] = Field(
        "", description="How old events are moved to a slower disk, as 90d or 1y. Empty: none are."
    )
    cold_folder: OptionalPath = Field(
        None, description="Folder on that disk, for the local server. Once set it stays: what is old lies there."
    )
    backup_password: SecretStr = Field(
        SecretStr(""),
        description="Closes what is secret in a backup, such as the keys of pseudonyms. Keep it elsewhere, too.",
    )
    project_dir: ProjectPath = Field(
        Path(), description="Where projects.yaml, access.yaml and sources.yaml are. Relative: to the repository."
    )
    listen_host: str = Field(
        "127.0.0.1",
        description="Address of the local server. Beyond loopback only with MILLRACE_PASSWORD_ADMIN.",
    )
    http_port: Port = Field(8123, description="HTTP port of the local server. 0: any free one.")
    tcp_port: Port = Field(9000, description="Native TCP port of the local server. 0: any free one.")
    memory: Memory = Field(
        None, description="Memory limit of the local server, e.g. 8GiB. Empty: half of the machine's."
    )
    geo_database: OptionalPath = Field(
        None, description="An MMDB file that knows countries and cities by IP address. Empty: places stay unknown."
    )
    landing_dir: OptionalPath = Field(
        None, description="Folder whose files of events Dagster loads. Empty: landing in the data directory."
    )
    environment: str = Field(
        "development", description="Where this runs: orchestration/automation.yaml says what runs by itself there."
    )
    dagster_postgres: SecretStr = Field(
        SecretStr(""),
        description="Dagster's storage, postgresql://user:password@host/database. Empty: SQLite in the data directory.",
    )
    mlflow_store: SecretStr = Field(
        SecretStr(""),
        description="Where MLflow keeps runs and versions of models, postgresql://user:password@host/database. "
        "Empty: SQLite in the data directory.",
    )
    mlflow_artifacts: str = Field(
        "",
        description="Where models, cards and plots lie, e.g. s3://bucket/models. Empty: files in the data directory. "
        "Nothing that lies elsewhere is loaded as a model.",
    )
    bi_port: Port = Field(8088, description="Port of Superset, on loopback. 0: any free one.")
    bi_name: str = Field("Millrace", description="What Superset is called on its pages.")
    bi_colour: Annotated[str, AfterValidator(valid_colour)] = Field(
        "", description="Colour of Superset's buttons and links, e.g. #0072B2. Empty: its own."
    )
    bi_logo: OptionalPath = Field(
        None, description="Logo of Superset's pages, an SVG or PNG of at most 100 KB. Empty: its own."
    )
    bi_origins: Annotated[str, AfterValidator(valid_origins)] = Field(
        "",
        description="Whose pages may show dashboards inside of them, with commas between, e.g. "
        "https://app.example.com. Empty: nobody's.",
    )
    bi_postgres: SecretStr = Field(
        SecretStr(""),
        description="Superset's metadata, postgresql://user:password@host/database. "
        "Empty: SQLite in the data directory.",
    )
    data_docs_url: str = Field(
        "", description="Where a web server shows MILLRACE_DATA_DIR/expectations/docs. Empty: `millrace dagster` does."
    )
    alert_targets: Annotated[str, AfterValidator(valid_targets)] = Field(
        "hooks.slack.com, *.logic.azure.com, *.powerplatform.com, events.pagerduty.com, events.eu.pagerduty.com",
        description="Hosts that alerts may be sent to, with commas between: host, *.host for all below it, host:port "
        "for another port than the standard one. Mail servers, webhooks and SMS gateways must be added.",
    )
    project: str = Field("demo", description="The project (tenant) that questions are about when none is named.")
    accept_unknown_projects: bool = Field(
        False, description="Accept events of projects that projects.yaml does not declare."
    )

    llm_model: str = Field(
        "",
        description="Language model that is asked what `millrace ask` does not understand by itself, named as litellm "
        "does, e.g. ollama_chat/NAME, or openai/NAME for any server that speaks OpenAI's protocol. Empty: none.",
    )
    llm_url: Annotated[str, AfterValidator(_valid_model_url)] = Field(
        "", description="Where that model is served, e.g. http://localhost:8080/v1. Empty: its provider's.", repr=False
    )
    llm_key: SecretStr = Field(
        SecretStr(""),
        description="Key of the model's provider. Empty: the provider's own variable, as litellm has it.",
    )
    llm_timeout: Annotated[float, Field(gt=0, le=600)] = Field(
        20.0, description="Seconds that a reply of the model may take."
    )
    llm_max_tokens: Annotated[int, Field(ge=100, le=100_000)] = Field(
        1500, description="Tokens that a reply of the model may have."
    )
    llm_tokens_per_day: Annotated[int, Field(ge=0)] = Field(
        200_000, description="Tokens that may be used in a day (UTC), questions and replies together. 0: no limit."
    )
    llm_dollars_per_day: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Dollars that the model may cost in a day (UTC), by the list prices of litellm. 0: no limit."
    )

    @model_validator(mode="after")
    def _two_ports(self) -> Self:
        if self.http_port == self.tcp_port != 0:
            raise ValueError(f"and {PREFIX}TCP_PORT are both {self.tcp_port}: two ports are needed")
        return self

    @field_validator("shards")
    @classmethod
    def _belongs_to_a_cluster(cls, shards: str, others: ValidationInfo) -> str:
        if bool(shards) != bool(others.data.get("cluster")):
            raise ValueError(f"and {PREFIX}CLUSTER belong together: one of them is not set")
        return shards

    @field_validator("cold_folder")
    @classmethod
    def _is_where_cold_events_go(cls, folder: Path | None, others: ValidationInfo) -> Path | None:
        if folder is None and others.data.get("cold_after") and not others.data.get("clickhouse_url"):
            raise ValueError(f"must be set, too, where {PREFIX}COLD_AFTER is: a folder on another disk")
        return folder

    @property
    def cold_after_days(self) -> int:
        """0: nothing is ever cold."""
        return days_of(self.cold_after) if self.cold_after else 0

    @property
    def is_local(self) -> bool:
        return not self.clickhouse_url

    @property
    def server_dir(self) -> Path:
        """The local server's data; its run directory (configuration, logs, pid file) lies beside it."""
        return self.data_dir / "clickhouse"

    @property
    def backups_folder(self) -> Path:
        """Where the local server writes backups: of a store, on their way there."""
        if not self.backups or "://" in self.backups:
            return self.data_dir / "backups"
        return _from_project_dir(Path(self.backups))

    @property
    def landing(self) -> Path:
        return self.landing_dir or self.data_dir / "landing"

    @property
    def shards_listed(self) -> list[str]:
        return listed(self.shards)

    @property
    def alert_targets_listed(self) -> list[str]:
        return listed(self.alert_targets)

    @property
    def bi_origins_listed(self) -> list[str]:
        return listed(self.bi_origins)

    @property
    def secrets_file(self) -> Path:
        return self.data_dir / "secrets.env"

    @cached_property
    def passwords(self) -> Mapping[str, SecretStr]:
        """Passwords of the declared users, by user: MILLRACE_PASSWORD_ANALYST is that of `analyst`."""
        # Those that were made up are of the local server: another server has never heard of them.
        made_up = _passwords_in((read_env_file(self.secrets_file),)) if self.is_local else {}
        return {**made_up, **chosen_passwords()}


def chosen_passwords() -> dict[str, SecretStr]:
    """Those that a person set, in the environment or .env."""
    return _passwords_in(layers())


def _passwords_in(layers: tuple[Layer, ...]) -> dict[str, SecretStr]:
    found: dict[str, SecretStr] = {}
    for layer in layers:
        for variable, value in layer.values.items():
            if variable.upper().startswith(PASSWORD_PREFIX) and value:
                found.setdefault(variable[len(PASSWORD_PREFIX) :].lower(), SecretStr(value))
    return found


@dataclass(frozen=True)
class Layer:
    """One place where values come from; the first layer that has a variable wins."""

    source: str
    values: Mapping[str, str]


def layers() -> tuple[Layer, ...]:
    environment = {k: v for k, v in os.environ.items() if k.startswith(PREFIX)}
    name = os.environ.get(ENV_FILE_VARIABLE)
    if name == "":
        return (Layer("environment", environment),)
    path = Path(name).expanduser() if name else REPOSITORY / ".env"
    if name and not path.is_file():
        raise MillraceError(f"{ENV_FILE_VARIABLE} names {path}, which is not a file.")
    return Layer("environment", environment), read_env_file(path)


def read_env_file(path: Path) -> Layer:
    if not path.is_file():
        return Layer(path.name, {})
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MillraceError(f"{path} cannot be read: {error}") from error
    return Layer(path.name, {k: v for k, v in values.items() if k.startswith(PREFIX) and v is not None})


def load_settings() -> Settings:
    """The effective settings, or a MillraceError that names the variable and what is wrong with it."""
    found: dict[str, str] = {}
    for layer in reversed(layers()):
        found |= {
            name: layer.values[v] for name in Settings.model_fields if (v := f"{PREFIX}{name.upper()}") in layer.values
        }
    try:
        return Settings.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        variable = f"{PREFIX}{str((first['loc'] or ('http_port',))[0]).upper()}"
        reason = first["msg"].removeprefix("Value error, ")
        reason = reason[0].lower() + reason[1:]
        raise MillraceError(
            f"{variable} {reason}.", hint="`millrace config` shows where each value comes from."
        ) from error


def secret(name: str) -> str:
    """The value of a secret that a file names; empty where it is not set."""
    variable = f"{SECRET_PREFIX}{name.upper()}"
    return next((layer.values[variable] for layer in layers() if layer.values.get(variable)), "")


def mask_url(url: str) -> str:
    """The URL without the password that somebody may have written into it, also where it is no valid URL for that."""
    return re.sub(r"(//[^:/@]*:).*@", rf"\g<1>{MASK}@", url)
