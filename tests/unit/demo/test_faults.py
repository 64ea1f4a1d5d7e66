"""The faulty lines are refused by the contract for the reasons that the truths state, and the good ones are not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from ingestion.contract import Reason
from ingestion.demo import faults
from ingestion.registry import load_registry
from ingestion.validation import line_problems
from ingestion.wire.decode import decode_line
from ingestion.wire.dialect import Decoded
from tests.unit.demo import recount


def test_each_line_is_refused_for_its_reason(folder: Path, truths: Any) -> None:
    registry = load_registry()
    stated = truths["load"]["faults"]["faults/canonical.jsonl"]
    reasons: Counter[str] = Counter()
    accepted = 0
    lines = (folder / "faults" / "canonical.jsonl").read_bytes().splitlines()
    for line in lines:
        problems = line_problems(line, registry, [*truths["projects"]])
        if problems:
            reasons[problems[0].reason.value] += 1
        else:
            accepted += 1
    assert dict(reasons) == stated["rejected"]
    assert (len(lines), accepted) == (stated["lines"], stated["accepted"]["demo"])
    assert set(stated["rejected"]) == {reason.value for reason in Reason} - {Reason.NO_CONSENT.value}


def test_the_good_ones_among_them_are_repeats(folder: Path, truths: Any) -> None:
    registry = load_registry()
    lines = (folder / "faults" / "canonical.jsonl").read_bytes().splitlines()
    good = [line for line in lines if not line_problems(line, registry, [*truths["projects"]])]
    known = {event["event_id"] for event in recount.everything(folder, truths)}
    ids = {outcome.event["event_id"] for line in good for outcome in decode_line(line) if isinstance(outcome, Decoded)}
    assert len(ids) == truths["load"]["faults"]["faults/canonical.jsonl"]["accepted"]["demo"]
    assert ids <= known


def test_an_unknown_key_names_no_project(folder: Path, truths: Any) -> None:
    lines = (folder / "faults" / "segment.jsonl").read_bytes().splitlines()
    keys = {outcome.write_key for line in lines for outcome in decode_line(line) if isinstance(outcome, Decoded)}
    assert keys == {faults.UNKNOWN_KEY}
    assert faults.UNKNOWN_KEY not in {project["write_key"] for project in truths["projects"].values()}
    assert len(lines) == truths["load"]["faults"]["faults/segment.jsonl"]["lines"]
