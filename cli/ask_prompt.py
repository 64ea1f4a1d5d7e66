"""`millrace ask` without a question: a prompt that keeps the context, at a terminal."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.ask import check_chart, give_feedback, show
from cli.output import Format, print_text, say
from warehouse.errors import MillraceError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from semantic_layer.ask.answering import Answer
    from semantic_layer.ask.asking import Asker

PROMPT = "? "
MOST_REMEMBERED = 1000
ENDS = (":quit", ":q", "quit", "exit")
HELP = """\
Ask in words, e.g. revenue last month; then: and by country?
  :explain      the SQL of the last answer      :chart FILE   its chart as .png, .svg or .json
  :good :bad    what you think of it            :quit         the end, as Ctrl-D"""


def prompt(settings: Settings, asker: Asker, session: str, explain: bool) -> None:
    print_text(f"Project {asker.project}. :help says what can be done here; Ctrl-D ends.")
    _Prompt(settings, asker, session, explain).run()


class _Prompt:
    def __init__(self, settings: Settings, asker: Asker, session: str, explain: bool) -> None:
        self._settings, self._asker, self._session, self._explain = settings, asker, session, explain
        self._last: Answer | None = None
        self._writers: list[threading.Thread] = []

    def run(self) -> None:
        with _history(self._settings):
            while True:
                try:
                    line = input(PROMPT).strip()
                except EOFError:
                    print_text("")
                    break
                except KeyboardInterrupt:
                    print_text("")
                    continue
                if line in ENDS:
                    break
                try:
                    if line:
                        self._do(line)
                except MillraceError as error:
                    say(f"Error: {error.message}" + (f"\n  {error.hint}" if error.hint else ""))
                except KeyboardInterrupt:
                    say("Stopped.")
                except Exception as error:  # noqa: BLE001 - one question that fails ends no conversation
                    say(f"Error: Unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}")
        for writer in self._writers:
            writer.join()

    def _do(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word:
            case ":help" | "help" | "?":
                print_text(HELP)
            case ":good" | ":bad":
                give_feedback(self._settings, self._session, word[1:])
            case ":explain":
                for sql in self._answered().sql:
                    print_text(sql)
            case ":chart":
                self._chart(rest.strip())
            case _ if word.startswith(":"):
                raise MillraceError(f"There is no {word} here.", hint=":help says what there is.")
            case _:
                self._ask(line)

    def _ask(self, question: str) -> None:
        from semantic_layer.ask.answering import Answer
        from semantic_layer.ask.asking import AskingFailed

        try:
            asked = self._asker.ask(question)
        except AskingFailed as failed:
            self._write(failed.row)
            raise failed.error from failed
        show(asked, None, self._explain, Format.TABLE)
        sys.stdout.flush()
        self._last = asked.result if isinstance(asked.result, Answer) else None
        self._write(asked.row)

    def _write(self, row: object) -> None:
        from semantic_layer.ask.history import Row, flush, remember

        assert isinstance(row, Row)
        remember(self._settings, row)
        # The next question need not wait for it.
        writer = threading.Thread(target=flush, args=(self._settings,))
        writer.start()
        self._writers = [one for one in self._writers if one.is_alive()] + [writer]

    def _chart(self, name: str) -> None:
        from semantic_layer.ask.drawing.files import write_chart

        if not name:
            raise MillraceError("A chart needs a file.", hint=":chart revenue.png")
        path = Path(name).expanduser()
        check_chart(path)
        write_chart(self._answered(), path)
        print_text(f"The chart is in {path}.")

    def _answered(self) -> Answer:
        if self._last is None:
            raise MillraceError("There is no answer yet.", hint="Ask something first.")
        return self._last


@contextlib.contextmanager
def _history(settings: Settings) -> Iterator[None]:
    """Lines that were typed before, for the arrow keys; kept in a file that only its owner reads."""
    try:
        import readline
    except ImportError:  # a Python without it: then there are no arrow keys
        yield
        return
    from semantic_layer.ask.files import folder

    path = folder(settings, "history") / "typed.txt"
    path.touch(mode=0o600)
    with contextlib.suppress(OSError):
        readline.read_history_file(path)
    readline.set_history_length(MOST_REMEMBERED)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            readline.write_history_file(path)
