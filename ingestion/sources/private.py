"""What a strict project keeps of a row: by what the definition calls personal, and by what looks like it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.privacy import EMAIL, REMOVED_EMAIL, masked_email, pseudonym
from ingestion.registry import Pii
from ingestion.sources.definitions import Definition

# As in the ids of events (ingestion/masking.py): an address, a telephone number, a network address.
_V4 = r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_V6 = r"(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|[0-9a-fA-F:]*::[0-9a-fA-F:.]*"
_PHONE = r"\+[0-9][0-9 ().\/-]{5,}[0-9]"
REVEALING = rf"(?:{EMAIL})|^(?:{_V4}|{_V6}|{_PHONE})$"
_IS_EMAIL = rf"^(?:{EMAIL})$"
_TEXT = pa.string()


def private_columns(columns: Mapping[str, pa.Array], definition: Definition, salt: str) -> dict[str, pa.Array]:
    """All columns of rows of one strict project. What nobody has declared, nobody has called harmless: it goes."""
    return {name: _private(values, definition, name, salt) for name, values in columns.items()}


def _private(values: pa.Array, definition: Definition, name: str, salt: str) -> pa.Array:
    column = definition.columns.get(name)
    if column is None:
        return pa.nulls(len(values), _TEXT)
    if column.pii is Pii.NONE:
        return _replaced(values, pc.match_substring_regex(values, REVEALING), salt)
    is_email = pc.match_substring_regex(values, _IS_EMAIL)
    return _replaced(pc.if_else(is_email, values, pa.scalar(None, _TEXT)), is_email, salt)


def _replaced(values: pa.Array, revealing: pa.Array, salt: str) -> pa.Array:
    """One pseudonym per distinct value, put wherever it stands."""
    revealing = pc.fill_null(revealing, False)
    if not pc.any(revealing, min_count=0).as_py():
        return values
    distinct = pc.unique(values.filter(revealing))
    made = pa.array([_hidden(value, salt) for value in distinct.to_pylist()], _TEXT)
    return pc.if_else(revealing, made.take(pc.index_in(values, value_set=distinct)), values)


def _hidden(value: str, salt: str) -> str:
    if not salt:
        return REMOVED_EMAIL
    # Only a bare address can keep the form of one; a text with one in it is one pseudonym as a whole.
    return masked_email(value, salt) if re.fullmatch(r"[^\s<>:,;]+@[^\s<>:,;]+", value) else pseudonym(value, salt)
