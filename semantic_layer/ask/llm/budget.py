"""Tokens and dollars of the day, counted in a file: reserved before a call, corrected by what the server says after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from semantic_layer.ask.llm.model import ModelFailed, Reply, Tool, complete
from warehouse.errors import MillraceError
from warehouse.locks import one_at_a_time
from warehouse.private_files import private_folder, replace_private
from warehouse.settings import Settings

CHARACTERS_PER_TOKEN = 3  # rather too few: a reservation that is too small would let the limit be passed


class BudgetSpent(MillraceError):
    """As many tokens or dollars as a day may have are used up."""


@dataclass(frozen=True)
class Spent:
    tokens: int = 0
    dollars: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(max(self.tokens + other.tokens, 0), max(self.dollars + other.dollars, 0.0))


@dataclass
class Used:
    """Tokens of a question, over all its calls: also of one that failed."""

    tokens: int = 0


def complete_in_budget(
    settings: Settings, messages: Sequence[dict[str, str]], tool: Tool, used: Used | None = None
) -> Reply:
    characters = len(json.dumps(tool.asked_for())) + sum(len(message["content"]) for message in messages)
    with _reserved(settings, characters) as reservation:
        try:
            reply = complete(settings, list(messages), tool)
        except ModelFailed as error:
            if error.tokens is not None:
                reservation.spent = Spent(error.tokens, error.dollars)
            raise
        else:
            tokens = reservation.spent.tokens if reply.tokens is None else reply.tokens
            reservation.spent = Spent(tokens, reply.dollars)
        finally:
            if used:
                used.tokens += reservation.spent.tokens
    return replace(reply, tokens=reservation.spent.tokens)


def used_today(settings: Settings) -> Spent:
    return _read(_path(settings))


@dataclass
class _Reservation:
    spent: Spent


@contextmanager
def _reserved(settings: Settings, characters: int) -> Iterator[_Reservation]:
    """For one call. `spent` of what is yielded is set to what was used; where nobody says it, the estimate stands. What
    it costs is known afterwards only: the last call of a day may go beyond its dollars."""
    estimate = Spent(characters // CHARACTERS_PER_TOKEN + settings.llm_max_tokens)
    _add(settings, estimate, limited=True)
    reservation = _Reservation(estimate)
    try:
        yield reservation
    finally:
        spent = reservation.spent
        _add(settings, Spent(spent.tokens - estimate.tokens, spent.dollars))


def _path(settings: Settings) -> Path:
    return settings.data_dir / "ask" / "llm" / "tokens.json"


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _read(path: Path) -> Spent:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        today = document["day"] == _today()
        return Spent(int(document["tokens"]), float(document["dollars"])) if today else Spent()
    except (OSError, ValueError, KeyError, TypeError):
        return Spent()


def _add(settings: Settings, more: Spent, limited: bool = False) -> None:
    path = _path(settings)
    private_folder(path.parent)
    with one_at_a_time(path.with_suffix(".lock")):
        used = _read(path)
        if limited:
            _check(settings, used, more)
        after = used + more
        replace_private(path, json.dumps({"day": _today(), "tokens": after.tokens, "dollars": after.dollars}))


def _check(settings: Settings, used: Spent, more: Spent) -> None:
    tokens, dollars = settings.llm_tokens_per_day, settings.llm_dollars_per_day
    if tokens and used.tokens + more.tokens > tokens:
        raise BudgetSpent(
            f"The language model has used {used.tokens:,} tokens today; with this question it could be more than "
            f"the {tokens:,} of a day.",
            hint="MILLRACE_LLM_TOKENS_PER_DAY says how many; tomorrow (UTC) there are new ones.",
        )
    if dollars and used.dollars >= dollars:
        raise BudgetSpent(
            f"The language model has cost {used.dollars:.2f} dollars today, of {dollars:.2f} a day.",
            hint="MILLRACE_LLM_DOLLARS_PER_DAY says how many; tomorrow (UTC) there are new ones.",
        )
