"""What somebody says of a metric of their own."""

from __future__ import annotations

import getpass
import re
from dataclasses import dataclass, replace

from semantic_layer.metrics.catalogue import FORMATS, GOOD
from semantic_layer.metrics.formulas.tree import COUNTED, Aggregate, Calculation, Formula
from warehouse.errors import WrongUsage, nearest

NAME = re.compile(r"[a-z](?!.*__)[a-z0-9_]{0,58}[a-z0-9]")
# What MetricFlow calls times itself.
RESERVED = re.compile(r"metric_time|(nano|micro|milli)?second|minute|hour|day|week|month|quarter|year|dow|doy")
LONGEST_TEXT, MOST_SYNONYMS = 1000, 20
# dbt fills in such marks in the texts of its YAML, with what is in the environment too.
MARKS = re.compile(r"\{\{|\{%|\{#")


@dataclass(frozen=True)
class Definition:
    name: str
    formula: str
    dimensions: tuple[str, ...] = ()
    label: str = ""
    description: str = ""
    format: str = ""
    owner: str = ""
    good: str = "neutral"
    synonyms: tuple[str, ...] = ()


def checked(definition: Definition) -> Definition:
    """The definition, or a sentence of what cannot be in it."""
    _check_name(definition.name)
    for what, value, known in (("format", definition.format or "number", FORMATS), ("good", definition.good, GOOD)):
        if value not in known:
            raise WrongUsage(
                f"--{what} {value!r} is not known{nearest(value, known) or '.'}", hint=f"It is {', '.join(known)}."
            )
    synonyms = tuple(dict.fromkeys(synonym.strip() for synonym in definition.synonyms if synonym.strip()))
    if len(synonyms) > MOST_SYNONYMS:
        raise WrongUsage(f"{len(synonyms)} synonyms are too many: at most {MOST_SYNONYMS}.")
    texts = {"label": definition.label, "description": definition.description, "owner": definition.owner}
    for what, text in (*texts.items(), *(("synonym", synonym) for synonym in synonyms)):
        if MARKS.search(text):
            raise WrongUsage(f"The {what} has {MARKS.findall(text)[0]} in it, which dbt would fill in: leave it out.")
        if len(text) > LONGEST_TEXT:
            raise WrongUsage(f"The {what} is {len(text):,} characters long; at most {LONGEST_TEXT:,} are possible.")
        if re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text):
            raise WrongUsage(f"The {what} {text!r} is not a text.")
    return replace(definition, synonyms=synonyms)


def is_name(name: str) -> bool:
    return bool(NAME.fullmatch(name))


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        spelled = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]+", "_", name.lower())).strip("_0123456789")[:60]
        raise WrongUsage(
            f"{name!r} is no name of a metric{f'; {spelled!r} is one.' if NAME.fullmatch(spelled) else '.'}",
            hint="Small letters, digits and single _, such as conversion_rate; 2 to 60 of them.",
        )
    if RESERVED.fullmatch(name):
        raise WrongUsage(f"{name!r} is a word for times: name the metric otherwise.")


def label_of(definition: Definition) -> str:
    return definition.label or definition.name.replace("_", " ").capitalize()


def owner_of(definition: Definition) -> str:
    """Whom to ask of it: who wrote it, where nobody else is named."""
    try:
        return definition.owner or getpass.getuser()
    except (KeyError, OSError):
        return "nobody"


def format_of(definition: Definition, formula: Formula) -> str:
    if definition.format:
        return definition.format
    if isinstance(formula, Aggregate) and formula.is_of_numbers:
        unit = formula.path.rpartition("_")[2]
        return {"ms": "milliseconds", "milliseconds": "milliseconds", "seconds": "seconds"}.get(unit, "number")
    is_share = definition.name.endswith(("_rate", "_share", "_ratio"))
    return "percent" if is_share and _is_ratio_of_counts(formula) else "number"


def _is_ratio_of_counts(formula: Formula) -> bool:
    """A share is of 1 where nobody multiplied it by 100."""
    return (
        isinstance(formula, Calculation)
        and formula.operator == "/"
        and all(isinstance(side, Aggregate) and side.function in COUNTED for side in (formula.left, formula.right))
    )
