"""Each kind of channel, and what sends by it. What comes back, or goes wrong, is in words without secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from monitoring.channels.chats import send_slack, send_teams
from monitoring.channels.email import send_email
from monitoring.channels.http import shorter
from monitoring.channels.machines import send_pagerduty, send_sms, send_webhook
from monitoring.channels.message import Message, NotDelivered, Outside
from monitoring.channels.models import Channel, Console
from warehouse.errors import MillraceError
from warehouse.named_secrets import Secret
from warehouse.settings import MASK


def send_console(_: Console, message: Message, outside: Outside) -> str:
    outside.tell(message.text)
    return "written"


SENDERS: dict[str, Callable[[Any, Message, Outside], str]] = {
    "console": send_console,
    "slack": send_slack,
    "teams": send_teams,
    "email": send_email,
    "webhook": send_webhook,
    "pagerduty": send_pagerduty,
    "sms": send_sms,
}
ONE_BY_ONE = ("pagerduty",)  # several alerts in one message would be one there
WANT_TO_KNOW_WHO_TOOK_IT = ("pagerduty", "webhook")


def send(channel: Channel, message: Message, outside: Outside) -> str:
    """What the channel answered; NotDelivered where it did not take it."""
    try:
        return shorter(masked(SENDERS[channel.kind](channel, message, outside), channel))
    except NotDelivered as error:
        told = shorter(masked(str(error), channel))
        raise NotDelivered(told, error.final, error.retry_after, error.is_away, error.recipients) from None
    except MillraceError as error:  # a secret that is not set
        raise NotDelivered(f"{error.message} {error.hint}".strip(), is_away=True) from None
    except Exception as error:  # noqa: BLE001 - a channel that fails in a new way must not keep the others from being told
        raise NotDelivered(shorter(masked(f"{type(error).__name__}: {error}", channel))) from None


def masked(text: str, channel: Channel) -> str:
    for value in sorted(_secrets(channel), key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def _secrets(one: object) -> Iterator[str]:
    """Those that are set; of an address also its path, which is what is secret of it."""
    if isinstance(one, Secret):
        try:
            value = one.reveal()
        except MillraceError:
            return
        yield value
        path = value.partition("://")[2].partition("/")[2]
        if len(path) > 3:
            yield path
    elif isinstance(one, BaseModel):
        for name in type(one).model_fields:
            yield from _secrets(getattr(one, name))
    elif isinstance(one, dict):
        for inner in one.values():
            yield from _secrets(inner)
