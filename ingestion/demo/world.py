"""The world's constants, each with a name: how large it is, who lives in it, and how often what happens.

Every rate that the truths or the documentation state is written here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from warehouse.errors import MillraceError, nearest

Size = Literal["small", "medium", "large"]

SIZES: Final[dict[str, int]] = {"small": 200_000, "medium": 2_000_000, "large": 20_000_000}
ANOMALY_KINDS: Final = (
    "drop",
    "spike",
    "level_shift",
    "slow_pages",
    "missing_hour",
    "broken_release",
)
DAYS: Final = 180
EPOCH_DAYS: Final = 30  # churn is decided at the end of each 30 days, see churn.py
EPOCHS: Final = DAYS // EPOCH_DAYS
MIN_EVENTS: Final = 2_000
EVENTS_PER_BLOCK: Final = 250_000  # what is simulated, and held in memory, at once


@dataclass(frozen=True, slots=True)
class Project:
    """A tenant of the world."""

    id: str
    timezone: str
    currency: str
    share_of_events: float
    write_key: str  # what the SDKs of this project send
    app_only: bool
    countries: tuple[str, ...]
    country_weights: tuple[float, ...]


PROJECTS: Final = (
    Project(
        id="demo",
        timezone="Europe/Berlin",
        currency="EUR",
        share_of_events=0.8,
        write_key="mk_demo_world",
        app_only=False,
        countries=("DE", "AT", "CH", "FR", "GB", "NL", "PL", "US"),
        country_weights=(0.42, 0.07, 0.07, 0.10, 0.11, 0.07, 0.06, 0.10),
    ),
    Project(
        id="demo_mobile",
        timezone="America/New_York",
        currency="USD",
        share_of_events=0.2,
        write_key="mk_demo_mobile_world",
        app_only=True,
        countries=("US", "CA", "GB", "BR"),
        country_weights=(0.70, 0.14, 0.10, 0.06),
    ),
)


@dataclass(frozen=True, slots=True)
class World:
    """What to generate. The same World gives the same files, byte for byte.

    `anomalies`: True plants all of ANOMALY_KINDS, False none (the untouched twin), a set plants those it names.
    """

    size: Size | int = "small"
    seed: int = 7
    end: date = date(2026, 6, 30)
    anomalies: bool | frozenset[str] = True

    def __post_init__(self) -> None:
        if isinstance(self.size, str) and self.size not in SIZES:
            raise MillraceError(
                f"There is no world of size {self.size!r}{nearest(self.size, SIZES)}",
                hint=f"Sizes: {', '.join(SIZES)}, or a number of events.",
            )
        if self.events < MIN_EVENTS:
            raise MillraceError(f"A world needs at least {MIN_EVENTS} events; {self.events} were asked for.")
        if self.seed < 0:
            raise MillraceError(f"The seed must be 0 or more, not {self.seed}.")
        for kind in sorted(self.planted - set(ANOMALY_KINDS)):
            raise MillraceError(
                f"There is no anomaly {kind!r}{nearest(kind, ANOMALY_KINDS)}",
                hint=f"Kinds: {', '.join(ANOMALY_KINDS)}.",
            )

    @property
    def events(self) -> int:
        """About how many distinct events the world has."""
        return SIZES[self.size] if isinstance(self.size, str) else self.size

    @property
    def dialect_factor(self) -> float:
        """How much of DIALECT_SHARES this world has."""
        if isinstance(self.size, str):
            return DIALECT_FACTOR[self.size]
        return DIALECT_FACTOR["small" if self.size <= 500_000 else "medium" if self.size <= 5_000_000 else "large"]

    @property
    def start(self) -> date:
        return self.end - timedelta(days=DAYS - 1)

    @property
    def planted(self) -> frozenset[str]:
        if isinstance(self.anomalies, bool):
            return frozenset(ANOMALY_KINDS if self.anomalies else ())
        return self.anomalies


# ── Who comes ──────────────────────────────────────────────────────────────────────────────────────────────
NEW_PEOPLE_PER_EVENT: Final = 0.0275
EXISTING_MEMBERS_PER_EVENT: Final = 0.0019  # signed up before the first day
BOTS_PER_EVENT: Final = 0.0006
INTERNAL_PER_EVENT: Final = 0.00004  # and at least two in each block, as with bots
WEEKLY_GROWTH: Final = 0.012
WEEKDAY_WEIGHTS: Final = (1.12, 1.15, 1.13, 1.10, 1.02, 0.72, 0.76)  # Monday first
DAY_NOISE: Final = 0.03  # standard deviation of the logarithm of a day's traffic
HOUR_WEIGHTS: Final = (
    *(0.8, 0.5, 0.4, 0.3, 0.4, 0.8, 1.8, 3.2, 5.2, 7.0, 7.6, 7.4),
    *(6.6, 6.8, 7.2, 7.0, 6.2, 5.4, 5.0, 5.2, 5.6, 5.0, 3.2, 1.6),
)
CONSENT_NEVER: Final = 0.03
CONSENT_LATER: Final = 0.015  # refused until some visit, then granted
SECOND_DEVICE: Final = 0.35  # of members
COOKIE_RESET: Final = 0.10  # of people: the anonymous id of the first device changes one day
SHARED_DEVICE: Final = 0.02  # of members: their second device is another member's first
NEVER_LOGGED_IN_THERE: Final = 0.15  # of second devices: nothing ever ties them to the person

# ── What members do ────────────────────────────────────────────────────────────────────────────────────────
SIGN_UP_RATE: Final = 0.105  # of new people, before channel, country and experiment
SIGN_UP_AT_VISIT: Final = (0.55, 0.30, 0.15)  # first, second, third visit
EXTRA_VISITS: Final = 0.55  # mean number of further visits of those who never sign up
DAYS_BETWEEN_PROSPECT_VISITS: Final = 2.5
MEMBER_VISITS_PER_WEEK: Final = 1.35  # median member
ENGAGEMENT_SPREAD: Final = 0.55  # standard deviation of the logarithm of a member's rate
ENGAGEMENT_DRIFT: Final = 0.35  # … of its change from one 30 days to the next
FADING: Final = 0.16  # of members, per 30 days: the rate falls through the 30 days
FREE_DROP_OUT: Final = 0.15  # of free members, per 30 days, who silently stop
ONBOARDING_RATE: Final = 0.55
TRIAL_RATE: Final = 0.55
TRIAL_DAYS: Final = 14
TRIAL_CONVERSION: Final = 0.42  # with onboarding not finished; 0.20 more with it
TRIAL_CONVERSION_ONBOARDED: Final = 0.20
LATER_SUBSCRIPTION: Final = 0.14  # of members without a converted trial
ENTERPRISE_SHARE: Final = 0.14
UPGRADE_RATE: Final = 0.03  # per 30 days
DOWNGRADE_RATE: Final = 0.05
STARTS_LOGGED_IN: Final = 0.80  # of member visits; of the others three in four log in
LOGS_IN: Final = 0.75
LOGS_OUT: Final = 0.03
PAUSE: Final = 0.03  # of visits: 31 to 90 minutes of silence in the middle
ERRORS_PER_VISIT: Final = 0.09
TICKET_RATE: Final = 0.012
TICKET_RATE_PER_ERROR: Final = 0.06
PAYMENT_FAILURE: Final = 0.07
PAYMENT_RECOVERY: Final = 0.70
NPS_RATE: Final = 0.015
MOVES_COUNTRY: Final = 0.015

# ── Churn: the logarithm of the odds that a paying member cancels within the next 30 days ───────────────────
CHURN_INTERCEPT: Final = -3.1
CHURN_COEFFICIENTS: Final = {
    "activity_fall": 2.4,  # (active days 1-15 less active days 16-30) / active days 1-15, at least 0
    "active_days": -0.20,  # days with a visit, of the last 30
    "errors": 0.70,  # error_occurred events of the last 30 days, at most 5
    "tickets": 1.0,  # support_ticket_opened events of the last 30 days, at most 3
    "payment_failed": 2.2,  # an invoice of the last 30 days failed
    "enterprise": -1.0,  # plan at the cut-off
    "onboarding_unfinished": 1.5,  # no onboarding_completed before the cut-off
}
CHURN_IN_THE_FIRST_EPOCH: Final = 0.13
CHURN_CAPS: Final = {"errors": 5, "tickets": 3}

# ── The shop ───────────────────────────────────────────────────────────────────────────────────────────────
MEMBER_SHOP_VISIT: Final = 0.10
PROSPECT_SHOP_VISIT: Final = 0.07
ADDS_TO_CART: Final = 0.50  # per product viewed
REMOVES: Final = 0.10  # per product added
CHECKS_OUT: Final = 0.65
ORDERS: Final = 0.75  # per checkout
USES_COUPON: Final = 0.15
REFUNDS: Final = 0.04
SAME_BUNDLE: Final = 0.75  # a further product is of the first one's bundle
FAVOURITE_BUNDLE: Final = 0.80  # the first product is of the person's favourite bundle
COUPON_PERCENT: Final = 10
PLAN_PRICES: Final = {"free": 0, "pro": 2_900, "enterprise": 19_900}  # cents per month, project currency

# ── How events are sent ────────────────────────────────────────────────────────────────────────────────────
# Shares of all devices; the rest speaks the canonical shape. Larger worlds have less of the dialects.
DIALECT_SHARES: Final = {
    "segment": 0.19,
    "posthog": 0.27,
    "rudderstack": 0.04,
    "snowplow": 0.05,
    "amplitude": 0.03,
    "mixpanel": 0.03,
    "requests": 0.02,  # recorded HTTP requests of a browser SDK
    "csv": 0.01,  # the canonical shape as CSV
}
DIALECT_FACTOR: Final = {"small": 1.0, "medium": 0.5, "large": 0.12}
WITH_SESSION_ID: Final = 0.75  # of the devices that speak the canonical shape
WITH_SENT_AT: Final = 0.9  # likewise
PARQUET_SHARE: Final = 0.6  # of the canonical events; the others are JSON lines

# ── What goes wrong on the way ─────────────────────────────────────────────────────────────────────────────
EXACT_REPEATS: Final = 0.008  # the same line twice in one file
RESENT: Final = 0.007  # the same event id again later, in another file where the dialect has two
LATE_VISITS: Final = 0.05  # of app visits: offline, received up to 7 days later
LATE_EVENTS: Final = 0.003
MAX_LATE_DAYS: Final = 7
SKEWED_DEVICES: Final = 0.04
MAX_SKEW_HOURS: Final = 12
ALIAS_ONLY: Final = 0.04  # of sign-ups: only an alias ties the anonymous id to the user
BACKEND_ORDERS: Final = 0.5  # of orders of known users: sent by the backend, without an anonymous id
ALWAYS_ON: Final = 0.004  # of members: a screen that keeps one SDK session id for days


def declared() -> dict[str, object]:
    """The rates and sizes of this file by name, for truths.json."""
    named = {name.lower(): value for name, value in globals().items() if name.isupper() and name != "PROJECTS"}
    return dict(sorted(named.items()))
