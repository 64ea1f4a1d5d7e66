"""What the words of a project name: metrics, dimensions, values of dimensions, events and pages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from semantic_layer.ask.countries import is_country, names_of_countries
from semantic_layer.ask.shadowing import Shadows
from semantic_layer.ask.tokens import Token, content, fold, key_of, root, stem, words_of
from semantic_layer.metrics.catalogue import Catalogue, Dimension

LONGEST_TERM = 8  # words
ARTICLES = {"a", "an", "the", "their", "our", "his", "her", "its", "some", "any"}
AVERAGES = {"average", "averaged", "avg", "mean"}
# As codes of countries and other short values they are written in capitals: "in" is not India.
SHORT_WORDS = {"ad", "ai", "am", "an", "as", "at", "be", "by", "do", "er", "go", "he", "hi", "if", "in", "is", "it"}
SHORT_WORDS |= {"la", "ma", "me", "my", "no", "of", "oh", "ok", "on", "or", "pa", "pm", "re", "so", "to", "tv", "up"}
SHORT_WORDS |= {"us", "vs", "we"}
NO_NAME = re.compile(
    r"yes|no|true|false|unknown|other|others|none|all|any|new|null|not set|\W*|[\d.,+-]+", re.IGNORECASE
)
EVENT_NAMES = re.compile(r"(.*__)?event__name")  # signed_up says who did it, and is a metric or a step by itself
PAGES = re.compile(r"(.*__)?(page__path|page_path)")


@dataclass(frozen=True)
class Meaning:
    kind: str  # metric, dimension, value, event, page, funnel
    name: str  # of the metric, dimension, event or funnel; of a page its path
    value: str = ""
    rank: int = 0  # 0: its own name or label, 1: a synonym
    is_bare: bool = False  # the value itself, not what people call it

    @property
    def needs_dimension(self) -> bool:
        """Whether a value says nothing unless its dimension is named: yes, unknown, 404, 3.2."""
        return self.is_bare and bool(NO_NAME.fullmatch(self.value) or EVENT_NAMES.fullmatch(self.name))


@dataclass(frozen=True, eq=False)
class _Same:
    """The catalogue, whose mappings cannot be hashed, by which object it is."""

    catalogue: Catalogue

    def __hash__(self) -> int:
        return id(self.catalogue)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.catalogue is self.catalogue


class Lexicon:
    def __init__(self, catalogue: Catalogue, project: str) -> None:
        self.catalogue, self.project = catalogue, project
        self._terms: dict[str, dict[tuple[str, str, str], Meaning]] = {}
        self._spelled: set[tuple[str, str, str]] = set()  # phrase, kind, name: as it is declared, not by its stems
        self._events: dict[str, dict[tuple[str, str, str], Meaning]] = {}
        self.words: set[str] = set()  # of names, labels and synonyms: what a typing mistake may have been
        self.words_of_values: set[str] = set()
        for name, metric in catalogue.metrics.items():
            self._add(Meaning("metric", name), (name, metric.label))
            self._add(Meaning("metric", name, rank=1), metric.synonyms)
        for name, dimension in catalogue.dimensions.items():
            self._add_names(name, dimension)
        shadows = Shadows(self.words)
        for name, dimension in catalogue.dimensions.items():
            self._add_values(name, dimension, shadows)
        facts = catalogue.projects.get(project)
        if facts:
            for event in facts.events:
                self._add_event(event, facts.event_synonyms.get(event, ()))
            for name, funnel in catalogue.funnels_of(project).items():
                self._add(Meaning("funnel", name), (name, f"{funnel.title} funnel", f"funnel {funnel.title}"))

    def meanings(self, stems: str, tokens: Sequence[Token]) -> tuple[Meaning, ...]:
        """Of these words taken together; `stems` are their singulars without blanks."""
        found = dict(self._terms.get(stems, ()))
        exact = "".join(token.text for token in tokens)
        # Activations and activation are two metrics.
        if spelled := {at: one for at, one in found.items() if (exact, one.kind, one.name) in self._spelled}:
            found = {at: one for at, one in found.items() if at in spelled or one.kind not in _kinds(spelled)}
        if tokens[0].text in AVERAGES and exact != stems and tokens[-1].text != tokens[-1].stem:
            # Average orders are not the average order.
            counted = {meaning.name for meaning in self.metrics_named([token.text for token in tokens[1:]])}
            found = {at: one for at, one in found.items() if at in spelled or not counted - {one.name}}
        if exact != stems:
            found |= {key: meaning for key, meaning in self._terms.get(exact, {}).items() if meaning.kind == "value"}
        if exact in SHORT_WORDS and not "".join(token.raw for token in tokens).isupper():
            found = {key: meaning for key, meaning in found.items() if meaning.kind != "value"}
        if tokens[0].text not in ARTICLES:
            said = [token.text for token in tokens if token.text not in ARTICLES]
            found |= self._events.get(key_of(map(root, said)), {})
        if len(tokens) == 1 and tokens[0].kind == "path":
            path = tokens[0].raw.rstrip("?.,!")
            found["page", path, ""] = Meaning("page", path)
        return tuple(found.values())

    @cached_property
    def words_of_metrics(self) -> dict[str, tuple[tuple[frozenset[str], ...], frozenset[str]]]:
        """Of each metric the words of each of its names, and those that describe it."""
        return {
            name: (
                tuple(_stems(text) for text in (name, metric.label, *metric.synonyms)),
                _stems(metric.description),
            )
            for name, metric in self.catalogue.metrics.items()
        }

    def elliptical(self, tokens: Sequence[Token]) -> dict[tuple[int, int], tuple[Meaning, ...]]:
        """Metrics that share the end of a name: new and churned MRR; day-1, day-7 and day-30 retention. By the begin
        and the end of each such part."""
        found: dict[tuple[int, int], tuple[Meaning, ...]] = {}
        ends: dict[
            int, set[tuple[str, ...]]
        ] = {}  # begin -> what the name that begins there, or is joined there, ends with
        for i in range(len(tokens) - 1, -1, -1):
            ends[i] = self._endings(tokens[i : i + LONGEST_TERM])
            for end in range(i + 1, min(i + 4, len(tokens))):
                after = end
                while after < len(tokens) and tokens[after].text in ("and", ",", "&", "vs", "versus"):
                    after += 1
                if after == end:
                    continue
                for ending in ends.get(after, set()):
                    key = key_of((*(token.stem for token in tokens[i:end]), *ending))
                    metrics = tuple(m for m in self._terms.get(key, {}).values() if m.kind == "metric")
                    if metrics:
                        found[i, end] = metrics
                        ends[i].add(ending)
        return found

    def _endings(self, tokens: Sequence[Token]) -> set[tuple[str, ...]]:
        stems = [token.stem for token in tokens]
        names = [n for n in range(2, len(stems) + 1) if self._is_metric(key_of(stems[:n]))]
        return {tuple(stems[k:n]) for n in names for k in range(1, n)}

    def _is_metric(self, key: str) -> bool:
        return any(meaning.kind == "metric" for meaning in self._terms.get(key, {}).values())

    def metrics_named(self, words: Sequence[str]) -> tuple[Meaning, ...]:
        known = self._terms.get(key_of(map(stem, words)), {}).values()
        return tuple(meaning for meaning in known if meaning.kind == "metric")

    def dimensions_named(self, tokens: Sequence[Token]) -> set[str]:
        known = self._terms.get(key_of(token.stem for token in tokens), {})
        return {meaning.name for meaning in known.values() if meaning.kind == "dimension"}

    @cached_property
    def phrases_of_metrics(self) -> dict[str, list[frozenset[str]]]:
        """Of each metric its names, as sets of stems without small words."""
        return {
            name: [frozenset(map(stem, content(words_of(text)))) for text in (metric.label, *metric.synonyms)]
            for name, metric in self.catalogue.metrics.items()
        }

    def _add(self, meaning: Meaning, phrases: Iterable[str]) -> None:
        for phrase in phrases:
            words = words_of(phrase)
            self.words.update(words)
            if meaning.kind == "value":
                self.words_of_values.update(words)
            said = [words]
            if meaning.kind != "value" and "_" not in phrase and len(fewer := content(words)) > 1:
                said.append(fewer)
            self._spelled |= {("".join(some), meaning.kind, meaning.name) for some in said}
            for key in {key_of(map(stem, some)) for some in said} - {""}:
                self._terms.setdefault(key, {}).setdefault((meaning.kind, meaning.name, meaning.value), meaning)

    def _add_names(self, name: str, dimension: Dimension) -> None:
        self._add(Meaning("dimension", name), (name, name.rpartition("__")[2], dimension.label))
        self._add(Meaning("dimension", name, rank=1), dimension.synonyms)

    def _add_values(self, name: str, dimension: Dimension, shadows: Shadows) -> None:
        values = dimension.values.get(self.project, ())
        countries = is_country(name, values)
        screens = {fold(value) for value in values if not value.startswith("/")}
        for value in values:
            is_own = countries or value in dimension.value_synonyms
            if not is_own and shadows.hides(value, words_of(value)):
                continue
            # What is declared of a dimension is its own: email is a channel first, and a medium second.
            self._add(
                Meaning("value", name, value, rank=0 if value in dimension.value_synonyms else 1, is_bare=True),
                (value,),
            )
            if countries:
                self._add(Meaning("value", name, value, 1), names_of_countries(value))
            if PAGES.fullmatch(name):
                self._add_page(name, value, screens, shadows)
        # What people call a value counts also where it is not among the frequent ones.
        for value, words in dimension.value_synonyms.items():
            self._add(Meaning("value", name, value, 0), words)

    def _add_page(self, dimension: str, path: str, screens: Collection[str], shadows: Shadows) -> None:
        """By its words: the pricing page. Without `page` only where a journey leads there, since a path may be /new, or
        where a screen of an app is called so: both are meant then."""
        # A screen of an app has a name, and is a page to those only who have no page of that name.
        rank = 0 if path.startswith("/") else 1
        page, value = Meaning("page", path, rank=rank), Meaning("value", dimension, path, rank)
        if path == "/":
            for meaning in (page, value):
                self._add(meaning, ("home page", "homepage", "start page"))
            return
        parts = [part for part in path.strip("/").split("/") if part]
        for words in {parts[-1], " ".join(parts)} if parts else ():
            words = words.replace("-", " ")
            if len(words.split()) > 1 and shadows.hides(words, words.split()):
                continue
            self._add(page, (words, f"{words} page", f"page {words}"))
            self._add(value, (f"{words} page", f"page {words}"))
            if fold(words) in screens:
                self._add(Meaning("value", dimension, path, 1), (words,))

    def _add_event(self, event: str, synonyms: Sequence[str]) -> None:
        words = words_of(event)
        phrases = [words]
        if len(words) > 1:
            phrases.append([words[-1], *words[:-1]])  # completed order
        meaning = Meaning("event", event)
        for phrase in phrases:
            self._events.setdefault(key_of(map(root, phrase)), {})["event", event, ""] = meaning
            self.words.update(phrase)
        for synonym in synonyms:
            said = [word for word in words_of(synonym) if word not in ARTICLES]
            key = key_of(map(root, said))
            self._events.setdefault(key, {}).setdefault(("event", event, ""), Meaning("event", event, rank=1))
            self.words.update(said)


def _kinds(meanings: Mapping[tuple[str, str, str], Meaning]) -> set[str]:
    return {meaning.kind for meaning in meanings.values()}


@lru_cache(maxsize=4)
def _made(version: str, project: str, catalogue: _Same) -> Lexicon:
    return Lexicon(catalogue.catalogue, project)


def lexicon_of(catalogue: Catalogue, project: str) -> Lexicon:
    """Made once per catalogue."""
    return _made(catalogue.version, project, _Same(catalogue))


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, words_of(text)))
