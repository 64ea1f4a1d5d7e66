"""Passwords the local server makes up: once, for declared users who have none."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from pydantic import SecretStr

from warehouse.access.model import Access
from warehouse.private_files import open_private
from warehouse.settings import PASSWORD_PREFIX, Settings


def ensure_passwords(settings: Settings, access: Access) -> Mapping[str, SecretStr]:
    """A password for every declared user; new ones are kept in secrets.env, 0600."""
    made = {user: SecretStr(secrets.token_urlsafe(24)) for user in access.users if user not in settings.passwords}
    if made:
        path = settings.secrets_file
        with open_private(path, "a") as file:
            if path.stat().st_size == 0:
                file.write("# Made by `millrace up` for users of the local server without a password of their own.\n")
            else:
                file.write("\n")  # the last line may lack its end
            for user, password in made.items():
                file.write(f"{PASSWORD_PREFIX}{user.upper()}={password.get_secret_value()}\n")
    return {**settings.passwords, **made}
