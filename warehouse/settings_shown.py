"""Settings as people see them: where each value comes from, what is misspelt, and .env.example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ByteSize, SecretStr

from warehouse.errors import nearest
from warehouse.settings import (
    MASK,
    OUTSIDE_VARIABLES,
    PASSWORD_PREFIX,
    PREFIX,
    SECRET_PREFIX,
    Layer,
    Settings,
    layers,
    mask_url,
    read_env_file,
)


@dataclass(frozen=True)
class EffectiveValue:
    variable: str
    value: str
    source: str
    description: str


def effective_values(settings: Settings) -> list[EffectiveValue]:
    """Every setting and password with its masked value and the place it came from."""
    found = layers()
    rows = []
    for name, field in Settings.model_fields.items():
        variable = f"{PREFIX}{name.upper()}"
        source = next((layer.source for layer in found if variable in layer.values), "default")
        rows.append(EffectiveValue(variable, _shown(name, getattr(settings, name)), source, field.description or ""))
    secrets = Layer("generated", read_env_file(settings.secrets_file).values)
    for user in sorted(settings.passwords):
        variable = f"{PASSWORD_PREFIX}{user.upper()}"
        source = next(
            layer.source
            for layer in (*found, secrets)
            if any(name.upper() == variable and value for name, value in layer.values.items())
        )
        rows.append(EffectiveValue(variable, MASK, source, f"Password of the ClickHouse user {user}."))
    return rows


def raw_values() -> list[Layer]:
    """What is set, as it is written, secrets masked: for when it cannot be read as settings."""
    hidden = ("PASSWORD", "SECRET", "URL", "KEY")
    return [
        Layer(layer.source, {k: MASK if any(word in k for word in hidden) else v for k, v in layer.values.items()})
        for layer in layers()
    ]


def unknown_variables() -> list[str]:
    """A sentence for each MILLRACE_ variable that no setting has: most often a typing error."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields] + list(OUTSIDE_VARIABLES)
    return [
        f"{variable} ({layer.source}) is not a setting{nearest(variable, known)}"
        for layer in layers()
        for variable in layer.values
        if variable not in known and not variable.startswith((PASSWORD_PREFIX, SECRET_PREFIX))
    ]


def env_example() -> str:
    """The text of .env.example: every setting with its default, commented out."""
    lines = [
        "# Settings of Millrace. Copy to .env and uncomment what you change.",
        "# Made by `millrace config --example`; the environment wins over this file.",
        "",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, SecretStr):
            shown = ""
        elif isinstance(default, bool):
            shown = "1" if default else "0"
        else:
            shown = "" if default is None else str(default)
        lines += [f"# {field.description}", f"#{PREFIX}{name.upper()}={shown}", ""]
    lines += [
        "# Passwords of the users in access.yaml. The local server makes up those that are missing.",
        f"#{PASSWORD_PREFIX}ADMIN=",
        f"#{PASSWORD_PREFIX}ANALYST=",
        "",
        "# Secrets that sources.yaml and alerts/*.yaml name: {secret: billing_token} is this one.",
        f"#{SECRET_PREFIX}BILLING_TOKEN=",
        "",
    ]
    return "\n".join(lines)


def _shown(name: str, value: Any) -> str:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if isinstance(value, ByteSize):
        return value.human_readable()
    if isinstance(value, bool):
        return "1" if value else "0"
    if name.endswith("_url"):
        return mask_url(value)
    return "" if value is None else str(value)
