from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ml.drift.watching import Due
from orchestration.automation import (
    alerts_sensor,
    landing_sensor,
    must_be_known,
    read_automation,
    retraining_sensor,
    schedules,
    watch_sensor,
)
from orchestration.jobs import jobs
from orchestration.landing import STILL_WRITTEN_SECONDS, look
from warehouse.errors import MillraceError
from warehouse.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MILLRACE_DATA_DIR", str(tmp_path))
    return load_settings()


def in_environment(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"environment": name})


def test_what_runs_by_itself_runs_in_production_and_nowhere_else(settings: Settings) -> None:
    automation, defined = read_automation(), jobs()
    for environment, status in (("production", "RUNNING"), ("development", "STOPPED"), ("elsewhere", "STOPPED")):
        there = in_environment(settings, environment)
        assert {schedule.default_status.name for schedule in schedules(automation, defined, there)} == {status}
        for sensor in (
            landing_sensor(automation, defined["events_and_models"], there),
            alerts_sensor(automation, there),
            watch_sensor(automation, there),
            retraining_sensor(automation, defined["train"], there),
        ):
            assert sensor.default_status.name == status


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            ("job: everything", "job: everthing"),
            r"automation\.yaml:26: schedules.sources_hourly.job: there is no job 'everthing'; did you mean 'every",
        ),
        (('"7 * * * *"', '"7 * * *"'), r"automation\.yaml:27: schedules.sources_hourly.cron: .* is no cron"),
        (("timezone: UTC", "timezone: Berlin"), r"automation\.yaml:3: timezone: 'Berlin' is not an IANA timezone"),
        (("every_seconds: 5", "every_seconds: 0"), r"automation\.yaml:6: landing.every_seconds: input should"),
        (("every_seconds: 5", "every_second: 5"), "landing.every_second: nothing is called so; did you mean"),
        (("watch:", "wotch:"), "wotch: nothing is called so; did you mean 'watch'"),
        (("landing:", "landing"), ": is no YAML: "),
        (("[production, demo]", "production"), r"landing.environments: must be a list, as \[production\]"),
        (("    job: everything\n", ""), "schedules.sources_hourly.job: is missing"),
    ],
)
def test_a_mistake_in_the_file_is_named(settings: Settings, tmp_path: Path, change: tuple[str, str], says: str) -> None:
    from orchestration.automation import FILE

    path = tmp_path / "automation.yaml"
    path.write_text(FILE.read_text().replace(*change))
    with pytest.raises(MillraceError, match=says):
        schedules(read_automation(path), jobs(), settings)


def test_an_environment_that_nobody_declared_is_refused(settings: Settings) -> None:
    for known in ("development", "demo", "production"):
        must_be_known(read_automation(), in_environment(settings, known))
    with pytest.raises(MillraceError, match="no environment 'produktion'; did you mean 'production'"):
        must_be_known(read_automation(), in_environment(settings, "produktion"))


def test_a_file_that_lands_has_most_of_its_thirty_seconds_left_when_a_run_is_asked_for(settings: Settings) -> None:
    """The rest is for the daemon, which looks every second whose turn it is, and for the process of the run."""
    automation = read_automation()
    assert automation.landing.every_seconds + STILL_WRITTEN_SECONDS <= 10
    sensor = landing_sensor(automation, jobs()["events_and_models"], settings)
    assert sensor.minimum_interval_seconds == automation.landing.every_seconds


def test_files_are_landed_when_they_are_whole(settings: Settings) -> None:
    import os
    import time

    settings.landing.mkdir(exist_ok=True)
    assert look(settings).files == []
    whole, hidden, young = (settings.landing / name for name in ("a.jsonl", ".b.jsonl", "c.jsonl"))
    for path in (whole, hidden, young):
        path.write_text("{}\n")
    before = time.time() - 2 * STILL_WRITTEN_SECONDS
    for path in (whole, hidden):
        os.utime(path, (before, before))
    assert look(settings).files == [whole]
    word = look(settings).word
    whole.write_text("{}\n{}\n")
    os.utime(whole, (before, before))
    assert look(settings).word != word


def test_the_sensor_asks_for_a_run_once_per_state_of_the_folder(settings: Settings) -> None:
    import os

    sensor = landing_sensor(read_automation(), jobs()["events_and_models"], settings)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance)
        assert isinstance(sensor(context), dg.SkipReason)
        assert settings.landing.is_dir()  # whoever has files finds where to put them
        (settings.landing / "a.jsonl").write_text("{}\n")
        os.utime(settings.landing / "a.jsonl", (1, 1))
        result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        assert result.run_requests
        assert len(result.run_requests) == 1
        again = dg.build_sensor_context(instance=instance, cursor=result.cursor)
        assert isinstance(sensor(again), dg.SkipReason)

        # Another file comes and goes: the folder is as it was, and Dagster runs for each key once.
        keys, cursor = [result.run_requests[0].run_key], result.cursor
        for there in (True, False):
            other = settings.landing / "b.jsonl"
            if there:
                other.write_text("{}\n")
                os.utime(other, (1, 1))
            else:
                other.unlink()
            result = sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
            assert isinstance(result, dg.SensorResult) and result.run_requests
            cursor = result.cursor
            keys.append(result.run_requests[0].run_key)
        assert len(set(keys)) == 3


def test_a_model_that_drifted_in_two_projects_is_trained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training is of all projects: one run for each would train all of them twice."""
    monday = date(2026, 6, 29)
    found = [
        Due("demo", "churn", 3, monday, ("PSI of views_30 is 0.4",)),
        Due("demo_mobile", "churn", 1, monday, ("AUC fell",)),
        Due("demo", "segments", 2, monday, ("silhouette fell",)),
    ]
    monkeypatch.setattr("ml.drift.watching.due", lambda _: found)
    sensor = retraining_sensor(read_automation(), dg.define_asset_job("train"), load_settings())
    result = sensor(dg.build_sensor_context())
    assert isinstance(result, dg.SensorResult)
    assert [one.run_key for one in result.run_requests or ()] == [
        *("churn.demo-3.demo_mobile-1.2026-W27", "segments.demo-2.2026-W27")
    ]
