"""Slack and Microsoft Teams, by their incoming webhooks."""

from __future__ import annotations

import json
from typing import Any

from monitoring.channels.http import post
from monitoring.channels.message import Message, Outside
from monitoring.channels.models import Slack, Teams

JSON = {"Content-Type": "application/json"}
LONGEST_BLOCK = 2900  # Slack refuses more than 3,000 characters
COLOURS = {"critical": "attention", "high": "attention", "medium": "warning", "low": "default"}


def send_slack(channel: Slack, message: Message, outside: Outside) -> str:
    return post(channel.url.reveal(), json.dumps(slack_payload(message)).encode(), JSON, outside)


def slack_payload(message: Message) -> dict[str, Any]:
    """`text` is what a notification shows, blocks what the channel does."""
    lines = "\n".join(f"• {_escaped(line)}" for line in message.lines)
    said = f"*{_escaped(message.title)}*{f'{chr(10)}{lines}' if lines else ''}"
    facts = "\n".join(f"*{name}:* {_escaped(value)}" for name, value in message.facts)
    return {
        "text": _escaped(message.title),
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": said[:LONGEST_BLOCK]}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": facts[:LONGEST_BLOCK]}]},
        ],
    }


def _escaped(text: str) -> str:
    """So that nothing in it calls people or is a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def send_teams(channel: Teams, message: Message, outside: Outside) -> str:
    return post(channel.url.reveal(), json.dumps(teams_payload(message)).encode(), JSON, outside)


def teams_payload(message: Message) -> dict[str, Any]:
    """An Adaptive Card, as workflows that receive a webhook request want it."""
    colour = "good" if message.event == "resolved" else COLOURS[message.severity]
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "msteams": {"width": "Full"},
                    "body": [
                        {"type": "TextBlock", "text": message.title, "weight": "Bolder", "wrap": True, "color": colour},
                        *({"type": "TextBlock", "text": f"- {line}", "wrap": True} for line in message.lines),
                        {
                            "type": "FactSet",
                            "facts": [{"title": name, "value": value} for name, value in message.facts],
                        },
                    ],
                },
            }
        ],
    }
