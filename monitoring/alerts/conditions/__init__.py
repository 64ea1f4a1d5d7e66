"""What rules are about: for each kind, which alerts it has reason for now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Finding:
    """One thing that a rule finds to be so now."""

    rule: str
    project_id: str  # empty: of none, or of all at once
    subject: str  # what it is about, the same in every round: a segment, a table, a check
    summary: str  # the sentence for people
    value: float | None = None
    severity: str = ""  # instead of the rule's
    owner: str = ""  # instead of the rule's
    channels: tuple[str, ...] = ()  # instead of the rule's
    next_step: str = ""
    points: Sequence[tuple[str, float]] = field(default=())  # the series until now, the oldest first

    @property
    def key(self) -> str:
        return "/".join((self.rule, self.project_id or "-", self.subject or "-"))


def fits(word: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(word, pattern) for pattern in patterns)
