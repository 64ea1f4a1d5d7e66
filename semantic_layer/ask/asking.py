"""A question on its way: the matcher first; what it refuses or is not sure of goes to the cache and the language model,
where there is one; what was understood is run."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from semantic_layer.ask.answering import Answer, answer_journey, answer_metrics
from semantic_layer.ask.history import Row, as_row
from semantic_layer.ask.llm.budget import BudgetSpent, Used
from semantic_layer.ask.llm.cache import Cache
from semantic_layer.ask.llm.model import ModelFailed
from semantic_layer.ask.llm.reply import NotAnswerable
from semantic_layer.ask.llm.route import ask_model
from semantic_layer.ask.next_questions import next_questions
from semantic_layer.ask.phrasing import with_labels
from semantic_layer.ask.sessions import Session, load_session, save_session
from semantic_layer.ask.structures import Structure, kind_of, to_json
from semantic_layer.ask.understanding import Context, suggested, understand
from semantic_layer.ask.understood import Refusal, Route, Understood
from semantic_layer.ask.wording import Span, period_name
from semantic_layer.metrics.catalogue import Catalogue, ProjectFacts
from semantic_layer.metrics.checking import check_values
from semantic_layer.metrics.models import MetricQuery
from semantic_layer.projects import choose_project
from semantic_layer.reader import Reader
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings

SURE = 0.6  # below it a language model is asked as well, where there is one
FAR = timedelta(days=400)  # another today: whether a question depends on it


@dataclass(frozen=True)
class Asked:
    """What became of a question: for its asker, and for the history."""

    result: Answer | Refusal
    row: Row


class Asker:
    """Asks one question after the other; what they have in common is loaded once."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        project: str | None = None,
        session: str = "",
        as_of: date | None = None,
        use_cache: bool = True,
    ) -> None:
        self._settings, self._catalogue = settings, catalogue
        self._session, self._use_cache = session, use_cache
        self._before = load_session(settings, session) if session else None
        self.project = self._choose(project)
        if self._before and self._before.project != self.project:
            self._before = None
        facts = catalogue.projects[self.project]
        self.as_of, self._assumed = (as_of, "") if as_of else _today(facts)
        self._last_day = as_of if as_of and facts.last_day and as_of < facts.last_day else None
        if self._last_day:  # what came later is not known yet on that day
            facts = replace(facts, last_day=self._last_day)
            self._catalogue = replace(catalogue, projects={**catalogue.projects, self.project: facts})
        self._tokens = 0
        self._route: Route = "matcher"

    def ask(self, question: str) -> Asked:
        begun = time.monotonic()
        self._tokens, self._route = 0, "matcher"
        row = Row(self.project, question, "failed", session=self._session)
        try:
            understood = self.understand(question)
            if isinstance(understood, Refusal):
                return self._refused(understood, row, begun)
            structure = understood.query
            row = replace(
                row,
                kind=kind_of(structure),
                structure=as_row(to_json(structure)),
                route=understood.route,
                confidence=understood.confidence,
            )
            try:
                answer = self._answer(question, understood)
            except WrongUsage as error:
                # It was understood, and is nothing that can be asked: metrics that do not go together, most likely.
                return self._refused(self._in_words(question, error), row, begun)
            rows = len(answer.table.rows)
            row = replace(row, outcome="answered" if rows else "empty", result_rows=rows)
            self._remember(structure)
            return Asked(answer, self._measured(row, begun))
        except Exception as error:
            reason = error.message if isinstance(error, MillraceError) else type(error).__name__
            raise AskingFailed(error, self._measured(replace(row, reason=reason), begun)) from error

    def _in_words(self, question: str, error: WrongUsage) -> Refusal:
        """What those who write queries are told, with labels in the place of names."""
        reason = with_labels(error.message, self._catalogue)
        context = Context(self.project, self.as_of)
        return Refusal(reason, suggestions=suggested(question, self._catalogue, context))

    def _refused(self, refusal: Refusal, row: Row, begun: float) -> Asked:
        words = list(refusal.unknown_words)
        row = replace(row, outcome="refused", route=self._route, reason=refusal.reason, unknown_words=words)
        return Asked(refusal, self._measured(row, begun))

    def _measured(self, row: Row, begun: float) -> Row:
        return replace(row, milliseconds=round((time.monotonic() - begun) * 1000), tokens=self._tokens)

    def understand(self, question: str) -> Understood | Refusal:
        matched = self._match(question)
        sure = isinstance(matched, Understood) and matched.confidence >= SURE
        is_final = isinstance(matched, Refusal) and matched.is_final
        if sure or is_final or not self._settings.llm_model or not question.strip():
            return matched
        try:
            return self._ask_model(question)
        except NotAnswerable:
            return matched
        except WrongUsage:
            said = "the language model's answer was no valid structure, also when it was asked again"
        except (ModelFailed, BudgetSpent) as error:
            said = error.message.rstrip(".")
        if isinstance(matched, Understood):
            return replace(matched, remarks=(*matched.remarks, f"{said[0].upper()}{said[1:]}."))
        return replace(matched, reason=f"{matched.reason} {said[0].upper()}{said[1:]}.")

    def _match(self, question: str, as_of: date | None = None) -> Understood | Refusal:
        before = Understood(self._before.structure, 1.0, "matcher") if self._before else None
        return understand(question, self._catalogue, Context(self.project, as_of or self.as_of, before))

    def _ask_model(self, question: str) -> Understood:
        before = self._before.structure if self._before else None
        cache = Cache(self._settings, question, self._catalogue, self.project, self.as_of, before)
        if self._use_cache and (kept := cache.get()):
            return Understood(kept[0], kept[1], "cache", (self._by_model,))
        self._route = "llm"
        used = Used()
        try:
            structure, confidence = ask_model(
                self._settings, question, self._catalogue, self.project, self.as_of, before, used, self._check_values
            )
        finally:
            self._tokens += used.tokens
        cache.put(structure, confidence)
        return Understood(structure, confidence, "llm", (self._by_model,))

    @property
    def _by_model(self) -> str:
        return f"The language model {self._settings.llm_model} read the question; look whether this is what you mean."

    def _check_values(self, structure: Structure) -> None:
        if isinstance(structure, MetricQuery) and structure.where:
            check_values(structure, self._catalogue, Reader(self._settings))

    def _answer(self, question: str, understood: Understood) -> Answer:
        if self._last_day and understood.query.last_day is None:
            until = understood.query.model_copy(update={"last_day": self._last_day})
            understood = replace(understood, query=until)
        if isinstance(understood.query, MetricQuery):
            answer = answer_metrics(self._settings, question, understood, self._catalogue, self.as_of, self._use_cache)
        else:
            answer = answer_journey(self._settings, question, understood, self._catalogue, self.as_of, self._use_cache)
        remarks = answer.remarks
        if self._assumed and self._depends_on_today(question, understood):
            remarks = (*remarks, self._assumed)
        return replace(
            answer,
            remarks=remarks,
            suggestions=next_questions(understood.query, self._catalogue, self._match_alone),
        )

    def _match_alone(self, question: str) -> Understood | Refusal:
        """Without what was asked before."""
        return understand(question, self._catalogue, Context(self.project, self.as_of, None))

    def _depends_on_today(self, question: str, understood: Understood) -> bool:
        if understood.query.first_day is None and understood.query.last_day is None:
            return False
        if understood.route != "matcher":
            return True
        other = self._match(question, self.as_of + FAR)
        return not isinstance(other, Understood) or other.query != understood.query

    def _remember(self, structure: Structure) -> None:
        self._before = Session(self.project, structure)
        if self._session:
            save_session(self._settings, self._session, self._before)

    def _choose(self, given: str | None) -> str:
        known = {name: facts for name, facts in self._catalogue.projects.items() if facts.last_day}
        if given is not None and given not in known:
            raise WrongUsage(
                f"There is no project {given!r} with events{nearest(given, known) or '.'}",
                hint=f"Projects with events are {', '.join(known)}." if known else "",
            )
        if not known:
            raise MillraceError(
                "There is nothing to ask about yet: no project has events in the marts.",
                hint="Load events with `millrace load`, then run `millrace build`.",
            )
        if given is None and self._before and self._before.project in known:
            return self._before.project
        return choose_project(self._settings, given, known, lambda names: [name for name in names if name in known])


class AskingFailed(Exception):
    """A question that could not be answered, and its row for the history."""

    def __init__(self, error: Exception, row: Row) -> None:
        super().__init__(str(error))
        self.error, self.row = error, row


def _today(facts: ProjectFacts) -> tuple[date, str]:
    """Today where the project is; where the data ended before, its last day, and a sentence that says so."""
    today = datetime.now(ZoneInfo(facts.timezone)).date()
    if facts.last_day is None or facts.last_day >= today:
        return today, ""
    day = period_name(Span(facts.last_day, facts.last_day))
    return facts.last_day, (
        f"The data of {facts.name} ends on {day}, so that day counts as today; --as-of takes another."
    )
