"""From a model's text to a structure that was validated as flags are, or to what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import Any

from semantic_layer.ask.checking import check
from semantic_layer.ask.llm.model import Reply
from semantic_layer.ask.structures import Structure, from_json
from semantic_layer.metrics.catalogue import Catalogue
from warehouse.errors import MillraceError, WrongUsage

LONGEST_REPLY = 20_000
FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


class NotAnswerable(MillraceError):
    """The model says that the catalogue does not answer the question."""


def structure_of(reply: Reply, catalogue: Catalogue, project: str) -> Structure:
    """WrongUsage says what the model has to mend."""
    if reply.cut:
        raise WrongUsage("The reply was longer than it may be, and was cut off.")
    if reply.problem:
        raise WrongUsage(reply.problem)
    if len(reply.text) > LONGEST_REPLY:
        raise WrongUsage("The reply is too long.")
    document = _document(reply.text)
    if isinstance(document, dict) and set(document) == {"answer"}:
        document = document["answer"]
    if isinstance(document, dict) and document.get("kind") == "none":
        raise NotAnswerable("The language model finds nothing that answers this question.")
    return check(from_json(document, project), catalogue)


def _document(text: str) -> Any:
    fenced = FENCE.match(text)
    try:
        return json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError) as error:
        raise WrongUsage("The reply is not one JSON object and nothing else.") from error
