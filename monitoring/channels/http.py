"""One POST to a target that may be reached: no proxy, no redirect, an end to every wait."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from monitoring.channels.deadlines import Deadline, reached
from monitoring.channels.message import NotDelivered, Outside

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SHOWN_ANSWER = 300
LONGEST_RETRY_AFTER = 3600.0
# What another try may mend, of the answers that say that the request is at fault.
PASSING = (408, 425, 429)


def post(url: str, body: bytes, headers: Mapping[str, str], outside: Outside) -> str:
    """The answer, where it is one of success."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotDelivered("The address of the channel has no valid port.", final=True) from error
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise NotDelivered("The address of the channel is none of https.", final=True)
    if parts.scheme == "http" and host not in LOOPBACK:
        raise NotDelivered(f"{host} is asked by https only: what is sent is nobody else's business.", final=True)
    standard = 443 if parts.scheme == "https" else 80
    check_allowed(host, port or standard, (standard,), outside.targets)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    is_encrypted, deadline = parts.scheme == "https", Deadline(outside.seconds)
    kind = http.client.HTTPSConnection if is_encrypted else http.client.HTTPConnection
    connection = kind(host, port)
    try:
        tls = ssl.create_default_context() if is_encrypted else None
        sock = connection.sock = reached(host, port or standard, deadline, tls)
        # The socket is kept: an answer without a length takes it from the connection.
        with deadline.cuts(lambda: sock):
            connection.request("POST", path, body=body, headers={"User-Agent": "millrace", **headers})
            answer = connection.getresponse()
            text = answer.read(SHOWN_ANSWER * 4).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise NotDelivered(f"{host} {in_words(error)}.", is_away=True) from error
    finally:
        connection.close()
    # In full: what is shown is cut when secrets are out of it, or a part of one would be left.
    shown = f"{host} answered {answer.status}{f': {text.strip()}' if text.strip() else ''}"
    if 200 <= answer.status < 300:
        return shown
    if 300 <= answer.status < 400:
        raise NotDelivered(f"{host} answered {answer.status} and points elsewhere, where nothing is sent.")
    final = 400 <= answer.status < 500 and answer.status not in PASSING
    raise NotDelivered(f"{shown}.", final, _retry_after(answer.headers.get("Retry-After", "")))


def check_allowed(host: str, port: int, standard: Sequence[int], targets: Sequence[str]) -> None:
    """host allows the standard ports, host:port that port; *.host is whatever is below it."""
    for target in targets:
        name, colon, wanted = target.rpartition(":")
        if not colon or not wanted.isdigit():
            name, wanted = target, ""
        name = name.strip("[]").lower()
        fits = host.lower().endswith(name[1:]) if name.startswith("*.") else host.lower() == name
        if fits and (int(wanted) == port if wanted else port in standard):
            return
    shown = host if port in standard else f"{host}:{port}"
    raise NotDelivered(f"{shown} is no target of MILLRACE_ALERT_TARGETS: nothing is sent there.", final=True)


def in_words(error: BaseException) -> str:
    match error:
        case TimeoutError():
            return "did not answer in time"
        case ssl.SSLCertVerificationError():
            return f"has no certificate that this machine trusts: {error.verify_message}"
        case socket.gaierror():
            return "is not known: there is no such host"
        case ConnectionRefusedError():
            return "refused the connection"
        case http.client.HTTPException():
            return f"does not speak HTTP: {type(error).__name__}"
    return f"cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}"


def shorter(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_ANSWER else f"{line[: SHOWN_ANSWER - 1]}…"


def _retry_after(text: str) -> float:
    return min(float(text), LONGEST_RETRY_AFTER) if text.isdigit() else 0.0
