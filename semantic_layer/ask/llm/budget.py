"""Tokens of the day, counted in a file: reserved before a call, corrected by what the server says afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse.errors import MillraceError
from warehouse.locks import one_at_a_time
from warehouse.private_files import private_folder, replace_private
from warehouse.settings import Settings

CHARACTERS_PER_TOKEN = 3  # rather too few: a reservation that is too small would let the limit be passed


class BudgetSpent(MillraceError):
    """As many tokens as a day may have are used up."""


@dataclass
class Reservation:
    tokens: int


@contextmanager
def reserved(settings: Settings, characters: int) -> Iterator[Reservation]:
    """Tokens for one call. `tokens` of what is yielded is set to what was used; where a call fails or the server does
    not say, the estimate stands."""
    estimate = characters // CHARACTERS_PER_TOKEN + settings.llm_max_tokens
    _add(settings, estimate, limit=settings.llm_tokens_per_day)
    reservation = Reservation(estimate)
    try:
        yield reservation
    finally:
        _add(settings, reservation.tokens - estimate)


def used_today(settings: Settings) -> int:
    return _read(_path(settings))


def _path(settings: Settings) -> Path:
    return settings.data_dir / "ask" / "llm" / "tokens.json"


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _read(path: Path) -> int:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return int(document["tokens"]) if document["day"] == _today() else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _add(settings: Settings, tokens: int, limit: int = 0) -> None:
    path = _path(settings)
    private_folder(path.parent)
    with one_at_a_time(path.with_suffix(".lock")):
        used = _read(path)
        if limit and used + tokens > limit:
            raise BudgetSpent(
                f"The language model has used {used:,} tokens today; with this question it could be more than "
                f"the {limit:,} of a day.",
                hint="MILLRACE_LLM_TOKENS_PER_DAY says how many; tomorrow (UTC) there are new ones.",
            )
        replace_private(path, json.dumps({"day": _today(), "tokens": max(used + tokens, 0)}))
