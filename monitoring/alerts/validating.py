"""Every mistake in alerts/*.yaml, also in names that only the semantic layer knows."""

from __future__ import annotations

from monitoring.alerts.declared import Declaration, Mistake, in_order, load_declaration
from monitoring.alerts.rules import OfMetric
from semantic_layer.metrics.catalogue import Catalogue, load_catalogue, semantic_manifest
from warehouse.errors import MillraceError
from warehouse.settings import Settings


def mistakes_of(settings: Settings) -> tuple[Declaration, list[Mistake]]:
    declared = load_declaration(settings)
    mistakes = list(declared.mistakes)
    if semantic_manifest(settings).exists() and any(isinstance(rule, OfMetric) for rule in declared.rules.values()):
        mistakes += _of_metrics(declared, load_catalogue(settings))
    return declared, in_order(mistakes)


def _of_metrics(declared: Declaration, catalogue: Catalogue) -> list[Mistake]:
    from monitoring.alerts.conditions.metrics import check_rule

    found = []
    for name, rule in declared.rules.items():
        if isinstance(rule, OfMetric):
            try:
                check_rule(rule, catalogue)
            except MillraceError as error:
                place = declared.places["rules", name]
                about = "metric" if rule.metric not in catalogue.metrics else "by" if rule.by else "where"
                found.append(place.mistake(["rules", name, about], f"rules.{name}: {error.message}"))
    return found
