"""The dimensions of metrics as paths of events: what journeys are filtered and broken down by."""

from __future__ import annotations

from collections.abc import Sequence

from semantic_layer.ask.lexicon import Meaning
from semantic_layer.ask.resolution import Unclear
from semantic_layer.ask.slots import Clause, Mention
from semantic_layer.journeys.models import Filter, Operator
from semantic_layer.metrics.catalogue import Catalogue

# The last part of a dimension's name -> path. Those of semantic_layer/journeys/rendering.py, which a test compares.
PATHS = {
    "app_version": "app.version",
    "browser": "browser",
    "campaign": "campaign.name",
    "campaign_content": "campaign.content",
    "campaign_medium": "campaign.medium",
    "campaign_name": "campaign.name",
    "campaign_source": "campaign.source",
    "campaign_term": "campaign.term",
    "city": "city",
    "country": "country",
    "device": "device.type",
    "device_type": "device.type",
    "library": "library",
    "os": "os",
    "page_host": "page.host",
    "page_path": "page.path",
    "page_title": "page.title",
    "plan": "user.plan",
    "referrer_host": "referrer.host",
    "referrer_kind": "referrer.kind",
    "region": "region",
    "tier": "user.tier",
    "version": "app.version",
}
ENTITIES = ("event", "page", "session", "user")
# Where the last part alone would say something else.
OF_ENTITIES = {
    ("user", "country"): "user.country",
    ("page", "path"): "page.path",
    ("page", "title"): "page.title",
    ("page", "host"): "page.host",
}


def path_of(dimension: str) -> str | None:
    entity, _, name = dimension.rpartition("__")
    return OF_ENTITIES.get((entity, name)) or PATHS.get(name)


def _nearness(meaning: Meaning) -> tuple[int, int]:
    """Of the event itself before that of its session, and that before what is known of people."""
    entity = meaning.name.rpartition("__")[0]
    return meaning.rank, ENTITIES.index(entity) if entity in ENTITIES else len(ENTITIES)


def choose_path(catalogue: Catalogue, mention: Mention) -> str:
    ranked = sorted(mention.meanings, key=_nearness)
    paths = [path for meaning in ranked if (path := path_of(meaning.name))]
    if not paths:
        raise Unclear(f"Journeys are told by what is known of events, which {mention.text} is not.")
    return paths[0]


def one_value_only(path: str) -> str:
    named = path.replace(".", " ").replace("_", " ")
    return f"A journey takes one value of {named}: ask by {named} instead."


def filters_of(catalogue: Catalogue, clauses: Sequence[Clause]) -> list[Filter]:
    """Conditions as filters of a step, which must all hold and take one value each."""
    filters: list[Filter] = []
    for clause in clauses:
        if clause.joined_by == "or":
            raise Unclear("A journey takes conditions that all hold, none with `or`: ask two questions.")
        if clause.values:
            names = set.intersection(*({meaning.name for meaning in value} for value in clause.values))
            if clause.dimension:
                names &= {meaning.name for meaning in clause.dimension.meanings}
            ranked = [m for m in sorted(clause.values[0], key=_nearness) if m.name in names]
            path = choose_path(catalogue, Mention(clause.text, tuple(ranked)))
            name = next(m.name for m in ranked if path_of(m.name) == path)
            values: list[str | int | float] = [m.value for value in clause.values for m in value if m.name == name]
        else:
            assert clause.dimension
            path, values = choose_path(catalogue, clause.dimension), [*clause.constants]
        operator = Operator(str(clause.operator))
        if len(set(values)) > 1 and operator is not Operator.UNEQUAL:
            raise Unclear(one_value_only(path))
        filters += [Filter(path=path, operator=operator, value=value) for value in dict.fromkeys(values)]
    return filters
