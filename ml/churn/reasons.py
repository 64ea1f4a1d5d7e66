"""Why somebody is likely to leave, in words: what raises the log odds above the average, by theme."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ml.churn.encoding import Columns, Floats
from ml.churn.model import ChurnModel
from ml.features.registry import FeatureTable

MOST = 3


@dataclass(frozen=True)
class Reason:
    theme: str
    words: str
    contribution: float  # to the log odds, beside the average


def reasons(model: ChurnModel, table: FeatureTable, columns: Columns) -> list[list[Reason]]:
    """Of each row the three themes that raise it most, each told by its strongest feature; fewer where fewer do."""
    found = model.contributions(columns)
    return [_of_row(model, table, columns, row, contributions) for row, contributions in enumerate(found)]


def _of_row(model: ChurnModel, table: FeatureTable, columns: Columns, row: int, contributions: Floats) -> list[Reason]:
    by_theme: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for name, contribution in zip(model.encoding.names, contributions, strict=True):
        by_theme[table.feature(name).theme].append((float(contribution), name))
    told = []
    for theme, parts in by_theme.items():
        _, strongest = max(parts)
        words = table.feature(strongest).in_words(columns[strongest][row])
        told.append(Reason(theme, words, sum(part for part, _ in parts)))
    told = [reason for reason in told if reason.contribution > 0]
    return sorted(told, key=lambda reason: (-reason.contribution, reason.theme))[:MOST]
