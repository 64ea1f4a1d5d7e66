"""Every question is a row in the warehouse: ops.questions, written after the answer by a user who can do nothing else.

What cannot be written now waits in a file and goes with the next question: a warehouse that is slow or away neither
delays an answer nor loses a row.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

from semantic_layer.ask.files import folder, read_json, write_json
from warehouse.connection import endpoint, query_text
from warehouse.errors import MillraceError
from warehouse.locks import one_at_a_time
from warehouse.private_files import replace_private
from warehouse.settings import Settings

ROLE = "historian"
TABLE = "ops.questions"
SECONDS = 2.0
MOST_WAITING = 10_000  # rows that wait for a warehouse; older ones go
LONGEST_TEXT, LONGEST_STRUCTURE = 2_000, 50_000
# An address in a sentence, a URL or JSON; also with its @ written as %40.
ADDRESS = re.compile(r"[^\s@<>\"'(),;:\\/]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
MASKED = "(e-mail)"


@dataclass(frozen=True)
class Row:
    project_id: str
    question: str
    outcome: str
    session: str = ""
    kind: str = ""
    structure: str = ""
    route: str = ""
    confidence: float = 0.0
    reason: str = ""
    unknown_words: Sequence[str] = ()
    result_rows: int = 0
    milliseconds: int = 0
    tokens: int = 0
    feedback: str = ""
    question_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    asked_at: str = field(default_factory=lambda: _now())
    written_at: str = field(default_factory=lambda: _now())


def masked(text: str, longest: int = LONGEST_TEXT) -> str:
    return ADDRESS.sub(MASKED, text[:longest])


def remember(settings: Settings, row: Row) -> None:
    """Note a question: as the last one of its session, and to be written by `flush`."""
    row = replace(
        row,
        question=masked(row.question),
        structure=masked(row.structure, LONGEST_STRUCTURE),
        reason=masked(row.reason),
        unknown_words=[masked(word) for word in row.unknown_words],
    )
    write_json(_last(settings, row.session), asdict(row))
    _wait(settings, json.dumps(asdict(row), ensure_ascii=False))


def judge(settings: Settings, session: str, feedback: str) -> Row:
    """Feedback on the last answer of a session: its row again, as a newer version."""
    document = read_json(_last(settings, session))
    try:
        row = Row(**document)
    except TypeError as error:
        where = f"in the session {session!r} yet" if session else "yet"
        raise MillraceError(f"Nothing was asked {where}.", hint='Ask first: millrace ask "…"') from error
    row = replace(row, feedback=feedback, written_at=_now())
    write_json(_last(settings, session), asdict(row))
    _wait(settings, json.dumps(asdict(row), ensure_ascii=False))
    return row


def flush(settings: Settings) -> bool:
    """Write what waits; False where it has to wait on."""
    waiting = _waiting(settings)
    # Whoever notes another row meanwhile need not wait for the warehouse.
    with one_at_a_time(waiting.with_name("sending.lock")):
        lines = _lines(waiting)
        if not lines:
            return True
        try:
            columns = ", ".join(Row.__dataclass_fields__)
            body = "\n".join(lines)
            query_text(endpoint(settings, ROLE), f"INSERT INTO {TABLE} ({columns}) FORMAT JSONEachRow\n{body}", SECONDS)
        except (OSError, HTTPException, MillraceError):
            return False
        sent = set(lines)
        with one_at_a_time(waiting.with_suffix(".lock")):
            _keep(waiting, [line for line in _lines(waiting) if line not in sent])
    return True


def _wait(settings: Settings, line: str) -> None:
    path = _waiting(settings)
    with one_at_a_time(path.with_suffix(".lock")):
        _keep(path, [*_lines(path), line][-MOST_WAITING:])


def _keep(path: Path, lines: Sequence[str]) -> None:
    replace_private(path, "".join(f"{line}\n" for line in lines))


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    except OSError:
        return []


def _waiting(settings: Settings) -> Path:
    return folder(settings, "history") / "waiting.jsonl"


def _last(settings: Settings, session: str) -> Path:
    return folder(settings, "history") / f"last.{session}.json"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def as_row(document: Any) -> str:
    """A structure as the column has it."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True) if document else ""
