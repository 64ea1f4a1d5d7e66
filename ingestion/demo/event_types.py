"""The kinds of events that the world sends, as small numbers for arrays."""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Final


class Kind(IntEnum):
    page_viewed = 0
    screen_viewed = auto()
    identify = auto()
    group = auto()
    alias = auto()
    app_opened = auto()
    consent_updated = auto()
    signup_started = auto()
    signed_up = auto()
    logged_in = auto()
    logged_out = auto()
    plan_selected = auto()
    newsletter_subscribed = auto()
    search_performed = auto()
    notification_clicked = auto()
    experiment_viewed = auto()
    onboarding_started = auto()
    onboarding_step_completed = auto()
    onboarding_completed = auto()
    project_created = auto()
    report_viewed = auto()
    feature_used = auto()
    file_exported = auto()
    file_uploaded = auto()
    integration_connected = auto()
    teammate_invited = auto()
    comment_added = auto()
    trial_started = auto()
    subscription_started = auto()
    subscription_upgraded = auto()
    subscription_downgraded = auto()
    subscription_cancelled = auto()
    payment_failed = auto()
    product_viewed = auto()
    product_added = auto()
    product_removed = auto()
    coupon_applied = auto()
    checkout_started = auto()
    order_completed = auto()
    order_refunded = auto()
    error_occurred = auto()
    support_ticket_opened = auto()
    nps_answered = auto()
    video_played = auto()


NAMES: Final = tuple(kind.name for kind in Kind)
MESSAGE_TYPES: Final = tuple(
    {"page_viewed": "page", "screen_viewed": "screen", "identify": "identify", "group": "group", "alias": "alias"}.get(
        name, "track"
    )
    for name in NAMES
)
IDENTITY_KINDS: Final = (Kind.identify, Kind.group, Kind.alias)
