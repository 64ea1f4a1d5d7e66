"""Runs whose processes are gone are failed when Dagster starts: under way for ever, they would hold up all others."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from warehouse.dagster_instance import Dagster
from warehouse.settings import load_settings


def test_what_was_under_way_is_failed_and_nothing_else_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_DATA_DIR", str(tmp_path))
    own = Dagster(load_settings(), 3000, "")
    own.prepare()
    status = dg.DagsterRunStatus
    with dg.DagsterInstance.from_config(str(own.home)) as instance:
        kept = {create_run_for_test(instance, status=one).run_id: one for one in (status.SUCCESS, status.NOT_STARTED)}
        lost = {create_run_for_test(instance, status=one).run_id for one in (status.STARTED, status.CANCELING)}
    assert set(own.fail_lost_runs()) == lost
    with dg.DagsterInstance.from_config(str(own.home)) as instance:
        now = {run.run_id: run.status for run in instance.get_runs()}
    assert now == {**kept, **dict.fromkeys(lost, status.FAILURE)}
    assert own.fail_lost_runs() == []
