"""Models that learn, and what they say: of the same graph as the marts that they read and that show it."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import dagster as dg

from ml.catalogue import MODELS, Model, trainable
from orchestration.infrastructure import (
    ALONE,
    POOL,
    RETRIES,
    is_of_the_infrastructure,
    retried_where_the_infrastructure_failed,
)
from orchestration.translation import TEAM
from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import Settings, load_settings

GROUP = "machine_learning"
DRIFT, PERFORMANCE = "sees_and_says_what_it_did_when_trained", "is_as_good_as_when_trained"


def key_of(model: Model) -> dg.AssetKey:
    return dg.AssetKey(["models", model.name])


def predicted_keys(model: Model) -> list[dg.AssetKey]:
    return [dg.AssetKey(["ml", table]) for table in model.writes]


def learning_assets(models: Iterable[Model] = MODELS.values()) -> list[dg.AssetsDefinition]:
    return [made for model in models for made in (_training(model), _predictions(model))]


@dg.asset(
    key=["ml", "forecasts_of_capacity"],
    deps=[dg.AssetKey(["ml", "forecasts"])],  # of the same table, and of the same time
    group_name=GROUP,
    description="How many rows and bytes each database will have, in ml.forecasts beside the metrics.",
    kinds={"clickhouse", "table"},
    owners=[TEAM],
    pool=POOL,
    retry_policy=RETRIES,
    required_resource_keys=ALONE,
)
def capacity() -> dg.MaterializeResult[None]:
    from ml.forecast.running import run_capacity

    with retried_where_the_infrastructure_failed():
        done = run_capacity(load_settings())
    return dg.MaterializeResult(metadata={"series": len(done.told), "left_out": " ".join(done.left_out) or "nothing"})


def _training(model: Model) -> dg.AssetsDefinition:
    @dg.asset(
        key=key_of(model),
        deps=[dg.AssetKey(["marts", name]) for name in model.reads],
        group_name=GROUP,
        description="Trained of all that is known, and promoted where it is better than the champion.",
        kinds={"mlflow"},
        owners=[TEAM],
        pool=POOL,
        retry_policy=RETRIES,
        required_resource_keys=ALONE,
    )
    def trained(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from ml.registry.store import Store
        from ml.registry.training import train

        settings = load_settings()
        store, told, failed = Store(settings), {}, []
        with retried_where_the_infrastructure_failed():
            for project, day in _projects(settings):
                try:
                    done = train(store, trainable(model.name), project, day)
                except MillraceError as error:
                    context.log.warning(error.message)
                    told[project] = error.message
                    failed.append(error)
                else:
                    became = "champion" if done.promoted else "challenger"
                    told[project] = f"version {done.version.version}, {became}: {'; '.join(done.verdict.reasons)}"
        _raise_if_none(told, failed)
        return dg.MaterializeResult(metadata=dict(told))

    return trained


def _predictions(model: Model) -> dg.AssetsDefinition:
    shown = predicted_keys(model)[0]

    @dg.multi_asset(
        name=f"predictions_of_{model.name}",
        specs=[
            dg.AssetSpec(
                key,
                deps=[key_of(model), *(dg.AssetKey(["marts", name]) for name in model.reads)],
                group_name=GROUP,
                description=f"What the champion of {model.name} says; `millrace predict {model.name}` writes it.",
                kinds={"clickhouse", "table"},
                owners=[TEAM],
            )
            for key in predicted_keys(model)
        ],
        check_specs=[
            dg.AssetCheckSpec(DRIFT, asset=shown, description="Features and predictions are what they were (PSI, KS)."),
            dg.AssetCheckSpec(PERFORMANCE, asset=shown, description="On the newest days whose outcome is known."),
        ],
        pool=POOL,
        retry_policy=RETRIES,
        required_resource_keys=ALONE,
    )
    def predictions(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        from ml.drift.watching import Watch, watch
        from ml.registry.store import Store
        from ml.registry.training import predict

        settings = load_settings()
        store, one = Store(settings), trainable(model.name)
        told: dict[str, str | int] = {}
        failed: list[MillraceError] = []
        failures: dict[str, str] = {}
        seen: dict[str, Watch] = {}
        with retried_where_the_infrastructure_failed():
            for project, day in _projects(settings):
                if store.champion(project, model.name) is None:
                    told[project] = "no champion"
                    continue
                try:
                    _, told[project] = predict(store, one, project, day)
                    seen[project] = watch(store, one, project, day)
                except MillraceError as error:
                    context.log.warning(error.message)
                    told[project] = failures[project] = error.message
                    failed.append(error)
        _raise_if_none({project: what for project, what in told.items() if what != "no champion"}, failed)
        for key in predicted_keys(model):
            yield dg.MaterializeResult(asset_key=key, metadata=dict(told))
        for name, kinds in ((DRIFT, {"feature", "prediction"}), (PERFORMANCE, {"performance"})):
            moved = {project: [look for look in of.drifted if look.kind in kinds] for project, of in seen.items()}
            yield dg.AssetCheckResult(
                asset_key=shown,
                check_name=name,
                passed=not failures and not any(moved.values()),
                severity=dg.AssetCheckSeverity.WARN,
                description="; ".join(
                    [
                        *(f"{project}: {', '.join(one.name for one in own)}" for project, own in moved.items() if own),
                        *(f"{project} was not looked at: {why}" for project, why in failures.items()),
                    ]
                )
                or None,
                metadata={
                    project: "; ".join(of.reasons_to_train) or of.remark or of.unsaid or "nothing"
                    for project, of in seen.items()
                },
            )

    return predictions


def _projects(settings: Settings) -> list[tuple[str, date]]:
    """Those that have events, and the newest day of each."""
    from ml.registry.training import newest_day

    found = []
    for project in load_projects(settings):
        try:
            found.append((project, newest_day(settings, project)))
        except MillraceError as error:
            if is_of_the_infrastructure(error):
                raise dg.Failure(description=error.message) from error
    return found


def _raise_if_none(told: Mapping[str, str | int], failed: list[MillraceError]) -> None:
    """A project with too little data keeps the others from nothing; where there is no other, the step has failed."""
    if failed and len(failed) == len(told):
        raise dg.Failure(
            description="; ".join(f"{error.message} {error.hint}".strip() for error in failed),
            allow_retries=any(is_of_the_infrastructure(error) for error in failed),
        )
