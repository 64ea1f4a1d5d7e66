"""Looking at the champions day by day: written into ml.drift, and what it means for them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from ml.drift.comparing import FEWEST_NUMBERS, FEWEST_ROWS, Look, compare
from ml.registry.store import Store, Version
from ml.trainable import Evaluation, Gate, Trainable, Watched
from warehouse.connection import connect, failures_as_sentences, insert_rows
from warehouse.errors import MillraceError
from warehouse.settings import Settings

COLUMNS = ("project_id", "model", "version", "day", "kind", "name", "psi", "ks", "value", "reference", "drifted")
# So many features that have drifted are a reason to train anew by themselves.
MANY_FEATURES = 1 / 3


@dataclass(frozen=True)
class Watch:
    """A champion on a day."""

    version: Version
    day: date
    evaluation: Evaluation | None  # None: no outcome is known that it could be judged by
    looks: tuple[Look, ...]
    remark: str = ""

    @property
    def drifted(self) -> list[Look]:
        return [look for look in self.looks if look.drifted]

    @property
    def reasons_to_train(self) -> list[str]:
        return reasons_to_train(self.looks)

    @property
    def unsaid(self) -> str:
        """Of what nothing can be said; empty: of nothing."""
        names = [look.name for look in self.looks if look.is_unsaid]
        if not names:
            return ""
        takes = f"{FEWEST_NUMBERS} of numbers and {FEWEST_ROWS} of words, now and when trained"
        return f"Too few rows to say whether these have drifted: {', '.join(names)}. It takes {takes}."


def reasons_to_train(looks: Sequence[Look]) -> list[str]:
    drifted = [look for look in looks if look.drifted]
    reasons = [f"{look.name} is {look.value:.4g}" for look in drifted if look.kind == "performance"]
    reasons += [
        f"predictions are others than when trained ({_how_far(look)})" for look in drifted if look.kind == "prediction"
    ]
    features = [look for look in looks if look.kind == "feature"]
    moved = [look.name for look in features if look.drifted]
    if features and len(moved) > MANY_FEATURES * len(features):
        reasons.append(f"{len(moved)} of {len(features)} features have drifted: {', '.join(moved)}")
    return reasons


def _how_far(look: Look) -> str:
    return ", ".join(
        f"{name} {figure:.2f}" for name, figure in (("PSI", look.psi), ("KS", look.ks)) if figure is not None
    )


def watch(store: Store, trainable: Trainable, project: str, day: date) -> Watch:
    """How the champion is doing, written down."""
    champion = store.must_have_champion(project, trainable.name)
    model = store.load(trainable, champion)
    looks: list[Look] = []
    reference = store.reference(champion)
    if reference and isinstance(trainable, Watched):
        looks += compare(reference, trainable.sample(store.settings, project, model, day))
    evaluation, remark = None, ""
    try:
        evaluation = trainable.evaluate(store.settings, project, model, day)
    except MillraceError as error:  # too early, most often
        remark = f"{trainable.name} cannot be judged as of {day}: {error.message}"
    else:
        looks += performance(trainable.gate, evaluation, champion)
    _write(store.settings, champion, day, looks)
    return Watch(champion, day, evaluation, tuple(looks), remark)


def performance(gate: Gate, evaluation: Evaluation, champion: Version) -> list[Look]:
    """Every figure beside that of the training; the one that decides must keep minimum and tolerance."""
    looks = []
    for name, figure in evaluation.metrics.items():
        trained = champion.metrics.get(name)
        decayed = name == gate.metric and _decayed(gate, figure, trained)
        looks.append(Look("performance", name, decayed, value=figure, reference=trained))
    return looks


def _decayed(gate: Gate, figure: float, trained: float | None) -> bool:
    turned = 1 if gate.higher_is_better else -1
    too_low = gate.at_least is not None and turned * figure < turned * gate.at_least
    return too_low or (trained is not None and turned * (trained - figure) > gate.segment_tolerance)


def history(settings: Settings, project: str, model: str, days: int = 30) -> list[dict[str, Any]]:
    """What was found on the newest days that were looked at, the newest first."""
    sql = f"""
    SELECT {", ".join(COLUMNS[2:])} FROM ml.drift FINAL
    WHERE project_id = {{project:String}} AND model = {{model:String}} AND day IN (
        SELECT DISTINCT day FROM ml.drift WHERE project_id = {{project:String}} AND model = {{model:String}}
        ORDER BY day DESC LIMIT {{days:UInt32}}
    )
    ORDER BY day DESC, version DESC, kind, name
    """
    with closing(connect(settings, "modeler")) as client, failures_as_sentences("the history of drift"):
        found = client.query(sql, parameters={"project": project, "model": model, "days": days})
    return [dict(zip(COLUMNS[2:], row, strict=True)) for row in found.result_rows]


@dataclass(frozen=True)
class Due:
    """A champion that there is reason to train anew."""

    project: str
    model: str
    version: int
    day: date
    reasons: tuple[str, ...]


def due(settings: Settings) -> list[Due]:
    """By what was found the last time that each was looked at: of the newest day the champion of the last look, which
    after a rollback is a lower version."""
    sql = f"""
    SELECT {", ".join(COLUMNS)} FROM ml.drift FINAL
    WHERE (project_id, model, day, version) IN (
        SELECT project_id, model, max((day, written_at)).1, argMax(version, (day, written_at)) FROM ml.drift
        GROUP BY project_id, model
    )
    ORDER BY ALL
    """
    with closing(connect(settings, "modeler")) as client, failures_as_sentences("the history of drift"):
        rows = client.query(sql).result_rows
    found = []
    for (project, model, version, day), group in groupby(rows, key=lambda row: tuple(row[:4])):
        looks = [
            Look(kind, name, drifted, psi, ks, value, reference)
            for *_, kind, name, psi, ks, value, reference, drifted in group
        ]
        if reasons := reasons_to_train(looks):
            found.append(Due(project, model, version, day, tuple(reasons)))
    return found


def _write(settings: Settings, champion: Version, day: date, looks: list[Look]) -> None:
    rows = [
        (
            *(champion.project, champion.model, champion.version, day.isoformat(), look.kind, look.name),
            *(_finite(look.psi), _finite(look.ks), _finite(look.value), _finite(look.reference), look.drifted),
        )
        for look in looks
    ]
    if not rows:
        return
    with closing(connect(settings, "modeler")) as client, failures_as_sentences("the writing of drift"):
        insert_rows(client, "ml.drift", rows, COLUMNS)


def _finite(figure: float | None) -> float | None:
    from math import isfinite

    return figure if figure is not None and isfinite(figure) else None
