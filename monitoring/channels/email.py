"""E-mail by SMTP, with a picture of the series."""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

from monitoring.channels.deadlines import Deadline, reached
from monitoring.channels.http import LOOPBACK, check_allowed, in_words, shorter
from monitoring.channels.message import Message, NotDelivered, Outside
from monitoring.channels.models import Email
from monitoring.channels.recipients import all_taken
from monitoring.digest.writing import html
from monitoring.reports.notices import Attachment, Notice

STANDARD_PORTS = (25, 465, 587)
PICTURE = "series@millrace"
PERMANENT = 500  # replies from here on: another try changes nothing


def send_email(channel: Email, message: Message, outside: Outside) -> str:
    check_allowed(channel.host, channel.port, STANDARD_PORTS, outside.targets)
    if channel.encryption == "none" and channel.password and channel.host not in LOOPBACK:
        raise NotDelivered("A password is sent by encrypted connections only: set encryption.", final=True)
    mail = mail_of(channel, message, outside.files)
    try:
        refused = _handed_over(channel, mail, outside.seconds)
    except smtplib.SMTPRecipientsRefused as error:
        # Who was not asked any more gets what the last one got: the server wants all of it later.
        *_, last = error.recipients.values()
        refused = {address: error.recipients.get(address, last) for address in channel.to}
    except smtplib.SMTPResponseException as error:
        told = f"{channel.host} answered {error.smtp_code}: {_told(error.smtp_error)}."
        raise NotDelivered(told, error.smtp_code >= PERMANENT) from error
    except smtplib.SMTPNotSupportedError as error:
        raise NotDelivered(f"{channel.host} cannot do what the channel asks for: {error}.", final=True) from error
    except (OSError, EOFError) as error:
        raise NotDelivered(f"{channel.host} {in_words(error)}.", is_away=True) from error
    failed = {
        address: NotDelivered(f"{code} {_told(text)}", final=code >= PERMANENT)
        for address, (code, text) in refused.items()
    }
    return all_taken(channel.host, channel.to, failed)


def _handed_over(channel: Email, mail: EmailMessage, seconds: float) -> dict[str, tuple[int, bytes]]:
    """Which addresses were refused. What goes wrong when the mail is taken, as a goodbye, does not bring it back."""
    refused: dict[str, tuple[int, bytes]] | None = None
    deadline = Deadline(seconds)
    try:
        server = _Server(channel, deadline)
        with deadline.cuts(lambda: server.sock), server:
            server.ehlo_or_helo_if_needed()
            if channel.encryption == "starttls":
                assert server.sock is not None
                server.sock.settimeout(deadline.left)  # of the handshake, which nothing else can cut off
                server.starttls(context=ssl.create_default_context())
            if channel.user:
                server.login(channel.user, channel.password.reveal() if channel.password else "")
            refused = server.send_message(mail, to_addrs=channel.to)
    except (OSError, EOFError):  # what smtplib raises is an OSError, too
        if refused is None:
            raise
    assert refused is not None
    return refused


class _Server(smtplib.SMTP):
    """One that has said who it is, all before the deadline."""

    def __init__(self, channel: Email, deadline: Deadline) -> None:
        self._deadline = deadline
        self._tls = ssl.create_default_context() if channel.encryption == "tls" else None
        name = socket.gethostname()  # smtplib would ask a resolver for it
        with deadline.cuts(lambda: self.sock):
            super().__init__(channel.host, channel.port, name if "." in name else "[127.0.0.1]")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return reached(host, port, self._deadline, self._tls)


def mail_of(channel: Email, message: Message, files: Path = Path()) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.to)
    mail["Date"] = format_datetime(message.alerts[0].last_found_at)
    mail["Message-ID"] = f"<{message.message_id}@millrace>"  # the same in each try
    mail["Auto-Submitted"] = "auto-generated"  # no answering machine answers
    picture = picture_of(message)
    mail.set_content(message.text)
    page = html(message.digest) if message.digest else _page(message, picture is not None)
    mail.add_alternative(page, subtype="html")
    if picture is not None:
        part: Any = mail.get_payload(1)
        part.add_related(picture, "image", "png", cid=f"<{PICTURE}>", filename="series.png", disposition="inline")
    if message.report:
        for attachment, body in _attached(message.report, files):
            kind, _, subkind = attachment.media_type.partition("/")
            mail.add_attachment(body, kind, subkind, filename=attachment.name)
    return mail


def _attached(report: Notice, files: Path) -> list[tuple[Attachment, bytes]]:
    try:
        return report.files(files)
    except OSError as error:
        told = f"The files of the report are not on this machine: {error.strerror or error}."
        raise NotDelivered(told, final=isinstance(error, FileNotFoundError)) from error


def picture_of(message: Message) -> bytes | None:
    """The series of the first alert that has one."""
    alert = next((alert for alert in message.alerts if len(alert.points) > 1), None)
    if alert is None:
        return None
    import vl_convert

    last = alert.points[-1].at
    specification = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 560,
        "height": 180,
        "background": "white",
        # Of one alert the mail says above what it is.
        **({"title": {"text": wrap(alert.summary, 80), "anchor": "start"}} if len(message.alerts) > 1 else {}),
        "data": {"values": [{**point._asdict(), "last": point.at == last} for point in alert.points]},
        "encoding": {
            "x": {"field": "at", "type": "temporal", "title": None},
            "y": {"field": "value", "type": "quantitative", "title": None},
        },
        "layer": [
            {"mark": {"type": "line", "color": "#4c78a8"}},
            {
                "transform": [{"filter": "datum.last"}],
                "mark": {"type": "point", "filled": True, "size": 80, "color": "#d62728"},
            },
        ],
    }
    return bytes(vl_convert.vegalite_to_png(json.dumps(specification), scale=2, allowed_base_urls=[]))


def _page(message: Message, has_picture: bool) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in message.lines)
    facts = "".join(
        f"<tr><td style='color:#666;padding-right:1em'>{escape(name)}</td><td>{escape(value)}</td></tr>"
        for name, value in message.facts
    )
    picture = f"<p><img src='cid:{PICTURE}' alt='The series' width='600'></p>" if has_picture else ""
    return (
        "<html><body style='font-family:sans-serif;font-size:14px'>"
        f"<p><b>{escape(message.title)}</b></p>{f'<ul>{lines}</ul>' if lines else ''}{picture}"
        f"<table style='font-size:13px'>{facts}</table></body></html>"
    )


def _told(text: bytes | str) -> str:
    return shorter(text.decode(errors="replace") if isinstance(text, bytes) else text)
