"""Every mistake in alerts/*.yaml, also in names that only the semantic layer and the dbt project know."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from monitoring.alerts.conditions import fits
from monitoring.alerts.declared import Declaration, load_declaration
from monitoring.alerts.rules import (
    AnomalyRule,
    CheckFailureRule,
    ExperimentRule,
    FreshnessRule,
    OfMetric,
    Rule,
    SegmentRule,
)
from monitoring.declarations import Mistake, in_order
from monitoring.watch.declared import read_watches
from semantic_layer.metrics.catalogue import Catalogue, load_catalogue, semantic_manifest
from warehouse.errors import MillraceError, nearest
from warehouse.lineage.graph import built_graph
from warehouse.settings import Settings

OF_VERSIONS = ("project_id", "valid_from", "valid_to")


def mistakes_of(settings: Settings) -> tuple[Declaration, list[Mistake]]:
    declared = load_declaration(settings)
    mistakes = list(declared.mistakes)
    if semantic_manifest(settings).exists():  # else nothing was built, and no name is known
        for name, rule in declared.rules.items():
            for key, sentence in _names(settings, rule):
                path = ["rules", name, key]
                mistakes.append(declared.places["rules", name].mistake(path, f"{'.'.join(path)}: {sentence}"))
    return declared, in_order(mistakes)


def remarks_on(settings: Settings, declared: Declaration) -> list[str]:
    """What is no mistake, and may not be meant: watched metrics and models of owners whom nothing says how to reach."""
    anomalies = {rule.owner for rule in declared.rules.values() if isinstance(rule, AnomalyRule)}
    if not anomalies or not semantic_manifest(settings).exists():
        return []
    of_owner: dict[str, list[str]] = {}
    for watch in read_watches(settings, load_catalogue(settings)):
        if watch.owner and watch.owner not in declared.owners:
            of_owner.setdefault(watch.owner, []).append(watch.name)
    return [
        f"{owner} of {', '.join(dict.fromkeys(names))} is no owner in alerts/*.yaml, so anomalies of these go to "
        f"{' and '.join(sorted(anomalies))}{nearest(owner, declared.owners) or '.'}"
        for owner, names in sorted(of_owner.items())
    ]


def _names(settings: Settings, rule: Rule) -> Iterator[tuple[str, str]]:
    """The key at which a name is wrong, and why."""
    match rule:
        case OfMetric():
            yield from _of_metric(rule, load_catalogue(settings))
        case ExperimentRule():
            yield from _of_experiments(settings, rule)
        case SegmentRule():
            yield from _of_table(settings, rule)
        case FreshnessRule() | CheckFailureRule():
            yield from _that_fit_nothing(
                "assets", rule.assets, built_graph(settings).nodes, "table, as marts.fct_orders,"
            )
        case AnomalyRule():
            watched = [watch.series for watch in read_watches(settings, load_catalogue(settings))]
            yield from _that_fit_nothing("series", rule.series, watched, "watched series, as metric:revenue,")


def _that_fit_nothing(
    key: str, patterns: Iterable[str], known: Collection[str], what: str
) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        if not any(fits(name, [pattern]) for name in known):
            yield key, f"no {what} fits {pattern!r}{nearest(pattern, known) or '.'}"


def _of_metric(rule: OfMetric, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    from monitoring.alerts.conditions.metrics import check_rule

    try:
        check_rule(rule, catalogue)
    except MillraceError as error:
        yield "metric" if rule.metric not in catalogue.metrics else "by" if rule.by else "where", error.message


def _of_experiments(settings: Settings, rule: ExperimentRule) -> Iterator[tuple[str, str]]:
    from monitoring.experiments import read_plans

    try:
        plans = read_plans(settings, load_catalogue(settings))
    except MillraceError as error:
        yield "experiments", error.message
        return
    for pattern in rule.experiments:
        if pattern != "*" and not any(fits(name, [pattern]) for name in plans):
            yield "experiments", f"no experiment {pattern!r} has a plan{nearest(pattern, plans) or '.'}"


def _of_table(settings: Settings, rule: SegmentRule) -> Iterator[tuple[str, str]]:
    graph = built_graph(settings)
    marts = [asset.partition(".")[2] for asset in graph.nodes if asset.startswith("marts.")]
    if rule.table not in marts:
        yield "table", f"there is no table {rule.table!r} in marts{nearest(rule.table, marts) or '.'}"
        return
    columns = graph.manifest["nodes"][graph.nodes[f"marts.{rule.table}"]]["columns"]
    for key in ("column", "key"):
        name = getattr(rule, key)
        if name not in columns:
            yield key, f"{rule.table} has no column {name!r}{nearest(name, columns) or '.'}"
    if missing := [name for name in OF_VERSIONS if name not in columns]:
        yield "table", f"{rule.table} has no versions: it lacks {', '.join(missing)}."
