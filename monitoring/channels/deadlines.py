"""An end to every wait: for a name, a connection, a handshake, and for all that is said after it."""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

T = TypeVar("T")
AGAIN = 0.1  # seconds: while a handshake exchanges one socket for another there is nothing to cut off


class Deadline:
    """Timeouts of sockets begin anew with each byte and each address, names have none; here the whole has an end."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; TimeoutError where there are none."""
        if (left := self._at - time.monotonic()) <= 0:
            raise TimeoutError
        return left

    def wait_for(self, work: Callable[[], T]) -> T:
        """For what nothing can cut off. It may go on when nobody waits any more, so it must do no more than ask."""
        answers: queue.SimpleQueue[T | BaseException] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(work())
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                answers.put(error)

        threading.Thread(target=ask, daemon=True).start()  # none of a pool, which would wait for it at its end
        try:
            answer = answers.get(timeout=self.left)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @contextmanager
    def cuts(self, current: Callable[[], socket.socket | None]) -> Iterator[None]:
        """`current`: the socket as it is then, since STARTTLS puts another one in its place."""
        done = threading.Event()

        def end() -> None:
            wait = max(self._at - time.monotonic(), 0.0)
            while not done.wait(wait):
                if sock := current():
                    with suppress(OSError):  # it ended by itself
                        sock.shutdown(socket.SHUT_RDWR)
                wait = AGAIN

        threading.Thread(target=end, daemon=True).start()
        try:
            yield
        except (OSError, http.client.HTTPException, EOFError) as error:
            if time.monotonic() >= self._at:
                raise TimeoutError from error
            raise
        finally:
            done.set()
        self.left  # noqa: B018 - what was cut off looks like an end


def reached(host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None = None) -> socket.socket:
    """A connection to the first of the host's addresses that takes it."""
    found = deadline.wait_for(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    for number, (family, kind, protocol, _, address) in enumerate(found, 1):
        sock = socket.socket(family, kind, protocol)
        try:
            # One address that says nothing leaves time for the others.
            sock.settimeout(deadline.left / (len(found) - number + 1))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a request is written in two parts
            sock.settimeout(deadline.left)
            break
        except OSError:
            sock.close()
            if number == len(found):
                raise
    return tls.wrap_socket(sock, server_hostname=host) if tls else sock
