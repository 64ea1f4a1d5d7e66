"""How a report is told: mail takes its files, other channels the sentences."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from monitoring.alerts.states import Alert
from monitoring.channels.chats import slack_payload
from monitoring.channels.email import mail_of
from monitoring.channels.machines import webhook_payload
from monitoring.channels.message import Message, NotDelivered, Outside
from monitoring.channels.models import Email
from monitoring.channels.sending import send
from monitoring.reports.notices import Attachment, Notice, keep_files, kept_files
from monitoring.reports.writing.files import File
from tests.mail_stub import mail_server
from tests.unit.alerts.test_alert_states import NOON
from warehouse.settings import Settings

ID = UUID(int=7)
FILES = [File("weekly.csv", "text/csv", b"a;b\r\n1;2\r\n"), File("weekly.pdf", "application/pdf", bytes(range(256)))]
NOTICE = Notice(
    report="weekly",
    heading="The week: demo, the week of 15 June 2026",
    project="demo",
    first_day=date(2026, 6, 15),
    last_day=date(2026, 6, 21),
    lines=("Revenue: <b>Revenue</b> was 12 EUR.", "Orders: Orders were 3."),
    attachments=tuple(Attachment(file.name, file.media_type, len(file.body)) for file in FILES),
    folder=str(ID),
)


def message() -> Message:
    alert = Alert(
        **{"alert_id": ID, "alert_key": "report/demo/weekly", "sequence": 0, "rule": "weekly", "kind": "report"},
        **{"project_id": "demo", "subject": "", "severity": "low", "owner": "shop", "channels": ("mail",)},
        **{"status": "resolved", "summary": NOTICE.heading, "value": None, "points": (), "opened_at": NOON},
        **{"next_step": "millrace report run weekly --project demo --day 2026-06-22", "last_found_at": NOON},
        report=json.dumps(NOTICE.as_json()),
    )
    return Message(UUID(int=8), "opened", [alert])


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    keep_files(settings, FILES, ID)
    return kept_files(settings)


def channel(port: int) -> Email:
    return Email(
        **{"kind": "email", "host": "127.0.0.1", "port": port, "encryption": "none"},
        **{"from": "millrace@example.com", "to": ("a@example.com", "b@example.com")},
    )


def test_it_can_be_kept_and_read_again() -> None:
    assert Notice.of_json(json.loads(json.dumps(NOTICE.as_json()))) == NOTICE


def test_mail_has_the_sentences_and_every_file_as_it_is(kept: Path) -> None:
    with mail_server() as box:
        send(channel(box.port), message(), Outside([box.target], files=kept))
    ((recipients, mail),) = box.mails
    assert recipients == ["a@example.com", "b@example.com"] and mail["Subject"] == NOTICE.heading
    body = mail.get_body(("plain",))
    assert body is not None and "- Orders: Orders were 3." in body.get_content()
    page = mail.get_body(("html",))
    assert page is not None and "&lt;b&gt;Revenue&lt;/b&gt;" in page.get_content()
    attached = [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in mail.iter_attachments()
    ]
    assert attached == [(file.name, file.media_type, file.body) for file in FILES]


def test_files_that_are_gone_are_not_sent_as_nothing(kept: Path) -> None:
    (kept / str(ID) / "weekly.pdf").unlink()
    with pytest.raises(NotDelivered, match="not on this machine") as told:
        mail_of(channel(25), message(), kept)
    assert told.value.final


def test_files_are_for_nobody_else_to_read(kept: Path) -> None:
    assert (kept.stat().st_mode & 0o777, (kept / str(ID)).stat().st_mode & 0o777) == (0o700, 0o700)


def test_channels_without_files_tell_the_sentences_and_how_to_have_them() -> None:
    said, facts = slack_payload(message())["blocks"]
    assert "• Revenue: &lt;b&gt;Revenue&lt;/b&gt; was 12 EUR." in said["text"]["text"]
    assert "millrace report run weekly --project demo --day 2026-06-22" in facts["elements"][0]["text"]
    assert webhook_payload(message())["report"] == NOTICE.as_json()
    assert message().text.splitlines()[-1] == "Files: weekly.csv, weekly.pdf"
