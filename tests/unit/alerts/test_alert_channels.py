"""What each channel sends, to servers that speak its protocol; and what comes of it when they say no or nothing."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import TypeAdapter

from monitoring.alerts.states import Alert, Point
from monitoring.channels.message import Message, NotDelivered, Outside
from monitoring.channels.models import AnyChannel, Channel
from monitoring.channels.sending import send
from tests.certificates import make_certificate
from tests.mail_stub import mail_server
from tests.webhook_stub import Webhook, webhook

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ALERT = Alert(
    alert_id=uuid.UUID("11111111-2222-3333-4444-555555555555"),
    alert_key="few_orders/demo/country=DE",
    sequence=0,
    rule="few_orders",
    kind="threshold",
    project_id="demo",
    subject="country=DE",
    severity="high",
    owner="shop",
    channels=("chat",),
    status="open",
    summary="Orders of <demo> & others was 3, below 10.",
    value=3.0,
    next_step="millrace metrics query --metric orders",
    points=(Point("2026-03-08", 12.0), Point("2026-03-09", 11.0), Point("2026-03-10", 3.0)),
    opened_at=AT,
    last_found_at=AT,
)
SECRET_PATH = "services/T0/B0/a-very-secret-word"


def channel(**declared: Any) -> Channel:
    made: Channel = TypeAdapter(AnyChannel).validate_python(declared)
    return made


def message(event: str = "opened", *more: Alert) -> Message:
    return Message(uuid.UUID(int=7), event, [ALERT, *more])


def outside(*targets: str, seconds: float = 5.0) -> Outside:
    return Outside(targets, seconds=seconds)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as stub:
        yield stub


@pytest.fixture
def secret_url(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("MILLRACE_SECRET_HOOK", f"{hook.url}/{SECRET_PATH}")
    return {"secret": "hook"}


# What is sent


def test_slack_gets_blocks_in_which_nothing_is_a_link(hook: Webhook, secret_url: dict[str, str]) -> None:
    send(channel(kind="slack", url=secret_url), message(), outside(hook.target))
    (request,) = hook.requests
    assert (request.path, request.headers["content-type"]) == (f"/{SECRET_PATH}", "application/json")
    assert request.json["text"] == "[high] Orders of &lt;demo&gt; &amp; others was 3, below 10."
    said, facts = request.json["blocks"]
    assert said["text"]["text"] == f"*{request.json['text']}*"
    assert "*Take it:* millrace alerts ack 11111111" in facts["elements"][0]["text"]


def test_teams_gets_an_adaptive_card(hook: Webhook, secret_url: dict[str, str]) -> None:
    hook.replies = [202]
    send(channel(kind="teams", url=secret_url), message(), outside(hook.target))
    (attachment,) = hook.requests[0].json["attachments"]
    assert hook.requests[0].json["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["body"][0] == {
        **{"type": "TextBlock", "text": f"[high] {ALERT.summary}"},
        **{"weight": "Bolder", "wrap": True, "color": "attention"},
    }
    assert {"title": "Owner", "value": "shop"} in card["body"][-1]["facts"]


def test_a_webhook_is_signed_with_the_time(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_SECRET_KEY", "shared")
    before = int(time.time())
    send(channel(kind="webhook", url=f"{hook.url}/in", key={"secret": "key"}), message(), outside(hook.target))
    (request,) = hook.requests
    sent_at = request.headers["x-millrace-timestamp"]
    assert before <= int(sent_at) <= int(time.time())
    expected = hmac.new(b"shared", f"{sent_at}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-millrace-signature"] == f"v1={expected}"
    assert request.headers["x-millrace-message"] == request.json["message_id"] == str(uuid.UUID(int=7))
    (alert,) = request.json["alerts"]
    assert (alert["alert_key"], alert["value"], alert["opened_at"]) == (ALERT.alert_key, 3.0, "2026-03-10T12:00:00Z")


def test_pagerduty_gets_one_event_per_alert_with_its_key(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_SECRET_ROUTING", "routing")
    hook.replies, hook.text = [202], '{"status":"success","message":"Event processed"}'
    pager = channel(kind="pagerduty", key={"secret": "routing"}, url=f"{hook.url}/v2/enqueue")
    for event in ("opened", "acknowledged", "resolved"):
        send(pager, message(event), outside(hook.target))
    events = [request.json for request in hook.requests]
    assert [event["event_action"] for event in events] == ["trigger", "acknowledge", "resolve"]
    assert {(event["routing_key"], event["dedup_key"]) for event in events} == {("routing", ALERT.alert_key)}
    assert events[0]["payload"]["severity"] == "error"
    assert events[0]["payload"]["summary"] == ALERT.summary
    hook.requests.clear()
    send(pager, message("opened", replace(ALERT, alert_key="x" * 300)), outside(hook.target))
    assert [len(request.json["dedup_key"]) for request in hook.requests] == [len(ALERT.alert_key), 64]


def test_a_gateway_of_text_messages_gets_its_own_fields(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_SECRET_TOKEN", "gateway-token")
    gateway = channel(
        **{"kind": "sms", "url": f"{hook.url}/send", "to": ["+4915112345678", "+4915187654321"], "form": "form"},
        fields={"recipient": "$to", "body": "$text", "sender": "Millrace"},
        headers={"Authorization": {"secret": "token"}},
    )
    send(gateway, message(), outside(hook.target))
    assert [request.headers["authorization"] for request in hook.requests] == ["gateway-token"] * 2
    assert [parse_qs(request.body.decode()) for request in hook.requests] == [
        {"recipient": [number], "body": [f"[high] {ALERT.summary}"], "sender": ["Millrace"]}
        for number in ("+4915112345678", "+4915187654321")
    ]


def test_a_mail_has_a_picture_of_the_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path / "certificate.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("MILLRACE_SECRET_MAIL", "mail-password")
    with mail_server(certificate) as box:
        mail = channel(
            **{
                "kind": "email",
                "host": "127.0.0.1",
                "port": box.port,
                "user": "millrace",
                "password": {"secret": "mail"},
            },
            **{"from": "millrace@example.com", "to": ["a@example.com", "b@example.com"]},
        )
        send(mail, message(), outside(box.target))
    ((recipients, received),) = box.mails
    assert (recipients, box.was_encrypted) == (["a@example.com", "b@example.com"], [True])
    assert box.logins == [("millrace", "mail-password")]
    assert received["Subject"] == f"[high] {ALERT.summary}"
    assert received["Message-ID"] == f"<{uuid.UUID(int=7)}@millrace>"
    kinds = [part.get_content_type() for part in received.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    picture = next(part for part in received.walk() if part.get_content_type() == "image/png")
    assert picture.get_content().startswith(b"\x89PNG") and len(picture.get_content()) > 2_000
    page = next(part for part in received.walk() if part.get_content_type() == "text/html").get_content()
    assert "cid:series@millrace" in page and picture["Content-ID"] == "<series@millrace>"
    assert "Orders of &lt;demo&gt; &amp; others" in page


def test_several_alerts_are_one_message_that_lists_them(hook: Webhook, secret_url: dict[str, str]) -> None:
    others = [replace(ALERT, severity="critical", summary=f"Number {number}.") for number in range(14)]
    send(channel(kind="slack", url=secret_url), message("opened", *others), outside(hook.target))
    (request,) = hook.requests
    assert request.json["text"] == "[critical] 15 alerts of few_orders"
    assert request.json["blocks"][0]["text"]["text"].endswith("• And 5 more: millrace alerts list")


# What does not go as it should


def refused(made: Channel, allowed: Outside) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        send(made, message(), allowed)
    assert "secret-word" not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(("status", "final"), [(500, False), (503, False), (429, False), (400, True), (404, True)])
def test_an_answer_that_is_no_yes(hook: Webhook, secret_url: dict[str, str], status: int, final: bool) -> None:
    hook.replies, hook.text = [status], f"no such hook: /{SECRET_PATH}"
    error = refused(channel(kind="slack", url=secret_url), outside(hook.target))
    assert error.final is final
    assert f"127.0.0.1 answered {status}: no such hook: /********" in str(error)


def test_a_server_says_when_to_come_again(hook: Webhook, secret_url: dict[str, str]) -> None:
    hook.replies = [(429, {"Retry-After": "120"})]
    assert refused(channel(kind="slack", url=secret_url), outside(hook.target)).retry_after == 120


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_follows_elsewhere(hook: Webhook, secret_url: dict[str, str], status: int) -> None:
    with webhook() as elsewhere:
        hook.replies = [(status, {"Location": f"{elsewhere.url}/in"})]
        error = refused(channel(kind="slack", url=secret_url), outside(hook.target, elsewhere.target))
        assert "points elsewhere, where nothing is sent" in str(error) and not error.final
    assert elsewhere.requests == [] and len(hook.requests) == 1


def test_a_server_that_does_not_answer_is_given_up(hook: Webhook, secret_url: dict[str, str]) -> None:
    hook.may_answer.clear()
    error = refused(channel(kind="slack", url=secret_url), outside(hook.target, seconds=0.3))
    assert str(error) == "127.0.0.1 did not answer in time." and not error.final


def test_an_answer_without_an_end_is_cut_off(hook: Webhook, secret_url: dict[str, str]) -> None:
    hook.drip = 0.05
    error = refused(channel(kind="slack", url=secret_url), outside(hook.target, seconds=0.5))
    assert str(error) == "127.0.0.1 did not answer in time."


@pytest.mark.parametrize("kind", ["slack", "email"])
def test_a_name_that_nobody_tells_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    ended = threading.Event()

    def resolver(*_: Any, **__: Any) -> Any:
        ended.wait(5)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setenv("MILLRACE_SECRET_HOOK", f"https://far.example.com/{SECRET_PATH}")
    made = channel(kind="slack", url={"secret": "hook"}) if kind == "slack" else mail_to(587, host="far.example.com")
    error = refused(made, outside("far.example.com", seconds=0.3))
    ended.set()
    assert str(error) == "far.example.com did not answer in time." and error.is_away and not error.final


def test_a_mail_server_that_never_comes_to_an_end_is_cut_off() -> None:
    with mail_server(drips="CONNECT") as box:
        error = refused(mail_to(box.port), outside(box.target, seconds=0.3))
    assert str(error) == "127.0.0.1 did not answer in time." and box.mails == [] and not box.was_waited_for
    with mail_server(drips="QUIT") as box:  # when the mail is taken, and stays so
        send(mail_to(box.port), message(), outside(box.target, seconds=1.0))
    assert len(box.mails) == 1 and not box.was_waited_for


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as gone:
        pass
    monkeypatch.setenv("MILLRACE_SECRET_HOOK", f"{gone.url}/{SECRET_PATH}")
    error = refused(channel(kind="slack", url={"secret": "hook"}), outside(gone.target))
    assert str(error) == "127.0.0.1 refused the connection." and not error.final


@pytest.mark.parametrize(
    ("url", "targets", "told"),
    [
        ("https://evil.example.com/x", ["example.com"], "evil.example.com is no target of MILLRACE_ALERT_TARGETS"),
        ("https://example.com/x", ["*.example.com"], "example.com is no target"),
        ("https://notexample.com/x", ["*.example.com", "example.com"], "notexample.com is no target"),
        ("https://hooks.example.com:8443/x", ["hooks.example.com"], "hooks.example.com:8443 is no target"),
        ("https://hooks.example.com/x", ["hooks.example.com:8443"], "hooks.example.com is no target"),
        ("http://hooks.example.com/x", ["hooks.example.com"], "hooks.example.com is asked by https only"),
        ("https://hooks.example.com@evil.com/x", ["hooks.example.com"], "is none of https"),
        ("ftp://hooks.example.com/x", ["hooks.example.com"], "is none of https"),
        ("https://127.0.0.1/x", [], "127.0.0.1 is no target"),
    ],
)
def test_what_is_not_allowed_is_not_reached(
    monkeypatch: pytest.MonkeyPatch, url: str, targets: list[str], told: str
) -> None:
    monkeypatch.setenv("MILLRACE_SECRET_HOOK", url)
    error = refused(channel(kind="slack", url={"secret": "hook"}), outside(*targets))
    assert told in str(error) and error.final


def test_a_secret_that_ends_with_a_line_is_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one from a mounted file: a header cannot have it, and its text would not be found to be masked."""
    with webhook(500, text=f"no {SECRET_PATH}") as stub:
        monkeypatch.setenv("MILLRACE_SECRET_HOOK", f"{stub.url}/{SECRET_PATH}\n")
        error = refused(channel(kind="slack", url={"secret": "hook"}), outside(stub.target))
        assert stub.requests[0].path == f"/{SECRET_PATH}"
    assert SECRET_PATH not in str(error)


