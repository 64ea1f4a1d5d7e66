"""Questions about metrics into the statements that answer them: by the cache, the resident compiler, or here."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from semantic_layer.metrics.catalogue import Catalogue, folder, semantic_manifest
from semantic_layer.metrics.checking import checked
from semantic_layer.metrics.code_version import code_version
from semantic_layer.metrics.comparing import Compared, compared
from semantic_layer.metrics.disk_cache import DiskCache
from semantic_layer.metrics.models import METRIC_TIME, Compare, MetricQuery
from semantic_layer.metrics.requests import Request, conditions_on_rows, request_for
from semantic_layer.metrics.resident import LOCK, LOG, SOCKET, receive, send
from semantic_layer.metrics.statements import comparing_statement, sharing_statement, statement
from warehouse.errors import MillraceError, WrongUsage
from warehouse.local_sockets import is_ours, peer_of, reachable
from warehouse.settings import REPOSITORY, Settings

MOST_STATEMENTS, MOST_BYTES = 500, 20 * 1024**2
STARTING_SECONDS = 15.0  # until the compiler answers, before it is done without
ANSWERING_SECONDS = 30.0
LOG_BYTES = 1024**2
# What the compiler's process needs of the environment: no login among it.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")

_starting: dict[Path, subprocess.Popen[bytes] | None] = {}


@dataclass(frozen=True)
class Compiled:
    query: MetricQuery  # with what it leaves open filled in
    sql: str
    days: tuple[date | None, date | None]
    compared_days: tuple[date, date] | None


def compile_query(settings: Settings, catalogue: Catalogue, query: MetricQuery) -> Compiled:
    query = checked(query, catalogue)
    first, last = _days(query, catalogue)
    against = _compared(query, first, last)
    where, on_rows = conditions_on_rows(query, catalogue) if query.share else (query.where, [])
    requests = [request_for(query.model_copy(update={"where": where}), catalogue, first, last)]
    if against and against.days:
        requests.append(request_for(query, catalogue, *against.days))
    sql = _compiled(settings, catalogue, query.project, requests)
    if query.share:
        told = sharing_statement(query, sql[0], on_rows)
    elif against is None:
        told = statement(query, sql[0])
    else:
        told = comparing_statement(query, sql[0], sql[1] if against.days else None, against.shift)
    return Compiled(query, told, (first, last), against.days if against else None)


def _days(query: MetricQuery, catalogue: Catalogue) -> tuple[date | None, date | None]:
    """Those asked for; where a comparison leaves them open, those with events."""
    facts = catalogue.projects[query.project]
    first, last = query.first_day, query.last_day
    if query.compare is Compare.PREVIOUS and first is None:
        raise WrongUsage(
            "What lies before is known only if the days have a beginning.",
            hint="Add --from, for example --from 2026-01-01.",
        )
    if query.compare is None:
        return first, last
    if facts.first_day is None or facts.last_day is None:
        if first is None or last is None:
            raise MillraceError(
                f"Project {query.project} has no events yet.", hint="Say the days with --from and --to."
            )
        return first, last
    first = first or (min(facts.first_day, last) if last else facts.first_day)
    return first, last or max(facts.last_day, first)


def _compared(query: MetricQuery, first: date | None, last: date | None) -> Compared | None:
    if query.compare is None or first is None or last is None:
        return None
    grain = next((grouping.grain for grouping in query.by if grouping.name == METRIC_TIME), None)
    return compared(first, last, grain, query.compare)


def _compiled(settings: Settings, catalogue: Catalogue, project: str, requests: Sequence[Request]) -> list[str]:
    if not project.isprintable():
        raise WrongUsage(f"{project!r} is not the name of a project.")
    timezone = catalogue.projects[project].timezone
    wanted = [{"request": request.as_json(), "project": project, "timezone": timezone} for request in requests]
    known = DiskCache(settings.data_dir / "cache" / "statements", MOST_STATEMENTS, MOST_BYTES)
    keys = [json.dumps([code_version(), catalogue.manifest, each], sort_keys=True) for each in wanted]
    found = {key: text.decode() for key in keys if (text := known.get(key)) is not None}
    missing = [(key, each) for key, each in zip(keys, wanted, strict=True) if key not in found]
    if missing:
        message = [each for _, each in missing]
        made = compiled_by_resident(settings, catalogue.manifest, message)
        if made is None:
            made = _compiled_here(settings, catalogue.manifest, message)
        for (key, _), sql in zip(missing, made, strict=True):
            known.put(key, sql.encode())
            found[key] = sql
    return [found[key] for key in keys]


def _compiled_here(settings: Settings, manifest: str, requests: Sequence[Mapping[str, Any]]) -> list[str]:
    from semantic_layer.metrics.planning import NotPlanned, compiler_of, planned

    path = semantic_manifest(settings)
    if hashlib.sha256(path.read_bytes()).hexdigest() != manifest:
        raise MillraceError(
            "The metrics have just been declared anew.",
            hint="Ask again; where that does not help, run `millrace build`.",
        )
    compiler = compiler_of(path)
    try:
        return [planned(compiler, **request) for request in requests]
    except NotPlanned as error:
        raise refusal(str(error)) from error


def refusal(reason: str) -> MillraceError:
    return WrongUsage(f"This cannot be asked: {reason}")


def compiled_by_resident(
    settings: Settings, manifest: str, requests: Sequence[Mapping[str, Any]], start: bool = True
) -> list[str] | None:
    """By the compiler that waits behind the socket, started where there is none. None: without it, then."""
    message = {"code": code_version(), "manifest": manifest, "requests": list(requests)}
    reply = _asked(settings, message)
    if (reply is None or "outdated" in reply) and start:
        reply = _asked_when_started(settings, message)
    if reply is not None and "refused" in reply:
        raise refusal(str(reply["refused"]))
    return [str(sql) for sql in reply["sql"]] if reply is not None and "sql" in reply else None


def stop_resident(settings: Settings) -> None:
    """End the compiler, where one runs."""
    _asked(settings, {"code": "", "manifest": "", "requests": []})


def _asked(settings: Settings, message: dict[str, Any]) -> dict[str, Any] | None:
    path = folder(settings) / SOCKET
    if not is_ours(path):
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, reachable(path) as name:
            connection.settimeout(ANSWERING_SECONDS)
            connection.connect(name)
            if peer_of(connection) != os.geteuid():
                return None
            send(connection, message)
            reply: dict[str, Any] = json.loads(receive(connection))
            return reply
    except (OSError, ValueError):
        return None


def start_resident(settings: Settings) -> None:
    """Where none waits: importing MetricFlow takes as long as all the rest, so it begins while a question is read."""
    if semantic_manifest(settings).exists() and not is_ours(folder(settings) / SOCKET):
        _starting[folder(settings)] = _started(settings)


def _asked_when_started(settings: Settings, message: dict[str, Any]) -> dict[str, Any] | None:
    """By a compiler that starts now; where others start one at the same time, by the one that remains."""
    process = _starting.pop(folder(settings), None) or _started(settings)
    until = time.monotonic() + STARTING_SECONDS
    while process is not None and time.monotonic() < until:
        ended = process.poll() is not None
        reply = _asked(settings, message)
        if (reply is not None and "outdated" not in reply) or ended:
            return reply
        time.sleep(0.02)
    return None


def _started(settings: Settings) -> subprocess.Popen[bytes] | None:
    """A compiler that outlives us."""
    from warehouse.private_files import private_folder

    home = folder(settings)
    log = home / LOG
    try:
        private_folder(home)
        (home / LOCK).touch(mode=0o600)
        full = log.exists() and log.stat().st_size > LOG_BYTES
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if full else os.O_APPEND), 0o600)
        with os.fdopen(handle, "ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "semantic_layer.metrics.resident", str(home), str(semantic_manifest(settings))],
                cwd=REPOSITORY,
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError:
        return None
