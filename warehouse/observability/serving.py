"""/metrics over HTTP."""

from __future__ import annotations

import errno
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from warehouse.errors import MillraceError
from warehouse.observability.exposition import CONTENT_TYPE
from warehouse.observability.figures import Figures
from warehouse.settings import Settings

CLIENT_SECONDS = 30


def server(settings: Settings, host: str, port: int) -> ThreadingHTTPServer:
    """Bound and listening; `serve_forever` answers."""
    figures = Figures(settings)

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "millrace", ""
        timeout = CLIENT_SECONDS

        def do_GET(self) -> None:
            if self.path.partition("?")[0] == "/metrics":
                self._answer(HTTPStatus.OK, figures.text(), CONTENT_TYPE)
            else:
                self._answer(HTTPStatus.NOT_FOUND, "The figures are at /metrics.\n", "text/plain; charset=utf-8")

        def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None: ...

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened at: {error.strerror or error}"
        raise MillraceError(
            f"{host}:{port} {why}.", hint="Choose another by --port or --listen; 0 is any free port."
        ) from error
