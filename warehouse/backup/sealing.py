"""What in a backup is secret, closed with MILLRACE_BACKUP_PASSWORD: keys of pseudonyms, and Superset's."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from typing import Any

from warehouse.errors import MillraceError
from warehouse.settings import Settings

# Of scrypt: 64 MiB and a tenth of a second for each password that is tried.
COST, BLOCK, LANES = 2**16, 8, 1
SALT_BYTES = 16


def password_of(settings: Settings) -> str:
    password = settings.backup_password.get_secret_value()
    if not password:
        raise MillraceError(
            "MILLRACE_BACKUP_PASSWORD is not set: the keys of pseudonyms are kept in a backup, closed with it.",
            hint="Choose one, and keep it elsewhere than the backups: without it they cannot be restored.",
        )
    return password


def sealed(password: str, content: Mapping[str, Any]) -> bytes:
    from cryptography.fernet import Fernet

    salt = os.urandom(SALT_BYTES)
    return salt + Fernet(_key(password, salt)).encrypt(json.dumps(content).encode())


def opened(password: str, whole: bytes) -> dict[str, Any]:
    from cryptography.fernet import Fernet, InvalidToken

    try:
        text = Fernet(_key(password, whole[:SALT_BYTES])).decrypt(whole[SALT_BYTES:])
    except InvalidToken as error:
        raise MillraceError(
            "MILLRACE_BACKUP_PASSWORD is not the password of this backup. Nothing was changed.",
            hint="Set the password that was set when the backup was made.",
        ) from error
    content: dict[str, Any] = json.loads(text)
    return content


def _key(password: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return base64.urlsafe_b64encode(Scrypt(salt=salt, length=32, n=COST, r=BLOCK, p=LANES).derive(password.encode()))
