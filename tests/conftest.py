"""Every test runs apart from the developer's own services: no .env, no MILLRACE_ variable, no fixed port."""

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

from tests.support import Instance  # noqa: E402 - the environment must be clean before settings are first read

LONG_SECONDS = 300


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The truths of one world are one process's: begun last, the others would have nothing left to do beside them."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/truths/"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What tests share is made once: those of a file run in one process, and where a folder shares it, those of the
    folder."""
    from xdist.scheduler import LoadScopeScheduling

    class BesideTheirFixtures(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.partition("::")[0])
            return str(file if file.parent.name == "integration" else file.parent)

    return BesideTheirFixtures(config, log)


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
