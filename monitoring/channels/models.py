"""The channels that files in alerts/ declare. Where one leads is a secret wherever who knows it may use it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from monitoring.alerts.values import Strict
from warehouse.named_secrets import Secret

Address = Annotated[str, StringConstraints(pattern=r"^[^\s@<>,;\"]+@[^\s@<>,;\"]+$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+(/\S*)?$")]


class Console(Strict):
    kind: Literal["console"]


class Slack(Strict):
    kind: Literal["slack"]
    url: Secret


class Teams(Strict):
    """A workflow `When a Teams webhook request is received`."""

    kind: Literal["teams"]
    url: Secret


class Email(Strict):
    kind: Literal["email"]
    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-\[\]:]+$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: Secret | None = None
    sender: Address = Field(alias="from")
    to: Annotated[tuple[Address, ...], Field(min_length=1)]


class Webhook(Strict):
    kind: Literal["webhook"]
    url: Url | Secret
    key: Secret  # signs what is sent


class PagerDuty(Strict):
    kind: Literal["pagerduty"]
    key: Secret  # of the integration
    url: Url = "https://events.pagerduty.com/v2/enqueue"


class Sms(Strict):
    """A gateway that takes a POST: of its fields, $to and $text are filled in."""

    kind: Literal["sms"]
    url: Url | Secret
    to: Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")], ...], Field(min_length=1)]
    form: Literal["json", "form"] = "json"
    fields: dict[str, str | Secret] = Field(default_factory=lambda: dict[str, str | Secret](to="$to", text="$text"))
    headers: dict[str, str | Secret] = Field(default_factory=dict)


Channel = Console | Slack | Teams | Email | Webhook | PagerDuty | Sms
AnyChannel = Annotated[Channel, Field(discriminator="kind")]
CHANNEL_KINDS: dict[str, type[Strict]] = {
    "console": Console,
    "slack": Slack,
    "teams": Teams,
    "email": Email,
    "webhook": Webhook,
    "pagerduty": PagerDuty,
    "sms": Sms,
}
