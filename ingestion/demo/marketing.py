"""How visits come about: channels, campaigns and referrers, and what the campaigns cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingestion.demo.streams import stream

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Touch:
    """One way of arriving. `web`, `returning`, `member`, `app`: weights for a new person on the web, for one who
    returns, for a member, and for anybody in the app (where only deep links of campaigns are seen)."""

    channel: str
    source: str = ""
    medium: str = ""
    campaign: str = ""
    term: str = ""
    content: str = ""
    referrer: str = ""
    cost_per_click: int = 0  # cents
    web: float = 0
    returning: float = 0
    member: float = 0
    app: float = 0

    @property
    def search(self) -> str:
        """The query string that the campaign's links carry."""
        pairs = (
            ("source", self.source),
            ("medium", self.medium),
            ("campaign", self.campaign),
            ("term", self.term),
            ("content", self.content),
        )
        query = "&".join(f"utm_{key}={value}" for key, value in pairs if value)
        return f"?{query}" if query else ""


TOUCHES: Final = (
    Touch("direct", web=17, returning=50, member=70, app=72),
    Touch("organic_search", referrer="https://www.google.com/", web=22, returning=18, member=10),
    Touch("organic_search", referrer="https://www.bing.com/", web=4, returning=2, member=1),
    Touch("organic_search", referrer="https://duckduckgo.com/", web=2, returning=1, member=1),
    Touch("organic_social", referrer="https://www.reddit.com/", web=4, returning=2),
    Touch("organic_social", referrer="https://www.linkedin.com/", web=4, returning=2, member=1),
    Touch("referral", referrer="https://saas-weekly.example/tools", web=6, returning=2),
    Touch("ai_assistant", referrer="https://chatgpt.com/", web=4, returning=2),
    Touch("ai_assistant", referrer="https://www.perplexity.ai/", web=2, returning=1),
    Touch("paid_search", "google", "cpc", "brand_search", "demo_shop", "", "https://www.google.com/", 80,
          web=7, returning=4, app=3),
    Touch("paid_search", "google", "cpc", "generic_search", "product_analytics", "", "https://www.google.com/", 210,
          web=9, returning=3, app=4),
    Touch("paid_social", "facebook", "paid_social", "lookalike_q2", "", "carousel", "https://www.facebook.com/", 95,
          web=7, returning=2, app=8),
    Touch("paid_social", "linkedin", "paid_social", "decision_makers", "", "single_image",
          "https://www.linkedin.com/", 420, web=3, returning=1),
    Touch("display", "gdn", "display", "retargeting", "", "banner_a", "", 35, web=3, returning=4, app=5),
    Touch("email", "newsletter", "email", "product_news", "", "", "", 4, web=2, returning=5, member=9, app=5),
    Touch("email", "lifecycle", "email", "trial_reminder", "", "button", "", 2, returning=2, member=7, app=3),
    Touch("affiliate", "partnerstack", "affiliate", "partner_reviews", "", "", "https://reviews.example/best-tools",
          150, web=4, returning=1),
    # Only by planted anomalies (anomalies.py):
    Touch("referral", referrer="https://daily-news.example/startups"),
    Touch("referral", "bigpartner", "referral", "partner_launch"),
)  # fmt: skip
DIRECT: Final = 0
NEWS_TOUCH: Final = len(TOUCHES) - 2
PARTNER_TOUCH: Final = len(TOUCHES) - 1
CHANNELS: Final = tuple(dict.fromkeys(touch.channel for touch in TOUCHES))
CHANNEL_OF_TOUCH: Final[Ints] = np.array([CHANNELS.index(touch.channel) for touch in TOUCHES])
PAID_TOUCHES: Final = tuple(i for i, touch in enumerate(TOUCHES) if touch.cost_per_click)

# Factor on the sign-up rate by channel: who searches for us signs up, who sees a banner does not.
SIGN_UP_FACTOR: Final = {
    "direct": 1.2,
    "organic_search": 1.1,
    "organic_social": 0.7,
    "referral": 1.3,
    "ai_assistant": 1.4,
    "paid_search": 1.2,
    "paid_social": 0.6,
    "display": 0.3,
    "email": 1.5,
    "affiliate": 1.1,
}


@dataclass(frozen=True, slots=True)
class SpendRow:
    """What one campaign cost on one local day; `cost` in cents of the project's currency."""

    day: int
    touch: int
    impressions: int
    clicks: int
    cost: int


def weights(column: str) -> NDArray[np.float64]:
    return np.array([getattr(touch, column) for touch in TOUCHES], dtype=np.float64)


def spend(seed: int, project: str, visits: Ints) -> list[SpendRow]:
    """The spend of each campaign and day, from the planned visits (touch by day) it brought.

    A click is not always a visit (people leave before the page loads), so there are more clicks than visits.
    """
    rng = stream(seed, "spend", project)
    rows = []
    days = visits.shape[1]
    for touch in PAID_TOUCHES:
        clicks = visits[touch] + rng.binomial(np.maximum(visits[touch], 1), 0.15)
        impressions = clicks * rng.integers(18, 60, days) + rng.integers(50, 200, days)
        cost = np.rint(clicks * TOUCHES[touch].cost_per_click * rng.uniform(0.85, 1.15, days)).astype(np.int64)
        if visits[touch].any():
            rows += [SpendRow(d, touch, int(impressions[d]), int(clicks[d]), int(cost[d])) for d in range(days)]
    return rows
