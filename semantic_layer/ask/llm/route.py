"""The route of the language model: asked once, and once more with what was wrong; then the question is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from semantic_layer.ask.llm.budget import Used, complete_in_budget
from semantic_layer.ask.llm.prompt import messages, repair, structure_tool
from semantic_layer.ask.llm.reply import structure_of
from semantic_layer.ask.structures import Structure
from semantic_layer.metrics.catalogue import Catalogue
from warehouse.errors import WrongUsage
from warehouse.settings import Settings

FIRST_ROUND, REPAIRED = 0.7, 0.5  # how sure we are of what a model says: less than of the matcher's full cover


def ask_model(
    settings: Settings,
    question: str,
    catalogue: Catalogue,
    project: str,
    today: date,
    before: Structure | None,
    used: Used,
    check_values: Callable[[Structure], None] = lambda _: None,
) -> tuple[Structure, float]:
    """The structure and the confidence in it. WrongUsage: also the second reply was none. `check_values` looks into the
    warehouse, for what the catalogue does not know."""
    told = messages(question, catalogue, project, today, before)
    tool = structure_tool(question, catalogue)
    for confidence in (FIRST_ROUND, REPAIRED):
        reply = complete_in_budget(settings, told, tool, used)
        try:
            structure = structure_of(reply, catalogue, project)
            check_values(structure)
            return structure, confidence
        except WrongUsage as error:
            problem = " ".join(part for part in (error.message, error.hint) if part)
            told = [*told, *repair(reply.text, problem)]
            last = error
    raise last