def test_a_secret_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILLRACE_SECRET_HOOK", raising=False)
    assert "MILLRACE_SECRET_HOOK" in str(refused(channel(kind="slack", url={"secret": "hook"}), outside()))


def test_a_certificate_that_nobody_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook(certificate=make_certificate(tmp_path / "certificate.pem")) as stub:
        monkeypatch.setenv("MILLRACE_SECRET_HOOK", f"https://{stub.target}/{SECRET_PATH}")
        error = refused(channel(kind="slack", url={"secret": "hook"}), outside(stub.target))
    assert "has no certificate that this machine trusts" in str(error)
    assert stub.requests == []


TAKEN_BY_NONE = "127.0.0.1 took it for 0 of 2; not for"


def mail_to(port: int, **more: Any) -> Channel:
    to = ["a@example.com", "b@example.com"]
    settings = {"host": "127.0.0.1", "port": port, "encryption": "none", "from": "m@example.com", "to": to, **more}
    return channel(kind="email", **settings)


@pytest.mark.parametrize(
    ("answers", "told", "final"),
    [
        ({"DATA": "451 later"}, "127.0.0.1 answered 451: later.", False),
        ({"DATA": "554 spam"}, "127.0.0.1 answered 554: spam.", True),
        ({"CONNECT": "421 too busy"}, "127.0.0.1 answered 421: too busy.", False),
        ({"RCPT": "550 nobody"}, f"{TAKEN_BY_NONE} a@example.com, b@example.com: 550 nobody.", True),
        ({"RCPT": "450 busy"}, f"{TAKEN_BY_NONE} a@example.com, b@example.com: 450 busy.", False),
        ({"RCPT b@example.com": "421 later"}, f"{TAKEN_BY_NONE} a@example.com, b@example.com: 421 later.", False),
    ],
)
def test_a_mail_server_that_says_no(answers: dict[str, str], told: str, final: bool) -> None:
    with mail_server(answers=answers) as box:
        error = refused(mail_to(box.port), outside(box.target))
    assert (str(error), error.final, box.mails) == (told, final, [])


def test_what_goes_wrong_after_a_mail_was_taken_does_not_bring_it_back() -> None:
    """Told as not delivered it would be sent again."""
    with mail_server(answers={"QUIT": "500 what?"}) as box:
        answer = send(mail_to(box.port), message(), outside(box.target))
    assert (answer, len(box.mails)) == ("127.0.0.1 took it for 2 of 2", 1)


@pytest.mark.parametrize(("answer", "final"), [("550 nobody", True), ("450 busy", False)])
def test_one_address_that_is_refused_does_not_keep_the_others(answer: str, final: bool) -> None:
    with mail_server(answers={"RCPT b@example.com": answer}) as box:
        error = refused(mail_to(box.port), outside(box.target))
    assert str(error) == f"127.0.0.1 took it for 1 of 2; not for b@example.com: {answer}."
    assert (error.final, box.mails[0][0]) == (final, ["a@example.com"])


def test_a_mail_is_not_sent_in_the_clear_where_that_was_not_asked_for() -> None:
    with mail_server() as box:
        error = refused(mail_to(box.port, encryption="starttls"), outside(box.target))
    assert "cannot do what the channel asks for" in str(error) and box.mails == []
    assert "is no target" in str(refused(mail_to(box.port), outside()))
