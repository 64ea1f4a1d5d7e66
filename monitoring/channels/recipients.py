"""One message to several people: who has it, who may have it later, and who refused it for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitoring.channels.message import NotDelivered
from monitoring.channels.models import Channel, Email, Sms

TAKEN, LATER, REFUSED = "taken", "later", "refused"


def all_taken(host: str, to: Sequence[str], failed: Mapping[str, NotDelivered]) -> str:
    """The answer. Where somebody did not get it, that is no delivery: who they are is told, and others have it."""
    told = f"{host} took it for {sum(one not in failed for one in to)} of {len(to)}"
    if not failed:
        return told
    reasons: dict[str, list[str]] = {}
    for one, error in failed.items():
        reasons.setdefault(str(error).removesuffix("."), []).append(one)
    words = "; ".join(f"not for {', '.join(people)}: {reason}" for reason, people in reasons.items())
    states = {one: TAKEN if one not in failed else REFUSED if failed[one].final else LATER for one in to}
    raise NotDelivered(
        f"{told}; {words}.",
        final=LATER not in states.values(),
        retry_after=max(error.retry_after for error in failed.values()),
        is_away=any(error.is_away for error in failed.values()),
        recipients=states,
    )


def for_the_rest(channel: Channel, recipients: Mapping[str, str]) -> Channel | None:
    """The channel to those who may still have it; none: nobody is left."""
    if not isinstance(channel, Email | Sms):
        return channel
    rest = tuple(one for one in channel.to if recipients.get(one) not in (TAKEN, REFUSED))
    return channel.model_copy(update={"to": rest}) if rest else None


def people_of(channel: Channel) -> tuple[str, ...]:
    return channel.to if isinstance(channel, Email | Sms) else ()


def who_has_it(recipients: Mapping[str, str]) -> dict[str, str]:
    """What is left when all the others are to be asked once more."""
    return {one: state for one, state in recipients.items() if state == TAKEN}
