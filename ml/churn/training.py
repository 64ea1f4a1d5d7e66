"""Churn as the registry wants a model: trained, judged, asked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.churn import keeping
from ml.churn.card import calibration_plot, card
from ml.churn.definition import Definition, churn_definition
from ml.churn.history import CutOffs, cut_offs, examples_of, fingerprint
from ml.churn.judging import figures
from ml.churn.model import BOOSTING, SEED, ChurnModel, Examples, fit
from ml.churn.reasons import reasons
from ml.churn.simple_ways import simple_ways
from ml.features.reading import features_of_day, latest_features
from ml.features.registry import FeatureTable, FeatureType
from ml.trainable import Candidate, Evaluation, Gate, Sample
from warehouse.connection import connect, failures_as_sentences, insert_rows
from warehouse.errors import MillraceError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

ROLE = "modeler"
FEWEST_JUDGED = 5  # who left, and who stayed, on the day of the judgement
FEWEST_OF_SEGMENT = 10
WRITTEN = ("project_id", "day", "person_key", "probability", "risk_band", "reasons", "horizon_days", "model_version")


class Churn:
    name = "churn"
    title = "Churn: who leaves within the next days, and why"

    @property
    def gate(self) -> Gate:
        asked = churn_definition()[0].gate
        return Gate(
            metric="auc", at_least=asked.auc_at_least, limits={"calibration_error": asked.calibration_error_at_most}
        )

    def train(self, settings: Settings, project: str, until: date) -> Candidate:
        definition, table = churn_definition()
        asked, learned, judged = _known(settings, definition, table, project, until)
        categories = [name for name in definition.features if table.feature(name).type is FeatureType.CATEGORY]
        numbers = [name for name in definition.features if name not in categories]
        model = fit(learned, categories, numbers)
        evaluation = _judge(definition, model, learned, judged, asked)
        parameters: dict[str, str | int | float | bool] = {
            **BOOSTING,
            "seed": SEED,
            "weight_of_trees": model.weight,
            "calibration_slope": model.slope,
            "calibration_intercept": model.intercept,
            "horizon_days": definition.horizon_days,
            "gap_days": definition.gap_days,
            "cut_offs": len(asked.learned_from),
            "examples": len(learned.happened),
            "left": int(learned.happened.sum()),
        }
        return Candidate(
            model=model,
            parameters=parameters,
            evaluation=evaluation,
            data_version=fingerprint(learned),
            card=card(definition, table, model, learned, asked, evaluation),
            plots={"calibration.png": calibration_plot(model.probability(judged.columns), judged.happened)},
        )

    def evaluate(self, settings: Settings, project: str, model: ChurnModel, until: date) -> Evaluation:
        definition, table = churn_definition()
        asked, learned, judged = _known(settings, definition, table, project, until)
        return _judge(definition, model, learned, judged, asked)

    def predict(self, settings: Settings, project: str, model: ChurnModel, version: str, day: date) -> int:
        definition, table = churn_definition()
        with closing(connect(settings, ROLE)) as client:
            with failures_as_sentences("reading features"):
                columns, keys = features_of_day(
                    client, table, model.encoding.names, project, day, definition.population
                )
            if not len(keys):
                raise MillraceError(
                    f"Nobody of {project} can be asked about on {day}: {definition.population} is true of no user.",
                    hint="`millrace build` makes the features of newly loaded days.",
                )
            said, why = model.probability(columns), reasons(model, table, columns)
            written_at = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
            rows = [
                (
                    *(project, day.isoformat(), int(key), float(probability)),
                    definition.risk_bands.of(float(probability)),
                    [{"theme": one.theme, "reason": one.words, "contribution": one.contribution} for one in own],
                    *(definition.horizon_days, version, written_at),
                )
                for key, probability, own in zip(keys, said, why, strict=True)
            ]
            with failures_as_sentences("writing predictions down"):
                insert_rows(client, "ml.churn", rows, (*WRITTEN, "written_at"))
        return len(rows)

    def sample(self, settings: Settings, project: str, model: ChurnModel, day: date) -> Sample:
        definition, table = churn_definition()
        with closing(connect(settings, ROLE)) as client, failures_as_sentences("reading features"):
            columns, _ = features_of_day(client, table, model.encoding.names, project, day, definition.population)
        return Sample(columns, [float(said) for said in model.probability(columns)])

    def answer(self, client: Client, project: str, model: ChurnModel, user_id: str) -> Mapping[str, Any] | None:
        definition, table = _of_the_service()
        found = latest_features(client, table, (*model.encoding.names, definition.population), project, user_id)
        if found is None:
            return None
        columns = {name: [value] for name, value in found.items()}
        probability = float(model.probability(columns)[0])
        return {
            "user_id": user_id,
            "can_churn": bool(found[definition.population]),
            "probability": probability,
            "risk_band": definition.risk_bands.of(probability),
            "horizon_days": definition.horizon_days,
            "reasons": [
                {"theme": one.theme, "reason": one.words, "contribution": one.contribution}
                for one in reasons(model, table, columns)[0]
            ],
        }

    def dump(self, model: ChurnModel) -> bytes:
        return keeping.dump(model)

    def load(self, kept: bytes) -> ChurnModel:
        return keeping.load(kept)


@cache
def _of_the_service() -> tuple[Definition, FeatureTable]:
    """Read once: reading YAML takes longer than answering."""
    return churn_definition()


def _known(
    settings: Settings, definition: Definition, table: FeatureTable, project: str, until: date
) -> tuple[CutOffs, Examples, Examples]:
    """The days, what is learned from, and what judges."""
    with closing(connect(settings, ROLE)) as client, failures_as_sentences("reading features"):
        asked = cut_offs(client, definition, project, until)
        learned = examples_of(client, definition, table, project, asked.learned_from)
        judged = examples_of(client, definition, table, project, (asked.judged_on,))
    return asked, learned, judged


def _judge(
    definition: Definition, model: ChurnModel, learned: Examples, judged: Examples, asked: CutOffs
) -> Evaluation:
    left, stayed = int(judged.happened.sum()), int((~judged.happened).sum())
    if min(left, stayed) < FEWEST_JUDGED:
        raise MillraceError(
            f"Too few to judge a model by: of those asked about on {asked.judged_on} {left} left and {stayed} stayed, "
            f"and {FEWEST_JUDGED} of each are needed.",
            hint="Wait for more history, or define churn more widely in ml/churn/churn.yaml.",
        )
    said = model.probability(judged.columns)
    baselines = simple_ways(definition.baselines, learned, judged)
    segments = {}
    for name in definition.segments:
        values = np.array([str(value) for value in judged.columns[name]])
        for value in sorted(set(values)):
            inside = values == value
            outcomes = judged.happened[inside]
            if min(outcomes.sum(), (~outcomes).sum()) >= FEWEST_OF_SEGMENT:
                segments[f"{name}={value}"] = figures(said[inside], outcomes)
    window = (asked.judged_on + timedelta(days=1), asked.judged_on + timedelta(days=definition.horizon_days))
    return Evaluation(figures(said, judged.happened), baselines, segments, window)


CHURN = Churn()
