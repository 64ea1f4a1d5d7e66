"""What every step shares: one at a time on the warehouse, and again only where the infrastructure was at fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from warehouse.alone import alone_for_a_run
from warehouse.errors import WrongUsage
from warehouse.settings import load_settings

POOL = "warehouse"
RETRIES = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
# The pool is Dagster's own and keeps its runs apart; the lock is that of `millrace build`, and a run holds it from its
# first step to its last.
ALONE = {"alone_on_the_warehouse"}
# How a server that restarts, a network that is away or a full memory show themselves.
INFRASTRUCTURE = (
    "cannot be reached",
    "does not answer",
    "Connection refused",
    "Connection reset",
    "RemoteDisconnected",
    "Connection aborted",
    "connection to",
    "timed out",
    "Broken pipe",
    "MEMORY_LIMIT_EXCEEDED",
    "TOO_MANY_SIMULTANEOUS_QUERIES",
    "Is the server running",
)


@dg.resource(description="While the run has it, no build of the command line begins, and none is running.")
def alone_on_the_warehouse(context: dg.InitResourceContext) -> Iterator[None]:
    def waits() -> None:
        if context.log:
            context.log.info("Waiting for a build of the command line, or a backup, to end.")

    with alone_for_a_run(load_settings(), waits):
        yield


RESOURCES = dict.fromkeys(ALONE, alone_on_the_warehouse)


@contextmanager
def retried_where_the_infrastructure_failed() -> Iterator[None]:
    """What is wrong with data or code stays wrong: only what may be over in a minute is worth another try."""
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:  # also a mistake in code, of which Dagster would try three times more
        may_be_over = not isinstance(error, WrongUsage) and is_of_the_infrastructure(error)
        raise dg.Failure(description=_told(error), allow_retries=may_be_over) from error


def is_of_the_infrastructure(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if tells_of_the_infrastructure(f"{type(cause).__name__}: {cause}"):
            return True
        cause = cause.__cause__
    return False


def tells_of_the_infrastructure(text: str) -> bool:
    return any(sign in text for sign in INFRASTRUCTURE)


def _told(error: BaseException) -> str:
    hint = getattr(error, "hint", "")
    return f"{error}{f' {hint}' if hint else ''}"
