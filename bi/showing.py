"""Dashboards and charts as files, for reports: drawn and asked as a guest of one project, so of its rows alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from bi.client import Client
from bi.embedding import Guest, embedded, guest_token
from bi.environment import INSIDE, ensure_environment
from bi.filters import in_address
from bi.model import Bundle, Chart, Dashboard, Section
from bi.service import Service
from bi.syncing import bundle_of
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.settings import Settings

PROGRAM = "picture.py"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 300
TIME_RANGE = "TEMPORAL_RANGE"


class Boards:
    """Those that are declared, in the Superset that runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def title(self, dashboard: str, tab: str = "", chart: str = "") -> str:
        """Of what is meant by these names; WrongUsage where there is none."""
        board = self._board(dashboard)
        if chart:
            return _chart(board, chart).title
        return f"{board.title}, {_section(board, tab).title}" if tab else board.title

    def pictures(
        self, dashboard: str, tab: str, project: str, first: date, last: date, formats: Sequence[str]
    ) -> dict[str, bytes]:
        """By format: png, pdf."""
        board, chromium = self._board(dashboard), _browser()
        section = _section(board, tab)
        client = self._service.client()
        running = self._service.running()
        assert running is not None  # else there is no client
        with tempfile.TemporaryDirectory(prefix="millrace-picture-") as folder:
            files = {one: str(Path(folder) / f"board.{one}") for one in formats}
            told = {
                "chromium": chromium,
                "url": f"{running.url}/superset/dashboard/{_slug(board)}/?standalone=2&show_filters=0"
                f"&native_filters={in_address(project, _range(first, last))}",
                "token": self._token(client, board, project),
                "tab": section.title if tab else "",
                "charts": sum(1 for row in section.rows for tile in row.tiles if tile.chart),
                "files": files,
            }
            _draw(board.title, told)
            return {one: Path(path).read_bytes() for one, path in files.items()}

    def rows(
        self, dashboard: str, chart: str, project: str, first: date, last: date, formats: Sequence[str]
    ) -> tuple[list[Mapping[str, Any]], dict[str, bytes]]:
        """What a chart shows, and by format, csv or xlsx, as a file."""
        board = self._board(dashboard)
        declared = _chart(board, chart)
        client = self._service.client()
        guest = Guest(client.url, self._token(client, board, project))
        ids = {row["uuid"]: row["id"] for kind in ("chart", "dashboard") for row in client.listed(kind, ["id", "uuid"])}
        if declared.id not in ids or board.id not in ids:
            raise MillraceError(f"Superset does not have {board.title} yet.", hint="`millrace bi sync` brings it.")
        saved = client.ask("GET", f"chart/{ids[declared.id]}")["result"]
        asked = json.loads(saved["query_context"])
        asked["form_data"] |= {"slice_id": ids[declared.id], "dashboardId": ids[board.id]}
        for query in asked["queries"]:
            for one in query.get("filters", ()):
                if one["op"] == TIME_RANGE:
                    one["val"] = _range(first, last)
        rows = guest.ask("POST", "chart/data", asked)["result"][0]["data"]
        return rows, {one: guest.file("chart/data", {**asked, "result_format": one}) for one in formats}

    @cached_property
    def _bundle(self) -> Bundle:
        return bundle_of(self._settings)

    @cached_property
    def _service(self) -> Service:
        return Service(self._settings)

    def _board(self, name: str) -> Dashboard:
        known = {one.name: one for one in self._bundle.dashboards}
        if name not in known:
            there = f"There are {', '.join(known)}."
            raise WrongUsage(f"There is no dashboard {name!r}{nearest(name, known) or '.'}", hint=there)
        return known[name]

    def _token(self, client: Client, board: Dashboard, project: str) -> str:
        shown = embedded(client, board.name, self._settings.bi_origins_listed)
        return guest_token(client, shown, project)


def _section(board: Dashboard, tab: str) -> Section:
    """The first where no tab is named."""
    known = {one.title: one for one in board.sections}
    if tab and tab not in known:
        there = f"Its tabs are {', '.join(filter(None, known))}." if len(known) > 1 else "It has no tabs."
        raise WrongUsage(f"Dashboard {board.name} has no tab {tab!r}{nearest(tab, known) or '.'}", hint=there)
    return known[tab] if tab else board.sections[0]


def _chart(board: Dashboard, title: str) -> Chart:
    known = {one.title: one for one in board.charts}
    if title not in known:
        there = f"Its charts are {', '.join(known)}."
        raise WrongUsage(f"Dashboard {board.name} has no chart {title!r}{nearest(title, known) or '.'}", hint=there)
    return known[title]


def _browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise MillraceError(
            "A picture of a dashboard needs Chromium, which is not there.",
            hint="Install it (Debian: apt-get install chromium), or take charts as files instead of the dashboard.",
        )
    return found


def _draw(title: str, told: Mapping[str, Any]) -> None:
    python = ensure_environment(lambda _: None)
    own = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    try:
        done = subprocess.run(
            [str(python), str(INSIDE / PROGRAM)],
            input=json.dumps(told),
            env=own,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise MillraceError(f"Dashboard {title} was not drawn within {SECONDS} s.") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise MillraceError(f"Dashboard {title} cannot be drawn: {said}", hint="Does it open in a browser?")


def _range(first: date, last: date) -> str:
    """As Superset has it: without its end."""
    return f"{first} : {last + timedelta(days=1)}"


def _slug(board: Dashboard) -> str:
    return board.name.replace("_", "-")
