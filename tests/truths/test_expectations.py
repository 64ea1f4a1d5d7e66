"""On a world without a defect no expectation raises a false alarm, and all of them have something to judge."""

from __future__ import annotations

import json

from expectations.suites import read_suites
from tests.truths.conftest import LoadedWorld


def test_no_false_alarm(built: LoadedWorld) -> None:
    done = built.instance.run("expectations", "run", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout)["results"]
    assert [one["message"] for one in results if one["status"] in ("fail", "error")] == []
    assert len(results) == 2 * sum(len(suite.expectations) for suite in read_suites().values())
    judged = {(one["table"], one["expectation"]) for one in results if one["status"] == "pass" and one["checked"]}
    always = {
        (suite.table, name)
        for suite in read_suites().values()
        for name, one in suite.expectations.items()
        if one.kind not in ("distribution", "volume", "freshness")  # for which a world may be too small
    }
    assert always <= judged
