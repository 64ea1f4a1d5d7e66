"""What a question was understood as, as JSON and back: for output, sessions, the cache and language models. Whatever
comes back is validated as flags are; nothing else ever becomes a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from semantic_layer.journeys.models import Funnel, Journey, Lifecycle, Paths, Retention, Stickiness, make
from semantic_layer.metrics.models import MetricQuery
from warehouse.errors import WrongUsage, nearest

Structure = MetricQuery | Journey

KINDS: dict[str, type[MetricQuery | Journey]] = {
    "metrics": MetricQuery,
    "funnel": Funnel,
    "retention": Retention,
    "lifecycle": Lifecycle,
    "paths": Paths,
    "stickiness": Stickiness,
}


# Retention has a kind of its own.
OUTER_NAMES = {"kind": "cohort_kind"}


def kind_of(structure: Structure) -> str:
    return next(kind for kind, model in KINDS.items() if type(structure) is model)


def to_json(structure: Structure) -> dict[str, Any]:
    """With its kind; what is not asked for is left out."""
    values = BaseModel.model_dump(structure, mode="json", by_alias=True, exclude_none=True)
    told = {OUTER_NAMES.get(name, name): value for name, value in values.items() if value not in ([], {})}
    return {"kind": kind_of(structure), **told}


def from_json(document: Any, project: str) -> Structure:
    """The structure of this project; a document that says another one is refused."""
    if not isinstance(document, Mapping):
        raise WrongUsage("A structure is a JSON object.")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        meant = nearest(str(kind), KINDS) or f"; known are {', '.join(KINDS)}."
        raise WrongUsage(f"There is no kind {kind!r}{meant}")
    inner = {outer: name for name, outer in OUTER_NAMES.items()}
    values = {inner.get(str(name), str(name)): value for name, value in document.items() if name != "kind"}
    if values.setdefault("project", project) != project:
        raise WrongUsage(f"The project is {project!r}, not {values['project']!r}.")
    return make(KINDS[kind], values)
