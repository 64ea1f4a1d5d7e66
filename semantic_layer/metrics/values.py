"""The values of a dimension, as the catalogue knows them, or looked for in the warehouse."""

from __future__ import annotations

from semantic_layer.metrics.catalogue import KNOWN_VALUES, Catalogue
from semantic_layer.metrics.checking import find_dimension, kind_of
from semantic_layer.metrics.models import METRIC_TIME
from semantic_layer.metrics.requests import literal
from semantic_layer.reader import Reader
from warehouse.errors import WrongUsage
from warehouse.settings import Settings


def values_of(
    settings: Settings, catalogue: Catalogue, project: str, name: str, like: str | None
) -> tuple[dict[str, tuple[str, ...]], bool]:
    """By value what people call it, the most frequent first; and whether these are all."""
    dimension = find_dimension(name, catalogue)
    if name == METRIC_TIME or kind_of(dimension) == "time":
        raise WrongUsage(f"{name} is a time: it has days, not values.", hint="Days are chosen by --from and --to.")
    known = dimension.values.get(project, ())
    are_all = len(known) < KNOWN_VALUES
    if like is not None and are_all:
        known = tuple(value for value in known if like.lower() in value.lower())
    elif like is not None:
        text = f"toString({dimension.expression})"
        rows = Reader(settings).rows(
            f"SELECT {text} FROM {dimension.table} WHERE project_id = {literal(project)} AND {text} != '' "
            f"AND positionCaseInsensitiveUTF8({text}, {literal(like)}) > 0 "
            f"GROUP BY 1 ORDER BY count() DESC, 1 LIMIT {KNOWN_VALUES}"
        )
        known = tuple(str(value) for (value,) in rows)
        are_all = len(known) < KNOWN_VALUES
    return {value: dimension.value_synonyms.get(value, ()) for value in known}, are_all
