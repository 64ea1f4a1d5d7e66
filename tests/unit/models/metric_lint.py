"""What every metric and dimension must declare. Each problem is a sentence that names it and what to do."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

FORMATS = {"number", "percent", "currency", "seconds", "milliseconds", "score"}
GOOD = {"up", "down", "neutral"}
# MetricFlow takes these for grains of time, wherever they stand.
GRAINS = {"hour", "day", "week", "month", "quarter", "year"}
COUNTING = {"sum", "count", "count_distinct", "sum_boolean"}
# What these mean, the dimension beside them says: popular pages are viewed, popular products are sold;
# of what is used most too, features are used and browsers visited with.
MEAN_SEVERAL = {"popular", "used most", "most used"}
Manifest = dict[str, Any]
Element = dict[str, Any]


def problems(manifest: Manifest) -> list[str]:
    found = [
        f"metric {metric['name']}: {problem}"
        for metric in manifest["metrics"].values()
        for metric_rule in METRIC_RULES
        for problem in metric_rule(manifest, metric)
    ]
    found += [
        f"dimension {name}: {problem}"
        for name, dimension in dimensions(manifest)
        for dimension_rule in DIMENSION_RULES
        for problem in dimension_rule(dimension)
    ]
    return [*found, *(problem for rule in RULES for problem in rule(manifest))]


def meta(element: Element) -> dict[str, Any]:
    declared: dict[str, Any] = element["config"]["meta"]
    return declared


def dimensions(manifest: Manifest) -> Iterator[tuple[str, Element]]:
    """Those of each semantic model, as people call them: one of another model may have the same name."""
    for model in manifest["semantic_models"].values():
        named = [
            entity for entity in model["entities"] if entity["type"] != "foreign" and not meta(entity).get("hidden")
        ]
        prefix = model["primary_entity"] or named[0]["name"]
        for dimension in model["dimensions"]:
            yield f"{prefix}__{dimension['name']}", dimension


def measures(manifest: Manifest) -> dict[str, tuple[Element, Element]]:
    models = manifest["semantic_models"].values()
    return {measure["name"]: (model, measure) for model in models for measure in model["measures"]}


def plain(words: str) -> str:
    return re.sub(r"[-_\s]+", " ", words.lower()).strip()


def explains_itself(_: Manifest, metric: Element) -> Iterator[str]:
    if not metric["description"].endswith("."):
        yield "its description says in a sentence or two what it counts, by which rule"
    if not metric["time_granularity"]:
        yield "it has no time_granularity: by metric_time alone it would be told by the millisecond"


def says_who_answers_and_how_it_reads(_: Manifest, metric: Element) -> Iterator[str]:
    if not meta(metric).get("owner"):
        yield "it has no meta.owner"
    if meta(metric).get("format") not in FORMATS:
        yield f"its meta.format is one of {', '.join(sorted(FORMATS))}"
    if meta(metric).get("good") not in GOOD:
        yield f"its meta.good is one of {', '.join(sorted(GOOD))}"


def is_called_something(_: Manifest, metric: Element) -> Iterator[str]:
    if not meta(metric).get("hidden") and len(meta(metric).get("synonyms", ())) < 3:
        yield "three meta.synonyms at least, as people call it; or hidden: true where it only helps others"


def counts_nothing_as_zero(manifest: Manifest, metric: Element) -> Iterator[str]:
    """But not what is a balance, or left out until it is known: there nothing is no zero."""
    for used in _own_measures(metric):
        measure = measures(manifest)[used["name"]][1]
        counts = measure["agg"] in COUNTING and not measure["non_additive_dimension"]
        if counts and used["fill_nulls_with"] != 0:
            yield f"{used['name']} counts: fill_nulls_with: 0"
        if not counts and used["fill_nulls_with"] is not None:
            yield f"{used['name']} does not count: without fill_nulls_with"


def tells_the_last_of_a_period(manifest: Manifest, metric: Element) -> Iterator[str]:
    """Of a month MetricFlow would tell its first day."""
    if metric["type"] == "cumulative" and metric["type_params"]["cumulative_type_params"]["period_agg"] != "last":
        yield "period_agg: last, else it tells the begin of a period"


def is_described(dimension: Element) -> Iterator[str]:
    if not dimension["label"] or not (dimension["description"] or "").endswith("."):
        yield "it has no label, or no sentence that describes it"
    if not meta(dimension).get("hidden") and not meta(dimension).get("synonyms"):
        yield "it has no meta.synonyms; or hidden: true where it is there for MetricFlow alone"


def is_no_grain(dimension: Element) -> Iterator[str]:
    if dimension["name"] in GRAINS:
        yield f"it may not be called {dimension['name']}, as a grain of time is"


def has_values_that_are_told_apart(dimension: Element) -> Iterator[str]:
    called = defaultdict(set)
    for value, words in meta(dimension).get("value_synonyms", {}).items():
        for word in (value, *words):
            called[plain(word)].add(value)
    for word, values in called.items():
        if len(values) > 1:
            yield f"{word!r} is {' and '.join(sorted(values))}"


def no_words_mean_two_metrics(manifest: Manifest) -> Iterator[str]:
    called = defaultdict(list)
    for metric in manifest["metrics"].values():
        own = [plain(words) for words in (metric["name"], metric["label"])]
        more = [plain(words) for words in meta(metric).get("synonyms", ())]
        for words in {*own, *more}:
            called[words].append(metric["name"])
        for words in sorted({words for words in more if words in own or more.count(words) > 1}):
            yield f"metric {metric['name']}: it is called {words!r} anyway"
    for words, names in called.items():
        if len(names) > 1 and words not in MEAN_SEVERAL:
            yield f"metrics {' and '.join(sorted(names))}: {words!r} means both"


def dimensions_of_one_name_are_the_same(manifest: Manifest) -> Iterator[str]:
    """As marketing spend and people have an acquisition channel. One of them says it for both."""
    by_name = defaultdict(list)
    for name, dimension in dimensions(manifest):
        by_name[name].append(dimension)
    for name, several in by_name.items():
        for what in ("label", "description"):
            if len({dimension[what] for dimension in several}) > 1:
                yield f"dimension {name}: its {what} differs between semantic models"
        if len({repr(meta(dimension).get("synonyms")) for dimension in several}) > 1:
            yield f"dimension {name}: its synonyms differ between semantic models"


def values_are_called_the_same_everywhere(manifest: Manifest) -> Iterator[str]:
    """A phone is mobile, whether it is the device of an event, of a session or of a first session."""
    by_name: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, dimension in dimensions(manifest):
        if words := meta(dimension).get("value_synonyms"):
            by_name[dimension["name"]][name] = words
    for several in by_name.values():
        first, *others = several
        for other in others:
            if several[other] != several[first]:
                yield f"dimension {other}: its value_synonyms are not those of {first}"


def measures_are_described_and_used(manifest: Manifest) -> Iterator[str]:
    used = {one["name"] for m in manifest["metrics"].values() for one in m["type_params"]["input_measures"]}
    for name, (_, measure) in measures(manifest).items():
        if not measure["description"]:
            yield f"measure {name}: it has no description, of which people are told what a metric is made of"
        if name not in used:
            yield f"measure {name}: no metric is made of it"


def reads_marts(manifest: Manifest) -> Iterator[str]:
    """Which analysts may read, and of which each row is a project's."""
    for model in manifest["semantic_models"].values():
        for node in (manifest["nodes"][name] for name in model["depends_on"]["nodes"]):
            if node["schema"] != "marts" or "project_id" not in node["columns"]:
                yield f"semantic model {model['name']}: {node['name']} is no mart with a project_id"


def _own_measures(metric: Element) -> list[Element]:
    """What a metric takes from measures itself; a conversion counts both sides by its own rules."""
    measure = metric["type_params"]["measure"]
    return [measure] if metric["type"] in ("simple", "cumulative") else []


METRIC_RULES: tuple[Callable[[Manifest, Element], Iterator[str]], ...] = (
    explains_itself,
    says_who_answers_and_how_it_reads,
    is_called_something,
    counts_nothing_as_zero,
    tells_the_last_of_a_period,
)
DIMENSION_RULES: tuple[Callable[[Element], Iterator[str]], ...] = (
    is_described,
    is_no_grain,
    has_values_that_are_told_apart,
)
RULES: tuple[Callable[[Manifest], Iterator[str]], ...] = (
    no_words_mean_two_metrics,
    dimensions_of_one_name_are_the_same,
    values_are_called_the_same_everywhere,
    measures_are_described_and_used,
    reads_marts,
)
