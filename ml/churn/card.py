"""What is told of a trained model: its card, and how well its probabilities held."""

from __future__ import annotations

import numpy as np

from ml.churn.definition import Definition, When
from ml.churn.encoding import Floats
from ml.churn.history import CutOffs
from ml.churn.judging import BINS, Bools
from ml.churn.model import ChurnModel, Examples
from ml.features.registry import FeatureTable
from ml.plotting import png
from ml.trainable import Evaluation

WHEN = {When.ANY_DAY: "any", When.LAST_DAY: "the last"}


def card(
    definition: Definition,
    table: FeatureTable,
    model: ChurnModel,
    learned: Examples,
    asked: CutOffs,
    evaluation: Evaluation,
) -> str:
    strength = np.abs(model.contributions(learned.columns)).mean(axis=0)
    strongest = sorted(zip(strength, model.encoding.names, strict=True), reverse=True)
    figures = "\n".join(f"| {name} | {value:.4f} |" for name, value in sorted(evaluation.metrics.items()))
    simple = "\n".join(
        f"| {way} | {' · '.join(f'{name} {value:.4f}' for name, value in sorted(found.items()))} |"
        for way, found in evaluation.baselines.items()
    )
    features = "\n".join(f"| {name} | {size:.3f} | {table.feature(name).definition} |" for size, name in strongest)
    return f"""# Churn

**For:** whom to talk to before they leave. Asked of users of whom `{definition.population}` is true; it
happened where `{definition.outcome.flag}` is false on {WHEN[definition.outcome.when]} of the {definition.horizon_days}
days that follow.

**Learned from** {len(learned.happened)} examples of {len(np.unique(learned.person))} users, of which
{int(learned.happened.sum())} left, on {len(asked.learned_from)} days from {asked.learned_from[0]} to
{asked.learned_from[-1]}; judged on {asked.judged_on}, when the last of those outcomes was known. Boosted trees
({model.weight:.0%}) and a logistic regression, blended and calibrated.

| figure | value |
|---|---|
{figures}

| simple way | figures |
|---|---|
{simple}

| feature | mean size of its contribution | what it is |
|---|---|---|
{features}

**Cannot:** say what would happen if something were changed: a reason says what the model goes by, not what causes it.
It knows nothing that is not among its features, and users unlike those it learned from are guesses.
"""


def calibration_plot(said: Floats, happened: Bools) -> bytes:
    """Predicted and real frequency, by groups of equal size."""
    from matplotlib.figure import Figure

    groups = np.array_split(np.argsort(said, kind="stable"), min(BINS, len(said)))
    figure = Figure(figsize=(5, 5))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.plot([said[rows].mean() for rows in groups], [happened[rows].mean() for rows in groups], marker="o")
    axes.set(xlabel="predicted", ylabel="happened", title="Calibration on the day of the judgement")
    return png(figure)
