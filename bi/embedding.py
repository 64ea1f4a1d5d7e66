"""Dashboards in pages of others: tokens for guests, and an example of such a page.

A guest sees the dashboard of the token and the rows of its project. Both stand in the token, which Superset signs:
whoever has one can change neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bi.client import Client
from bi.filters import in_address
from warehouse.errors import WrongUsage, nearest

GUEST_OF = "project:"  # the name of a guest, which no person can have, says whose rows they see
CONTENT = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-src "
# What Superset's own package does for a page, in as many lines as an example has room for. docs/dashboards.md names it.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page of yours</title>
<style>body { margin: 0; font: 16px system-ui, sans-serif; } h1 { font-size: 18px; margin: 12px 16px; }
iframe { border: 0; width: 100%; height: calc(100vh - 50px); }</style></head>
<body><h1>A page of yours</h1><iframe id="dashboard" src="SUPERSET/embedded/EMBEDDED?native_filters=FILTERS"></iframe>
<script>
const frame = document.getElementById("dashboard");
frame.addEventListener("load", async () => {
  const channel = new MessageChannel();
  frame.contentWindow.postMessage(
    {type: "__embedded_comms__", handshake: "port transfer"}, "SUPERSET", [channel.port2]);
  const tell = async () => {
    const guestToken = (await (await fetch("/token")).json()).token;
    channel.port1.postMessage({switchboardAction: "emit", method: "guestToken", args: {guestToken}});
  };
  await tell();
  setInterval(tell, 4 * 60 * 1000);  // a token is good for five minutes
});
</script></body></html>
"""


class Guest(Client):
    """Whoever has a token: no login, and nothing but the dashboard of the token."""

    def __init__(self, url: str, token: str) -> None:
        self.connect(url, {"X-GuestToken": token})


@dataclass(frozen=True)
class Embedded:
    """A dashboard that may be shown elsewhere."""

    uuid: str
    title: str


def embedded(client: Client, slug: str, origins: list[str]) -> Embedded:
    """Of the dashboard with this name in dashboards/*.yaml; from here on pages of these origins may show it."""
    slug = slug.replace("_", "-")
    known = {row["slug"]: row for row in client.listed("dashboard", ["id", "slug", "dashboard_title"])}
    if slug not in known:
        there = f"There are {', '.join(known)}."
        raise WrongUsage(f"There is no dashboard {slug!r}{nearest(slug, known) or '.'}", hint=there)
    row = known[slug]
    made = client.ask("POST", f"dashboard/{row['id']}/embedded", {"allowed_domains": origins})
    return Embedded(made["result"]["uuid"], row["dashboard_title"])


def guest_token(client: Client, dashboard: Embedded, project: str) -> str:
    asked: dict[str, Any] = {
        "user": {"username": f"{GUEST_OF}{project}", "first_name": "Guest", "last_name": project},
        "resources": [{"type": "dashboard", "id": dashboard.uuid}],
        "rls": [],
    }
    token: str = client.ask("POST", "security/guest_token/", asked)["token"]
    return token


def page_of(superset: str, dashboard: Embedded, project: str) -> str:
    """It opens with the guest's project: else with that of everybody, of which the guest may see nothing."""
    told = {"SUPERSET": superset, "EMBEDDED": dashboard.uuid, "FILTERS": in_address(project)}
    return re.sub("|".join(told), lambda word: told[word.group()], PAGE)


def example(
    superset: str, dashboard: Embedded, project: str, token: Callable[[], str], port: int
) -> ThreadingHTTPServer:
    """A server of the example page, on loopback: what a page of yours would do, without what it has beside."""
    page = page_of(superset, dashboard, project).encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self._answer("text/html; charset=utf-8", page)
            elif self.path == "/token":
                self._answer("application/json", json.dumps({"token": token()}).encode())
            else:
                self.send_error(404)

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", CONTENT + superset)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Page)
