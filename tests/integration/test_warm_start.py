"""Questions through the process that has everything imported: the same as without it, and it never stays in the way."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import REPOSITORY, Instance
from tests.waiting_processes import PATIENCE, connected, eventually, is_over, process_behind
from warehouse.local_sockets import is_ours

SOCKET = "warm.sock"
# As the script `millrace`, but with a process of the test's own: that of the environment serves all who run tests.
BEGIN = (
    "import sys; from pathlib import Path; from cli import entry; entry.FOLDER = Path({folder!r}); "
    "sys.argv = ['millrace', *sys.argv[1:]]; entry.main()"
)


class Warm:
    def __init__(self, folder: Path, instance: Instance) -> None:
        self.folder, self.instance = folder, instance

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", BEGIN.format(folder=str(self.folder)), *arguments]

    def run(self, *arguments: str, folder: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env={**self.instance.environment, **more},
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )

    def begun(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.instance.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # As at a terminal. What runs in the background of a script is handed down an ignored Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    @property
    def process(self) -> int:
        return process_behind(self.folder / SOCKET)

    def start(self) -> int:
        """By a question, as a user would."""
        assert self.run("sql", "SELECT 1").returncode == 0
        assert eventually(lambda: is_ours(self.folder / SOCKET))
        return self.process


@pytest.fixture(scope="module")
def warm(clickhouse: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    own = Warm(tmp_path_factory.mktemp("warm"), clickhouse)
    own.folder.chmod(0o700)
    yield own
    (own.folder / SOCKET).unlink(missing_ok=True)  # it ends


RUNNING = "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(0.5)%' AND query NOT LIKE '%processes%'"
LONG = ("sql", "SELECT count() FROM numbers(200) WHERE sleepEachRow(0.5) = 0 SETTINGS max_block_size = 1")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("sql", "SELECT 1 AS one, 'ä' AS two"), 0),
        (("sql", "SELECT number FROM numbers(3)", "--format", "json"), 0),
        (("metrics", "list", "--format", "json"), 1),  # nothing is built
        (("sql", "SELECT nothing"), 1),
        (("ask", "how many orders?"), 1),
        (("funnel", "--colour"), 2),
    ],
)
def test_what_a_command_says_is_what_it_says_by_itself(warm: Warm, arguments: tuple[str, ...], code: int) -> None:
    process = warm.start()
    answered = warm.run(*arguments)
    by_itself = warm.instance.run(*arguments)
    assert answered.returncode == by_itself.returncode == code
    assert (answered.stdout, answered.stderr) == (by_itself.stdout, by_itself.stderr)
    assert warm.process == process


def test_it_runs_where_and_as_whom_it_was_called(warm: Warm, tmp_path: Path) -> None:
    warm.start()
    done = warm.run("sql", "SELECT 1 AS one", "--format", "csv", "--output", "one.csv", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "one.csv").read_text().split() == ['"one"', "1"]
    elsewhere = warm.run("sql", "SELECT 1", MILLRACE_DATA_DIR=str(tmp_path / "another"))
    assert elsewhere.returncode == 1
    assert "The local ClickHouse is not running." in elsewhere.stderr
    environment = Path(f"/proc/{warm.process}/environ").read_text()
    assert "PATH=" in environment
    assert "MILLRACE" not in environment


def test_only_its_owner_may_reach_it(warm: Warm) -> None:
    warm.start()
    assert stat.S_IMODE(warm.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((warm.folder / SOCKET).stat().st_mode) == 0o600
    warm.folder.chmod(0o777)
    try:
        assert not is_ours(warm.folder / SOCKET)
        assert warm.run("sql", "SELECT 1").returncode == 0
    finally:
        warm.folder.chmod(0o700)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_who_stops_asking_stops_the_query(warm: Warm, how: signal.Signals) -> None:
    process = warm.start()
    asking = warm.begun(*LONG)
    assert eventually(lambda: warm.instance.rows(RUNNING) == [(1,)])
    asking.send_signal(how)
    assert asking.wait(timeout=PATIENCE) == (130 if how is signal.SIGINT else -signal.SIGKILL)
    assert eventually(lambda: warm.instance.rows(RUNNING) == [(0,)])
    assert warm.process == process


def test_a_question_whose_process_is_killed_says_so(warm: Warm) -> None:
    warm.start()
    asking = warm.begun(*LONG)
    assert eventually(lambda: warm.instance.rows(RUNNING) == [(1,)])
    (watching,) = psutil.Process(warm.process).children()
    (answering,) = watching.children()
    answering.kill()
    _, told = asking.communicate(timeout=PATIENCE)
    assert asking.returncode == 128 + signal.SIGKILL
    assert b"Error: The command was ended by signal 9." in told
    warm.instance.client().command("KILL QUERY WHERE query LIKE '%sleepEachRow(0.5)%' AND user = 'analyst' SYNC")


def test_a_question_that_was_taken_is_never_run_a_second_time(warm: Warm) -> None:
    warm.start()
    asking = warm.begun(*LONG)
    assert eventually(lambda: warm.instance.rows(RUNNING) == [(1,)])
    (watching,) = psutil.Process(warm.process).children()
    (answering,) = watching.children()
    watching.kill()
    assert asking.wait(timeout=PATIENCE) == 1
    assert warm.instance.rows(RUNNING) == [(1,)]
    answering.kill()  # until then it has standard error, too
    _, told = asking.communicate(timeout=PATIENCE)
    assert told == b"Error: The process that ran the command has ended and did not say how. Ask again.\n"
    warm.instance.client().command("KILL QUERY WHERE query LIKE '%sleepEachRow(0.5)%' AND user = 'analyst' SYNC")


def test_questions_at_the_same_time_do_not_wait_for_each_other(warm: Warm) -> None:
    warm.start()
    asking = warm.begun(*LONG)
    try:
        assert eventually(lambda: warm.instance.rows(RUNNING) == [(1,)])
        assert warm.run("sql", "SELECT 1").returncode == 0
        assert asking.poll() is None
    finally:
        asking.kill()
        asking.wait()
    assert eventually(lambda: warm.instance.rows(RUNNING) == [(0,)])


def test_after_a_crash_and_after_changed_code_there_is_another_one(warm: Warm) -> None:
    process = warm.start()
    os.kill(process, signal.SIGKILL)
    assert eventually(lambda: is_over(process))
    again = _another(warm, process)
    file = REPOSITORY / "cli" / "sql.py"
    before = file.stat()
    os.utime(file)
    try:
        assert warm.run("sql", "SELECT 1").returncode == 0
        assert eventually(lambda: is_over(again))
    finally:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _another(warm, again)


def _another(warm: Warm, before: int) -> int:
    def is_there() -> bool:
        warm.run("sql", "SELECT 1")
        try:
            return warm.process != before
        except OSError:
            return False

    assert eventually(is_there)
    return warm.process


def test_nonsense_does_not_end_it(warm: Warm) -> None:
    process = warm.start()
    for message in (b"", b"\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b'{"kin": 1'):
        with connected(warm.folder / SOCKET) as connection:
            connection.sendall(message)
    assert warm.run("sql", "SELECT 1").returncode == 0
    assert warm.process == process


def test_it_ends_when_nobody_asks(warm: Warm, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    ended = subprocess.run(
        [sys.executable, "-m", "cli.warm", str(tmp_path), "1"], cwd=REPOSITORY, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 0
    assert not (tmp_path / SOCKET).exists()
