"""Programs that listen: any webhook, PagerDuty, and gateways of text messages."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from monitoring.alerts.states import Alert
from monitoring.channels.http import post
from monitoring.channels.message import Message, NotDelivered, Outside
from monitoring.channels.models import PagerDuty, Sms, Webhook
from monitoring.channels.recipients import all_taken
from warehouse.named_secrets import Secret

JSON = {"Content-Type": "application/json"}
LONGEST_SMS, LONGEST_SUMMARY, LONGEST_DEDUP_KEY = 300, 1024, 255
PAGERDUTY_ACTIONS = {"acknowledged": "acknowledge", "resolved": "resolve"}
PAGERDUTY_SEVERITIES = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}


def send_webhook(channel: Webhook, message: Message, outside: Outside) -> str:
    body = json.dumps(webhook_payload(message)).encode()
    sent_at = str(int(time.time()))
    headers = {
        **JSON,
        "X-Millrace-Message": str(message.message_id),  # the same in each try: whoever has it may leave it out
        "X-Millrace-Timestamp": sent_at,
        "X-Millrace-Signature": f"v1={signature(channel.key.reveal(), sent_at, body)}",
    }
    return post(_address(channel.url), body, headers, outside)


def signature(key: str, sent_at: str, body: bytes) -> str:
    """HMAC-SHA256 of time, dot and body: without the time, what was once sent could be sent again for ever."""
    return hmac.new(key.encode(), sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()


def webhook_payload(message: Message) -> dict[str, Any]:
    return {
        "message_id": str(message.message_id),
        "event": message.event,
        "test": message.is_test,
        "rule": message.rule,
        "severity": message.severity,
        "title": message.title,
        "alerts": [_as_json(alert) for alert in message.alerts],
        **({"digest": message.digest.as_json()} if message.digest else {}),
        **({"report": message.report.as_json()} if message.report else {}),
    }


def _as_json(alert: Alert) -> dict[str, Any]:
    return {
        **{"alert_id": str(alert.alert_id), "alert_key": alert.alert_key, "kind": alert.kind, "status": alert.status},
        **{"project_id": alert.project_id, "subject": alert.subject, "severity": alert.severity},
        **{"owner": alert.owner, "summary": alert.summary, "value": alert.value, "next_step": alert.next_step},
        "opened_at": f"{alert.opened_at:%Y-%m-%dT%H:%M:%SZ}",
        "resolved_at": f"{alert.resolved_at:%Y-%m-%dT%H:%M:%SZ}" if alert.resolved_at else None,
    }


def send_pagerduty(channel: PagerDuty, message: Message, outside: Outside) -> str:
    """One event per alert: what is one there must be able to end there."""
    answers = [
        post(channel.url, json.dumps(pagerduty_event(channel.key.reveal(), message, alert)).encode(), JSON, outside)
        for alert in message.alerts
    ]
    return answers[-1]


def pagerduty_event(key: str, message: Message, alert: Alert) -> dict[str, Any]:
    event: dict[str, Any] = {
        "routing_key": key,
        "event_action": PAGERDUTY_ACTIONS.get(message.event, "trigger"),
        "dedup_key": dedup_key(alert.alert_key),
    }
    if event["event_action"] != "trigger":
        return event
    return event | {
        "client": "Millrace",
        "payload": {
            "summary": alert.summary[:LONGEST_SUMMARY],
            "source": alert.project_id or "millrace",
            "severity": PAGERDUTY_SEVERITIES[alert.severity],
            "timestamp": f"{alert.opened_at:%Y-%m-%dT%H:%M:%SZ}",
            "component": alert.subject or alert.rule,
            "group": alert.rule,
            "class": alert.kind,
            "custom_details": {"owner": alert.owner, "value": alert.value, "next_step": alert.next_step},
        },
    }


def dedup_key(alert_key: str) -> str:
    if len(alert_key) <= LONGEST_DEDUP_KEY:
        return alert_key
    return hashlib.sha256(alert_key.encode()).hexdigest()


def send_sms(channel: Sms, message: Message, outside: Outside) -> str:
    address, failed = _address(channel.url), dict[str, NotDelivered]()
    away: NotDelivered | None = None
    for number in channel.to:
        if away:  # for the others, too
            failed[number] = away
            continue
        filled = {
            name: _filled(value, number, message) if isinstance(value, str) else value.reveal()
            for name, value in channel.fields.items()
        }
        is_json = channel.form == "json"
        body = json.dumps(filled).encode() if is_json else urlencode(filled).encode()
        kind = "application/json" if is_json else "application/x-www-form-urlencoded"
        headers = {name: value if isinstance(value, str) else value.reveal() for name, value in channel.headers.items()}
        try:
            post(address, body, {"Content-Type": kind, **headers}, outside)
        except NotDelivered as error:
            failed[number] = error
            away = error if error.is_away else None
    return all_taken(urlsplit(address).hostname or "The gateway", channel.to, failed)


def _filled(value: str, number: str, message: Message) -> str:
    # The text last: what stands in it is no field.
    return value.replace("$to", number).replace("$text", message.title[:LONGEST_SMS])


def _address(url: str | Secret) -> str:
    return url if isinstance(url, str) else url.reveal()
