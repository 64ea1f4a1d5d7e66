"""The verdict on each row: typed columns for those that fit their definition, the row and a reason for the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.privacy import NO_PROJECT
from ingestion.sources.batches import Batch
from ingestion.sources.definitions import PROJECT_ID, TEXTS, Definition
from ingestion.sources.private import private_columns
from ingestion.sources.values import INSTANT, parse
from warehouse.errors import MillraceError, nearest
from warehouse.projects import Privacy, Project

ROW_NUMBER = "_row"
TEXT = pa.string()


class Reason(StrEnum):
    UNREADABLE = "unreadable"
    UNKNOWN_PROJECT = "unknown_project"
    MISSING_VALUE = "missing_value"
    BAD_VALUE = "bad_value"


REASON_SENTENCES = {
    Reason.UNREADABLE: "it is no row: no JSON object, another number of columns than the header, no UTF-8",
    Reason.UNKNOWN_PROJECT: "its project is not declared in projects.yaml",
    Reason.MISSING_VALUE: "a column without which the row says nothing is absent: of the key, or required",
    Reason.BAD_VALUE: "a value is not of its column's type",
}
REJECTED = pa.schema(
    [*((name, TEXT) for name in (PROJECT_ID, "row", "reason", "detail", "origin")), ("copy", pa.int64())]
)


@dataclass(frozen=True)
class Verdict:
    accepted: pa.Table
    rejected: pa.Table


@dataclass
class Checker:
    """Judges the batches of one load of one feed."""

    definition: Definition
    projects: Mapping[str, Project]
    salts: Mapping[str, str]
    project: str  # of rows that name none
    seen: set[str] = field(default_factory=set)  # columns that came
    reasons: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    newest: Any = None
    _copies: Counter[bytes] = field(default_factory=Counter)

    @property
    def undeclared(self) -> list[str]:
        return sorted(self.seen - set(self.definition.columns) - {PROJECT_ID})

    @property
    def missing(self) -> list[str]:
        return sorted(set(self.definition.columns) - self.seen)

    @property
    def rejected(self) -> int:
        return sum(self.reasons.values())

    def check(self, batch: Batch) -> Verdict:
        if batch.rows:
            self._refuse_without_key(batch)
        self.seen |= set(batch.columns)
        ids = self._project_ids(batch)
        known = pc.is_in(ids, value_set=pa.array(list(self.projects), TEXT))
        columns = self._private(batch, pc.if_else(known, ids, NO_PROJECT))
        typed: dict[str, pa.Array] = {}
        reason, detail = pa.nulls(batch.rows, TEXT), pa.nulls(batch.rows, TEXT)

        def object_to(wrong: pa.Array, why: Reason, words: str) -> None:
            nonlocal reason, detail
            wrong = pc.and_(wrong, pc.is_null(reason))  # the first objection is the one that is told
            reason, detail = pc.if_else(wrong, str(why), reason), pc.if_else(wrong, words, detail)

        object_to(pc.invert(known), Reason.UNKNOWN_PROJECT, "its project is not declared")
        for name, column in self.definition.columns.items():
            texts = columns.get(name, pa.nulls(batch.rows, TEXT))
            values = parse(texts, column)
            if column.required:
                object_to(pc.is_null(texts), Reason.MISSING_VALUE, f"{name} is absent")
            elif name in self.definition.never_null:
                values = pc.fill_null(values, "")
            if column.type not in TEXTS:
                bad = pc.and_(pc.is_valid(texts), pc.is_null(values))
                object_to(bad, Reason.BAD_VALUE, f"{name} is not {column.words}")
            typed[name] = values
        fits = pc.is_null(reason)
        typed.update({name: columns[name] for name in columns if name not in typed and name != PROJECT_ID})
        accepted = pa.table({PROJECT_ID: ids, **typed}).filter(fits)
        rejected = self._rejected(batch, columns, ids, reason, detail)
        self._count(accepted, rejected)
        return Verdict(accepted.append_column(ROW_NUMBER, self._numbers(accepted.num_rows)), rejected)

    def _refuse_without_key(self, batch: Batch) -> None:
        for name, column in self.definition.columns.items():
            if column.required and name not in batch.columns:
                raise MillraceError(
                    f"{batch.origin} has no column {name!r}, without which no row of {self.definition.name} is "
                    f"complete{nearest(name, batch.columns)}",
                    hint="Where it has another name there, say so in sources.yaml: rename: {their name: our_name}.",
                )
        if not self.project and PROJECT_ID not in batch.columns:
            raise MillraceError(
                f"{batch.origin} has no column {PROJECT_ID!r}, and nothing else says whose rows these are.",
                hint="Name the project in sources.yaml (project: …), or on the command line (--project …).",
            )

    def _project_ids(self, batch: Batch) -> pa.Array:
        given = batch.columns.get(PROJECT_ID, pa.nulls(batch.rows, TEXT))
        return pc.fill_null(given, self.project)

    def _private(self, batch: Batch, ids: pa.Array) -> dict[str, pa.Array]:
        """The columns as they may be kept; rows of nobody's project are treated as a strict project's."""
        columns = {name: values for name, values in batch.columns.items() if name != PROJECT_ID}
        for project in pc.unique(ids).to_pylist():
            if project != NO_PROJECT and self.projects[project].privacy is not Privacy.STRICT:
                continue
            theirs = pc.equal(ids, project)
            hidden = private_columns(columns, self.definition, self.salts.get(project, ""))
            columns = {name: pc.if_else(theirs, hidden[name], values) for name, values in columns.items()}
        return columns

    def _rejected(
        self, batch: Batch, columns: Mapping[str, pa.Array], ids: pa.Array, reason: pa.Array, detail: pa.Array
    ) -> pa.Table:
        bad = pc.is_valid(reason)
        kept = pa.table(dict(columns)).filter(bad).to_pylist() if columns else []
        rows = [orjson.dumps({k: v for k, v in row.items() if v is not None}).decode() for row in kept]
        project = [value or "" for value in ids.filter(bad).to_pylist()]
        reasons, details = reason.filter(bad).to_pylist(), detail.filter(bad).to_pylist()
        for line in batch.unreadable:
            rows.append(self._unreadable(line.text))
            project.append(self.project)
            reasons.append(str(Reason.UNREADABLE))
            details.append(line.detail)
        copies = []
        for identity in zip(project, reasons, rows, strict=True):
            key = "\0".join(identity).encode()
            copies.append(self._copies[key])
            self._copies[key] += 1
        return pa.table([project, rows, reasons, details, [batch.origin] * len(rows), copies], schema=REJECTED)

    def _unreadable(self, text: str) -> str:
        """What cannot be read cannot be searched for what is personal: only an open or standard project keeps it."""
        project = self.projects.get(self.project)
        if project is None or project.privacy is Privacy.STRICT:
            return ""
        return text

    def _numbers(self, rows: int) -> pa.Array:
        return pa.array(range(self.accepted - rows, self.accepted), pa.int64())

    def _count(self, accepted: pa.Table, rejected: pa.Table) -> None:
        self.accepted += accepted.num_rows
        self.reasons.update(rejected["reason"].to_pylist())
        if self.definition.cursor and accepted.num_rows:
            newest = pc.max(accepted[self.definition.cursor].cast(INSTANT)).as_py()
            self.newest = newest if self.newest is None else max(self.newest, newest)
