"""Superset over its REST API: what bundles need of it, and no more."""

from __future__ import annotations

import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from warehouse.errors import MillraceError

SECONDS = 180
PAGE = 100
UNAUTHORIZED, EXPIRED = 401, "Token has expired"
# Pages are of something that is in order.
ORDER = {"chart": "slice_name", "dashboard": "dashboard_title", "dataset": "table_name", "database": "database_name"}


class Refused(MillraceError):
    """What Superset did not do, with what it says of it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Client:
    _login: Mapping[str, Any] | None = None  # of a guest there is none

    def __init__(self, url: str, user: str, password: str) -> None:
        self.connect(url, {})
        self._login = {"username": user, "password": password, "provider": "db", "refresh": True}
        self._log_in()

    def _log_in(self) -> None:
        self._headers.pop("Authorization", None)
        token = self.ask("POST", "security/login", self._login)["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"
        self._headers["X-CSRFToken"] = self.ask("GET", "security/csrf_token/")["result"]

    def connect(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url.rstrip("/")
        cookies = http.cookiejar.CookieJar()
        # No proxy of the environment: it is on this machine, or said to be elsewhere knowingly.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(cookies)
        )
        self._headers = {"Accept": "application/json", "Referer": self.url, **headers}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        return json.loads(self._send(method, path, data, "application/json") or b"{}")

    def file(self, path: str, body: Any) -> bytes:
        """What is asked for as a file."""
        return self._send("POST", path, json.dumps(body).encode(), "application/json")

    def listed(self, kind: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Every chart, dashboard, dataset …, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.ask("GET", f"{kind}/?q={urllib.parse.quote(_page(kind, columns, len(found) // PAGE))}")[
                "result"
            ]
            found += page
            if len(page) < PAGE:
                return found

    def delete(self, kind: str, ids: Sequence[int]) -> None:
        if ids:
            query = urllib.parse.quote(f"!({','.join(map(str, ids))})")
            self.ask("DELETE", f"{kind}/?q={query}")

    def import_assets(self, archive: bytes) -> None:
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="bundle"; filename="assets.zip"\r\n'
            "Content-Type: application/zip\r\n\r\n"
        )
        body = head.encode() + archive + f"\r\n--{boundary}--\r\n".encode()
        self._send("POST", "assets/import/", body, f"multipart/form-data; boundary={boundary}")

    def export_assets(self) -> bytes:
        return self._send("GET", "assets/export/", None, "application/json")

    def chart_data(self, chart: int, fresh: bool = True) -> list[Mapping[str, Any]]:
        """What a chart asks for, as it is saved: the rows of its first query; `fresh`: not out of Superset's cache."""
        results = self.ask("GET", f"chart/{chart}/data/?force={str(fresh).lower()}")["result"]
        rows: list[Mapping[str, Any]] = results[0]["data"]
        return rows

    def _send(self, method: str, path: str, body: bytes | None, kind: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - http or https, by construction
            f"{self.url}/api/v1/{path}",
            data=body,
            method=method,
            headers={**self._headers, **({"Content-Type": kind} if body is not None else {})},
        )
        try:
            with self._opener.open(request, timeout=SECONDS) as reply:
                content: bytes = reply.read()
                return content
        except urllib.error.HTTPError as error:
            said = _said(error)
            if error.code == UNAUTHORIZED and said == EXPIRED and self._login:
                self._log_in()  # a token holds for a quarter of an hour
                return self._send(method, path, body, kind)
            raise Refused(f"Superset refuses {method} {path.partition('?')[0]}: {said}", error.code) from error
        except (urllib.error.URLError, OSError) as error:
            raise MillraceError(
                f"Superset does not answer at {self.url}: {getattr(error, 'reason', error)}.",
                hint="`millrace bi status` says whether it runs.",
            ) from error


def _page(kind: str, columns: Sequence[str], number: int) -> str:
    order = f"order_column:{ORDER[kind]},order_direction:asc"
    return f"(columns:!({','.join(columns)}),page:{number},page_size:{PAGE},{order})"


def _said(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        document = json.loads(text)
    except ValueError:
        return f"{error.code} {error.reason}"
    if errors := document.get("errors"):
        return "; ".join(str(one.get("message", one)) for one in errors)[:800]
    return str(document.get("message") or document.get("msg") or document)[:800]
