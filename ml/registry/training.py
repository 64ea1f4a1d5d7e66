"""Training, judging and putting to use: what `millrace train | evaluate | promote | rollback | predict` do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ml.drift.comparing import summarise
from ml.registry.gate import Verdict, judge
from ml.registry.store import Store, Version
from ml.trainable import Evaluation, Trainable, Watched
from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import Settings

# What is wrong with a model that was kept, or with what it says: it stays wrong.
OF_WHAT_IS_KEPT = (type(None), ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class Trained:
    """A training that came to a model, and what became of it."""

    version: Version
    verdict: Verdict
    evaluation: Evaluation
    before: Version | None  # the champion until then, which it still is where this one did not pass
    remark: str = ""

    @property
    def promoted(self) -> bool:
        return self.verdict.passed


def train(store: Store, trainable: Trainable, project: str, until: date) -> Trained:
    """Train, judge beside the champion, keep, and promote what passes. Whatever fails, the champion stays."""
    with store.held():
        champion = store.champion(project, trainable.name)
        try:
            candidate = trainable.train(store.settings, project, until)
            kept = trainable.dump(candidate.model)
            model = trainable.load(kept)  # what cannot be read back is worth nothing
            reference = _reference(store.settings, trainable, project, model, until)
            judged, remark = _judged(store, trainable, champion, until)
        except Exception as error:
            reason = error.message if isinstance(error, MillraceError) else f"{type(error).__name__}: {error}"
            store.keep_failure(project, trainable.name, until, reason)
            stays = f"Version {champion.version} stays the champion." if champion else "There is no champion yet."
            hint = getattr(error, "hint", "")
            raise MillraceError(
                f"{trainable.name} of {project} was not trained: {reason.rstrip('.')}. {stays}", hint=hint
            ) from error
        verdict = judge(trainable.gate, candidate.evaluation, judged)
        version = store.keep(project, trainable, candidate, kept, until, verdict, reference)
        if verdict.passed:
            store.promote(version)
        else:
            store.challenge(version)
        return Trained(
            store.version(project, trainable.name, version.version), verdict, candidate.evaluation, champion, remark
        )


def _reference(
    settings: Settings, trainable: Trainable, project: str, model: Any, until: date
) -> Mapping[str, Any] | None:
    return summarise(trainable.sample(settings, project, model, until)) if isinstance(trainable, Watched) else None


def _judged(store: Store, trainable: Trainable, champion: Version | None, until: date) -> tuple[Evaluation | None, str]:
    """The champion on the window of the candidate. One that can no longer be judged keeps nobody out; where it cannot
    be judged now, because the warehouse or the store is away, nobody takes its place."""
    if champion is None:
        return None, ""
    try:
        model = store.load(trainable, champion)
        return trainable.evaluate(store.settings, champion.project, model, until), ""
    except (MillraceError, ValueError, KeyError, TypeError) as error:
        said = f"The champion, version {champion.version}, could not be judged: {error}"
        if isinstance(error, MillraceError) and not isinstance(error.__cause__, OF_WHAT_IS_KEPT):
            raise MillraceError(said, hint=error.hint) from error
        return None, said


def promote(store: Store, trainable: Trainable, project: str, number: int) -> Version:
    """By hand, past the gate: but only what can be loaded."""
    with store.held():
        version = store.version(project, trainable.name, number)
        store.load(trainable, version)
        store.promote(version)
        return store.version(project, trainable.name, number)


def rollback(store: Store, trainable: Trainable, project: str) -> Version:
    with store.held():
        return store.rollback(project, trainable.name)


def predict(store: Store, trainable: Trainable, project: str, day: date) -> tuple[Version, int]:
    """What the champion says at the end of `day`, written down; how many rows."""
    champion = store.must_have_champion(project, trainable.name)
    model = store.load(trainable, champion)
    return champion, trainable.predict(store.settings, project, model, str(champion.version), day)


def newest_day(settings: Settings, project: str) -> date:
    """The last day of the project that has events and is over: what is said is said at its end."""
    today = datetime.now(ZoneInfo(load_projects(settings)[project].timezone)).date()
    with closing(connect(settings, "modeler")) as client, failures_as_sentences("the events of the project"):
        rows = client.query(
            "SELECT max(local_date), count() FROM marts.fct_events "
            "WHERE project_id = {project:String} AND local_date < {today:Date}",
            parameters={"project": project, "today": today},
        ).result_rows
    day, events = rows[0]
    if not events:
        raise MillraceError(
            f"Nothing is known of project {project}: there is nothing to learn from.",
            hint="`millrace projects list` shows projects and their events; `millrace build` builds what was loaded.",
        )
    assert isinstance(day, date)
    return day
