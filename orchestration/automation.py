"""What runs by itself, as automation.yaml declares it: schedules, and the sensor on the landing folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import dagster as dg
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml.catalogue import MODELS
from monitoring.alerts.values import Cron, Timezone
from orchestration.assets.machine_learning import key_of, predicted_keys
from orchestration.jobs import AnyJob
from orchestration.landing import look
from warehouse.errors import MillraceError, nearest
from warehouse.private_files import private_folder
from warehouse.settings import Settings, load_settings
from warehouse.strict_yaml import line_of, load, what_is_wrong

if TYPE_CHECKING:
    from ml.drift.watching import Due

FILE = Path(__file__).with_name("automation.yaml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Unattended(_Strict):
    environments: tuple[str, ...]

    def runs_in(self, settings: Settings) -> bool:
        return settings.environment in self.environments


class Sensor(Unattended):
    every_seconds: Annotated[int, Field(ge=1)]

    def status_in(self, settings: Settings) -> dg.DefaultSensorStatus:
        return dg.DefaultSensorStatus.RUNNING if self.runs_in(settings) else dg.DefaultSensorStatus.STOPPED


class Schedule(Unattended):
    job: str
    cron: Cron


class Automation(_Strict):
    timezone: Timezone
    landing: Sensor
    alerts: Sensor
    watch: Sensor
    retraining: Sensor
    reports: Unattended
    schedules: dict[str, Schedule]
    _text: str = ""  # what the file says

    def at(self, *path: str) -> str:
        """The file, and the line of a part of it."""
        return _at(FILE, self._text, path)


def _at(file: Path, text: str, path: Sequence[str | int]) -> str:
    return f"{file.name}:{line_of(yaml.compose(text, yaml.SafeLoader), path)}"


def read_automation(path: Path = FILE) -> Automation:
    text = path.read_text(encoding="utf-8")
    try:
        read = Automation.model_validate(load(text))
        read._text = text
        return read
    except yaml.YAMLError as error:
        line, what = what_is_wrong(error)
        raise MillraceError(f"{path.name}:{line}: {what}") from error
    except ValidationError as error:
        # A word that is misspelt is there under one name and missing under the other: the first says which it is.
        found = sorted(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")[0]
        at, where = _at(path, text, found["loc"]), ".".join(map(str, found["loc"]))
        if found["type"] == "extra_forbidden":
            known = [*Automation.model_fields, *Sensor.model_fields, *Schedule.model_fields]
            raise MillraceError(
                f"{at}: {where}: nothing is called so{nearest(str(found['loc'][-1]), known) or '.'}"
            ) from error
        raise MillraceError(f"{at}: {where}: {_in_words(found)}.") from error


def _in_words(found: Mapping[str, Any]) -> str:
    if found["type"] == "tuple_type":
        return f"must be a list, as [{found['input']}]"
    reason = str(found["msg"]).removeprefix("Value error, ")
    return "is missing" if found["type"] == "missing" else f"{reason[0].lower()}{reason[1:]}"


def must_be_known(automation: Automation, settings: Settings) -> None:
    """In an environment that is misspelt nothing would run, without a word."""
    declared = [getattr(automation, name) for name in Automation.model_fields]
    every = [one for one in (*declared, *automation.schedules.values()) if isinstance(one, Unattended)]
    known = sorted({"development", *(name for one in every for name in one.environments)})
    if settings.environment not in known:
        raise MillraceError(
            f"{FILE.name} knows no environment {settings.environment!r}{nearest(settings.environment, known) or '.'}",
            hint=f"MILLRACE_ENVIRONMENT is one of {', '.join(known)}; others are declared there.",
        )


def schedules(automation: Automation, jobs: Mapping[str, AnyJob], settings: Settings) -> list[dg.ScheduleDefinition]:
    found = []
    for name, declared in automation.schedules.items():
        if declared.job not in jobs:
            raise MillraceError(
                f"{automation.at('schedules', name, 'job')}: schedules.{name}.job: there is no job {declared.job!r}"
                f"{nearest(declared.job, jobs) or '.'}"
            )
        status = dg.DefaultScheduleStatus.RUNNING if declared.runs_in(settings) else dg.DefaultScheduleStatus.STOPPED
        found.append(
            dg.ScheduleDefinition(
                name=name,
                job=jobs[declared.job],
                cron_schedule=declared.cron,
                execution_timezone=automation.timezone,
                default_status=status,
            )
        )
    return found


def sensors(automation: Automation, jobs: Mapping[str, AnyJob], settings: Settings) -> list[dg.SensorDefinition]:
    return [
        landing_sensor(automation, jobs["events_and_models"], settings),
        alerts_sensor(automation, settings),
        watch_sensor(automation, settings),
        retraining_sensor(automation, jobs["train"], settings),
    ]


def alerts_sensor(automation: Automation, settings: Settings) -> dg.SensorDefinition:
    """Not after loads and builds alone: what does not come is noticed as well, and what could not be told is told."""

    @dg.sensor(
        minimum_interval_seconds=automation.alerts.every_seconds,
        default_status=automation.alerts.status_in(settings),
        description="Alert rules are judged, and whom they concern is told.",
    )
    def alerts_judged(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        from monitoring.alerts.evaluation import check, complaints, in_words

        done = check(load_settings(), context.log.warning)
        for complaint in complaints(done):
            context.log.error(complaint)
        return dg.SkipReason(in_words(done))

    return alerts_judged


def watch_sensor(automation: Automation, settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        minimum_interval_seconds=automation.watch.every_seconds,
        default_status=automation.watch.status_in(settings),
        description="After each build watched metrics are looked at, and what is unusual is written down.",
    )
    def metrics_watched(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        from monitoring.watch.running import look
        from monitoring.watch.store import last_build

        own = load_settings()
        built = last_build(own)
        if built == (context.cursor or ""):
            return dg.SkipReason("Nothing was built since.")
        looked = look(own)
        for failure in looked.failures:
            context.log.error(failure)
        context.update_cursor(built)
        return dg.SkipReason(f"{looked.series} series, {len(looked.findings)} anomalies, {looked.new} new.")

    return metrics_watched


def retraining_sensor(automation: Automation, job: AnyJob, settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        job=job,
        minimum_interval_seconds=automation.retraining.every_seconds,
        default_status=automation.retraining.status_in(settings),
        description="Models whose champions have drifted or decayed are trained anew, once a week at most.",
    )
    def models_drifted() -> dg.SensorResult | dg.SkipReason:
        from ml.drift.watching import due

        by_model: dict[str, list[Due]] = defaultdict(list)  # a training is of all projects
        for one in due(load_settings()):
            if one.model in MODELS:
                by_model[one.model].append(one)
        if not by_model:
            return dg.SkipReason("No champion has drifted or decayed.")
        return dg.SensorResult(run_requests=[_training_of(name, found) for name, found in by_model.items()])

    return models_drifted


def _training_of(model: str, found: Sequence[Due]) -> dg.RunRequest:
    # A new training need not be better: without the week each look would start another.
    week = f"{max(one.day for one in found):%G-W%V}"
    because = "; ".join(f"{one.project}: {', '.join(one.reasons)}" for one in found)
    return dg.RunRequest(
        run_key=".".join([model, *(f"{one.project}-{one.version}" for one in found), week]),
        asset_selection=[key_of(MODELS[model]), *predicted_keys(MODELS[model])],
        tags={"millrace/because": because[:200]},
    )


def landing_sensor(automation: Automation, job: AnyJob, settings: Settings) -> dg.SensorDefinition:
    private_folder(settings.data_dir)
    settings.landing.mkdir(parents=True, exist_ok=True)  # whoever has files looks for it, also where nothing is loaded

    @dg.sensor(
        job=job,
        minimum_interval_seconds=automation.landing.every_seconds,
        default_status=automation.landing.status_in(settings),
        description="Files that land are loaded, and the models that are made of them brought up to date.",
    )
    def files_landed(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        landed = look(load_settings())
        if not landed.files:
            return dg.SkipReason("No file has landed.")
        if landed.word == context.cursor:
            return dg.SkipReason(f"All {len(landed.files)} files were there before.")
        # A load leaves out what it knows, so what landed during a run is loaded by the next one, and nothing twice.
        # Dagster starts one run for a key, ever: a folder that is as it was once before is news all the same.
        run_key = f"{context.cursor}-{landed.word}" if context.cursor else landed.word
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=run_key)], cursor=landed.word)

    return files_landed
