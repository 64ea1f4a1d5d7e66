"""How a digest is told: as Markdown, HTML and messages, and what is believed of a language model's prose."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from monitoring.alerts.states import Alert
from monitoring.channels.chats import slack_payload, teams_payload
from monitoring.channels.email import mail_of
from monitoring.channels.machines import webhook_payload
from monitoring.channels.message import Message
from monitoring.channels.models import Email
from monitoring.digest.contents import Change, Digest, Item, Part
from monitoring.digest.prose import is_backed, with_prose
from monitoring.digest.wording import lead, title
from monitoring.digest.writing import html, markdown
from tests.openai_stub import openai_stub
from tests.unit.alerts.test_alert_states import NOON
from warehouse.settings import Settings

ERRORS = Change(
    metric="errors",
    label="Errors",
    format="number",
    value=94.0,
    day_before=10.0,
    week_before=0.0,
    expected=9.5,
    deviations=28.44,
    is_good=False,
    parts=(Part("app_version <5.2.9>", 90.0, 6.5, 0.988),),
)
REVENUE = Change("revenue", "Revenue", "currency", 1200.5, 1000.0, 2401.0, 1250.0, -0.04, None)
DIGEST = Digest(
    project="demo",
    day=date(2026, 4, 18),
    currency="EUR",
    changes=(ERRORS, REVENUE),
    items=(Item("anomaly", "errors: spike since 2026-04-18, critical, open", "millrace monitor show e61b30d3"),),
)
QUIET = replace(DIGEST, changes=(REVENUE,), items=())


def message(digest: Digest = DIGEST) -> Message:
    alert = Alert(
        **{"alert_id": UUID(int=7), "alert_key": "digest/demo/morning 2026-04-18", "sequence": 0, "rule": "morning"},
        **{"kind": "digest", "project_id": "demo", "subject": "2026-04-18", "severity": "low", "owner": "shop"},
        **{"channels": ("mail",), "status": "resolved", "summary": title(digest), "value": None, "points": ()},
        **{"next_step": "millrace digest", "opened_at": NOON, "last_found_at": NOON},
        digest=json.dumps(digest.as_json()),
    )
    return Message(UUID(int=8), "opened", [alert])


def test_the_words_are_those_of_the_numbers() -> None:
    assert title(DIGEST) == "demo on 2026-04-18: Errors 94 instead of 9.50"
    assert lead(DIGEST) == (
        "1 of 2 watched metrics was not as expected: Errors 94 instead of 9.50. 1 thing to look at."
    )
    assert lead(QUIET) == "All 1 watched metrics were as expected. Nothing else to look at."
    assert title(QUIET) == "demo on 2026-04-18: all as expected"


def test_markdown_has_a_row_of_each_metric_and_tells_why() -> None:
    lines = markdown(DIGEST).splitlines()
    assert "| **Errors** | 94 | +840% |  | +28.4 |" in lines
    assert "| Revenue | 1,200.50 EUR | +20% | -50% | +0.0 |" in lines
    assert (
        "- Errors: 94; +840% against the day before (10); 9.50 was expected, off by +28.4 robust deviations; mostly "
        "app_version <5.2.9> (99% of the change)." in lines
    )
    assert lines[-1] == "- errors: spike since 2026-04-18, critical, open. `millrace monitor show e61b30d3`"


def test_html_is_whole_and_nothing_in_it_is_markup_of_others() -> None:
    page = html(DIGEST)
    assert "app_version &lt;5.2.9&gt; (99% of the change)" in page and "<5.2.9>" not in page
    assert page.count("<tr") == page.count("</tr>") and page.count("<table") == page.count("</table>")
    assert "<script" not in page and "http" not in page and "millrace monitor show e61b30d3" in page
    assert "&lt;b&gt;" in html(replace(DIGEST, prose="<b>"))


def test_each_channel_tells_it_in_its_way() -> None:
    told = message()
    assert told.text == markdown(DIGEST)
    slack = slack_payload(told)
    assert slack["text"] == "demo on 2026-04-18: Errors 94 instead of 9.50"
    assert "mostly app_version &lt;5.2.9&gt;" in slack["blocks"][0]["text"]["text"]
    assert "Take it" not in json.dumps(slack) and "spike since" in json.dumps(teams_payload(told))
    assert webhook_payload(told)["digest"] == DIGEST.as_json()
    mail = mail_of(
        Email.model_validate({"kind": "email", "host": "mail.test", "from": "a@b.test", "to": ["c@d.test"]}), told
    )
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None and page is not None
    assert plain.get_content().replace("\r\n", "\n") == markdown(DIGEST)
    assert page.get_content().replace("\r\n", "\n") == html(DIGEST)
    assert mail["Subject"] == title(DIGEST)


GOOD = "Errors rose to 94, where 9.5 was expected. Revenue was 1,200.50 EUR, 20 % above the day before."


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "On 2026-04-18 only errors stood out: 94 instead of 9.50, 99% of it in app_version 5.2.9.",
        "1 of 2 metrics was unusual. Look at the anomaly since 2026-04-18.",
    ],
)
def test_prose_whose_numbers_stand_in_the_digest_is_taken(text: str) -> None:
    assert is_backed(text, DIGEST)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Errors rose to 95.",  # no number of the digest
        "Revenue was 94 EUR.",  # a number, but not of this metric
        "Something was 94.",  # of no metric that is named
        "Errors rose about ten times.",
        "Errors doubled.",
        "Errors rose to 94. See https://example.com.",
        "Errors rose to <b>94</b>.",
        "Errors rose. " * 80,
    ],
)
def test_prose_that_cannot_be_shown_to_be_right_is_not(text: str) -> None:
    assert not is_backed(text, DIGEST)


@pytest.mark.parametrize(
    ("reply", "prose"),
    [({"text": GOOD}, GOOD), ({"text": "Errors rose to 95."}, ""), ("no JSON", ""), ({"words": GOOD}, ""), (500, "")],
)
def test_a_model_is_asked_once_and_believed_where_it_can_be(tmp_path: Path, reply: object, prose: str) -> None:
    with openai_stub(reply) as stub:
        settings = Settings(data_dir=tmp_path, llm_model="openai/stub", llm_url=stub.url, llm_timeout=30)
        assert with_prose(settings, DIGEST).prose == prose
        assert len(stub.requests) == 1
        assert stub.document(0)["metrics"][0]["label"] == "Errors"


def test_without_a_model_nobody_is_asked(tmp_path: Path) -> None:
    assert with_prose(Settings(data_dir=tmp_path), DIGEST) == DIGEST
