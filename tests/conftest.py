"""Every test runs apart from the developer's own services: no .env, no MILLRACE_ variable, no fixed port, no width."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for variable in [name for name in os.environ if name.startswith("MILLRACE_")]:
    del os.environ[variable]
os.environ["MILLRACE_ENV_FILE"] = ""  # no file
# GNU readline, which pytest imports, hands the size of a terminal on to all processes below: a width that nobody chose.
for variable in ("COLUMNS", "LINES"):
    os.environ.pop(variable, None)

from tests.support import Instance  # noqa: E402 - the environment must be clean before settings are first read

LONG_SECONDS = 300
LAST_WORDS = 1_500


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    """A Millrace of the test's own, with nothing started."""
    with Instance(tmp_path / "millrace") as own:
        yield own


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One local ClickHouse with the schema of raw, for all tests that only add their own rows or databases."""
    with Instance(tmp_path_factory.mktemp("shared") / "millrace") as shared:
        shared.up()
        yield shared


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What tests share is made once: those of a file run in one process, and where a folder shares it, those of the
    folder."""
    from xdist.scheduler import LoadScopeScheduling

    class BesideTheirFixtures(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.partition("::")[0])
            return str(file if file.parent.name in ("integration", "long") else file.parent)

    return BesideTheirFixtures(config, log)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if terminal := config.pluginmanager.getplugin("terminalreporter"):
        config.pluginmanager.register(FailuresAtOnce(terminal))


class FailuresAtOnce:
    """What failed is told when it fails: a run that somebody ends for its time has no summary."""

    def __init__(self, terminal: Any) -> None:
        self.terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not hasattr(self.terminal.config, "workerinput"):
            self.terminal.write_line(f"\n{report.nodeid} failed ({report.when}):\n{report.longreprtext[-LAST_WORDS:]}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Where the time went: the files that took longest, of all workers together."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    if seconds.total() > LONG_SECONDS:
        terminalreporter.section(f"{seconds.total():,.0f} s of tests, and of them by file")
        for file, spent in seconds.most_common(40):
            terminalreporter.line(f"{spent:7.1f} {file}")
