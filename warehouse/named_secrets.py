"""Secrets that files in version control name and never hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from warehouse.errors import MillraceError
from warehouse.settings import SECRET_PREFIX, secret


class Secret(BaseModel):
    """The name of a secret: MILLRACE_SECRET_<NAME> in the environment or .env has its value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: str = Field(pattern=r"^[a-z][a-z0-9_]*$")

    def reveal(self) -> str:
        value = secret(self.secret).rstrip("\r\n")  # a file that is mounted as a variable ends with a line
        if not value:
            raise MillraceError(
                f"The secret {self.secret!r} is not set.",
                hint=f"Set {SECRET_PREFIX}{self.secret.upper()} in the environment or .env.",
            )
        return value
