"""A local HTTP server that takes what channels of alerts send, and answers as a test wants."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    at: float  # on the monotonic clock

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Webhook:
    """`replies` are given one after the other, the last one again and again: a status, or one with headers."""

    port: int = 0
    replies: list[int | tuple[int, dict[str, str]]] = field(default_factory=lambda: [200])
    requests: list[Request] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)
    drip: float = 0.0  # seconds between the bytes of an answer that has no end
    text: str = "ok"

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.target}"


@contextmanager
def webhook(
    *replies: int | tuple[int, dict[str, str]], certificate: Path | None = None, **more: Any
) -> Iterator[Webhook]:
    stub = Webhook(replies=list(replies) or [200], **more)
    stub.may_answer.set()
    stopped, lock = threading.Event(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                headers = {name.lower(): value for name, value in self.headers.items()}
                stub.requests.append(Request(self.path, headers, body, time.monotonic()))
                reply = stub.replies[min(len(stub.requests), len(stub.replies)) - 1]
            stub.came.set()
            while not stub.may_answer.wait(0.05) and not stopped.is_set():
                pass
            status, headers = reply if isinstance(reply, tuple) else (reply, {})
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if stub.drip:
                    self.end_headers()
                    while not stopped.wait(stub.drip):
                        self.wfile.write(b".")
                        self.wfile.flush()
                else:
                    self.send_header("Content-Length", str(len(stub.text)))
                    self.end_headers()
                    self.wfile.write(stub.text.encode())
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    stub.port = server.server_address[1]
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
