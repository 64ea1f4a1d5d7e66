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


def test_each_suite_has_its_own_page_whichever_was_judged_last(built: LoadedWorld) -> None:
    """The rest of a suite, which is judged at the end of a build, has a page of its own."""
    folder = built.instance.data_dir / "expectations" / "docs"

    def pages() -> dict[str, str]:
        rows = json.loads((folder / "rows.json").read_text())
        return {title: (folder / row["page"]).read_text() for title, row in rows.items()}

    assert built.instance.run("build", "--select", "fct_sessions", "--select", "dim_pages").returncode == 0
    made = pages()
    assert {"orders.demo", "sessions.demo", "sessions.demo.at_the_end"} <= set(made)
    assert "lasts_a_day_at_most" in made["sessions.demo"]
    assert "landed_on_a_known_page" in made["sessions.demo.at_the_end"]
    assert "landed_on_a_known_page" not in made["sessions.demo"]
    assert built.instance.run("expectations", "run", "orders").returncode == 0
    after = pages()
    assert set(after) == set(made)
    assert {title for title in made if after[title] != made[title]} == {"orders.demo", "orders.demo_mobile"}
