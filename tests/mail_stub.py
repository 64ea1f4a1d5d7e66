"""A local mail server: SMTP as RFC 5321 has it, with STARTTLS and AUTH where a test wants them."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast


@dataclass
class Mailbox:
    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)  # verb, or `RCPT <address>` -> instead of yes
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    drips: str = ""  # the verb before whose answer nothing comes but a byte now and then, for some seconds
    was_waited_for: bool = False  # to the end of that

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def mail_server(certificate: Path | None = None, **more: object) -> Iterator[Mailbox]:
    box = Mailbox(**more)  # type: ignore[arg-type]

    class Handler(socketserver.StreamRequestHandler):
        encrypted = False

        def handle(self) -> None:
            try:
                self._handle()
            except (OSError, ValueError):
                return  # whoever spoke has gone

        def _handle(self) -> None:
            self._drip("CONNECT", "220")
            self._say(box.answers.get("CONNECT", "220 mail.test ESMTP"))
            recipients: list[str] = []
            while line := self.rfile.readline():
                text = line.decode().strip()
                verb = text.split(" ")[0].upper()
                self._drip(verb, "221")
                if verb in box.answers:
                    self._say(box.answers[verb])
                elif verb == "EHLO":
                    offers = ["mail.test", *(["STARTTLS"] if certificate and not self.encrypted else []), "AUTH PLAIN"]
                    for offer in offers[:-1]:
                        self._say(f"250-{offer}")
                    self._say(f"250 {offers[-1]}")
                elif verb == "STARTTLS":
                    self._say("220 go ahead")
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(str(certificate))
                    self.connection = context.wrap_socket(self.connection, server_side=True)
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)  # type: ignore[assignment]
                    self.encrypted = True
                elif verb == "AUTH":
                    _, user, password = base64.b64decode(text.split(" ")[2]).decode().split("\0")
                    box.logins.append((user, password))
                    self._say("235 welcome")
                elif verb == "RCPT":
                    address = text.partition("<")[2].partition(">")[0]
                    answer = box.answers.get(f"RCPT {address}", "250 ok")
                    recipients += [address] if answer.startswith("250") else []
                    self._say(answer)
                elif verb == "DATA":
                    self._say("354 go on")
                    body = b""
                    while (part := self.rfile.readline()) not in (b".\r\n", b""):
                        body += part[1:] if part.startswith(b".") else part
                    mail = cast("EmailMessage", message_from_bytes(body, policy=policy.default))
                    box.mails.append((recipients, mail))
                    box.was_encrypted.append(self.encrypted)
                    recipients = []
                    self._say("250 taken")
                elif verb == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 ok")

        def _drip(self, verb: str, code: str) -> None:
            if verb == box.drips:
                for byte in f"{code}-{'.' * 60}\r\n":
                    self.wfile.write(byte.encode())
                    time.sleep(0.05)
                box.was_waited_for = True

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
