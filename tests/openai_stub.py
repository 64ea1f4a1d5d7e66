"""A local server that speaks OpenAI's chat completions, with replies that a test writes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Calls:
    """A reply that calls tools: each by its name, with the text of its arguments."""

    made: tuple[tuple[str, str], ...]


@dataclass
class Stub:
    """`replies` are given one after the other, the last one again and again. A document is the arguments of the tool
    that is asked for, a text is a text, and a number an HTTP status instead."""

    url: str = ""
    replies: list[Any] = field(default_factory=list)
    seconds: float = 0.0  # before a reply
    drip: float = 0.0  # seconds between the bytes of one
    usage: dict[str, int] | None = field(
        default_factory=lambda: {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    )
    finish_reason: str = "stop"
    has_tools: bool = True  # else a request with one is refused, and documents are texts
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def document(self, number: int) -> dict[str, Any]:
        """The JSON document that the model was told in a request."""
        told: dict[str, Any] = json.loads(self.requests[number]["messages"][1]["content"])
        return told


@contextmanager
def openai_stub(*replies: Any, **attributes: Any) -> Iterator[Stub]:
    stub = Stub(replies=list(replies), **attributes)
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            stub.requests.append(json.loads(body))
            stub.keys.append(self.headers.get("Authorization", ""))
            reply = stub.replies[min(len(stub.requests), len(stub.replies)) - 1]
            stopped.wait(stub.seconds)
            asked = stub.requests[-1]
            if isinstance(reply, int) or ("tools" in asked and not stub.has_tools):
                reply = reply if isinstance(reply, int) else 400
                self._send(reply, {"error": {"message": "no", "type": "error", "code": None, "param": None}})
                return
            if not isinstance(reply, str | Calls):
                name = asked["tool_choice"]["function"]["name"] if "tools" in asked else ""
                reply = Calls(((name, json.dumps(reply)),)) if name else json.dumps(reply)
            calls = reply.made if isinstance(reply, Calls) else ()
            called = [
                {"id": f"call-{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
                for n, (name, arguments) in enumerate(calls)
            ]
            text = None if calls else reply
            answer: dict[str, Any] = {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": "stub",
                "choices": [
                    {
                        "index": 0,
                        "message": {
                            "role": "assistant",
                            "content": text,
                            "refusal": None,
                            **({"tool_calls": called} if called else {}),
                        },
                        "logprobs": None,
                        "finish_reason": stub.finish_reason,
                    }
                ],
            }
            self._send(200, {**answer, **({"usage": stub.usage} if stub.usage else {})})

        def _send(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                for byte in [bytes([b]) for b in body] if stub.drip else [body]:
                    self.wfile.write(byte)
                    self.wfile.flush()
                    if stub.drip and stopped.wait(stub.drip):
                        return
            except OSError:
                pass  # whoever asked has had enough

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield stub
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
