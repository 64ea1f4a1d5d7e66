"""Fixed lists of the world: countries, devices, pages, features and other words that events carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Country:
    code: str
    currency: str
    locale: str
    timezone: str
    signs_up: float  # factor on the sign-up rate


COUNTRIES: Final = (
    Country("DE", "EUR", "de-DE", "Europe/Berlin", 1.15),
    Country("AT", "EUR", "de-AT", "Europe/Vienna", 1.10),
    Country("CH", "CHF", "de-CH", "Europe/Zurich", 1.20),
    Country("FR", "EUR", "fr-FR", "Europe/Paris", 0.90),
    Country("GB", "GBP", "en-GB", "Europe/London", 1.00),
    Country("NL", "EUR", "nl-NL", "Europe/Amsterdam", 1.05),
    Country("PL", "PLN", "pl-PL", "Europe/Warsaw", 0.70),
    Country("US", "USD", "en-US", "America/New_York", 0.85),
    Country("CA", "USD", "en-CA", "America/Toronto", 0.90),
    Country("BR", "USD", "pt-BR", "America/Sao_Paulo", 0.60),
)
COUNTRY_INDEX: Final = {country.code: index for index, country in enumerate(COUNTRIES)}
CURRENCIES: Final = ("EUR", "USD", "GBP", "CHF", "PLN")
CURRENCY_LEVEL: Final = (1.00, 1.10, 0.86, 0.95, 4.30)  # units for one euro: prices and the rates' start


@dataclass(frozen=True, slots=True)
class Device:
    """A kind of device as its events describe it; `kind` is what reports break down by."""

    kind: str  # desktop, mobile, tablet, bot
    weight: float
    os: str
    os_version: str
    browser: str  # empty in the app
    browser_version: str
    width: int
    height: int
    user_agent: str  # empty in the app
    manufacturer: str = ""
    model: str = ""

    @property
    def app(self) -> bool:
        return not self.browser and self.kind != "bot"


_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)"
_PIXEL = "Mozilla/5.0 (Linux; Android 15; Pixel 8)"

DEVICES: Final = (
    # Web
    Device("desktop", 24, "Windows", "10", "Chrome", "137.0.0", 1920, 1080,
           f"{_WINDOWS} {_WEBKIT} Chrome/137.0.0.0 Safari/537.36"),
    Device("desktop", 7, "Windows", "10", "Edge", "137.0.0", 1536, 864,
           f"{_WINDOWS} {_WEBKIT} Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0"),
    Device("desktop", 5, "Windows", "10", "Firefox", "139.0", 1920, 1080,
           "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0"),
    Device("desktop", 10, "Mac OS X", "10.15.7", "Safari", "18.5", 1440, 900,
           f"{_MAC} {_SAFARI} Version/18.5 Safari/605.1.15"),
    Device("desktop", 9, "Mac OS X", "10.15.7", "Chrome", "136.0.0", 1728, 1117,
           f"{_MAC} {_WEBKIT} Chrome/136.0.0.0 Safari/537.36"),
    Device("mobile", 20, "iOS", "18.5", "Mobile Safari", "18.5", 390, 844,
           f"{_IPHONE} {_SAFARI} Version/18.5 Mobile/15E148 Safari/604.1"),
    Device("mobile", 18, "Android", "15", "Chrome Mobile", "137.0.0", 412, 915,
           f"{_PIXEL} {_WEBKIT} Chrome/137.0.0.0 Mobile Safari/537.36"),
    Device("tablet", 4, "iOS", "17.7", "Mobile Safari", "17.6", 820, 1180,
           f"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) {_SAFARI} Version/17.6 Mobile/15E148 Safari/604.1"),
    # App
    Device("mobile", 55, "iOS", "18.5", "", "", 390, 844, "", "Apple", "iPhone16,1"),
    Device("mobile", 38, "Android", "15", "", "", 412, 915, "", "Google", "Pixel 8"),
    Device("tablet", 7, "iOS", "17.7", "", "", 820, 1180, "", "Apple", "iPad13,18"),
    # Bots
    Device("bot", 4, "", "", "", "", 0, 0,
           "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    Device("bot", 2, "", "", "", "", 0, 0,
           "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    Device("bot", 2, "", "", "", "", 0, 0, "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    Device("bot", 2, "", "", "", "", 0, 0,
           f"Mozilla/5.0 {_WEBKIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot)"),
)  # fmt: skip
WEB_DEVICES: Final = tuple(i for i, device in enumerate(DEVICES) if device.browser)
APP_DEVICES: Final = tuple(i for i, device in enumerate(DEVICES) if device.app)
BOT_DEVICES: Final = tuple(i for i, device in enumerate(DEVICES) if device.kind == "bot")
APP_SHARE: Final = 0.27  # of the devices of a project that has both web and app

SITE: Final = "https://www.demo-shop.example"
APP_NAME: Final = "Demo Shop"


@dataclass(frozen=True, slots=True)
class Page:
    path: str
    title: str
    category: str
    public: float  # weight when somebody looks around
    member: float  # weight inside the product


PAGES: Final = (
    Page("/", "Home", "site", 30, 4),
    Page("/pricing", "Pricing", "site", 16, 2),
    Page("/features", "Features", "site", 14, 1),
    Page("/blog/product-analytics-basics", "Product analytics basics", "blog", 9, 1),
    Page("/blog/funnels-explained", "Funnels explained", "blog", 7, 1),
    Page("/blog/release-notes", "Release notes", "blog", 4, 3),
    Page("/docs/getting-started", "Getting started", "docs", 6, 4),
    Page("/docs/api", "API reference", "docs", 4, 5),
    Page("/customers", "Customers", "site", 5, 0),
    Page("/about", "About us", "site", 3, 0),
    Page("/shop", "Add-ons", "shop", 0, 0),
    Page("/signup", "Sign up", "site", 0, 0),
    Page("/login", "Log in", "site", 0, 0),
    Page("/app", "Overview", "app", 0, 26),
    Page("/app/projects", "Projects", "app", 0, 20),
    Page("/app/reports", "Reports", "app", 0, 18),
    Page("/app/settings", "Settings", "app", 0, 6),
    Page("/app/billing", "Billing", "app", 0, 3),
    Page("/app/team", "Team", "app", 0, 5),
    Page("/app/welcome", "Welcome", "app", 0, 1),
)
PAGE_INDEX: Final = {page.path: index for index, page in enumerate(PAGES)}

SIGN_UP_METHODS: Final = ("email", "google", "apple")
ONBOARDING_STEPS: Final = ("create_workspace", "connect_data", "invite_team", "first_report")
FEATURES: Final = (
    *("dashboards", "filters", "alerts", "exports", "sharing", "comments"),
    *("templates", "automations", "api", "calendar", "boards", "search"),
)
REPORT_TYPES: Final = ("trend", "funnel", "table")
TEMPLATES: Final = ("blank", "crm", "roadmap")
FILE_FORMATS: Final = ("csv", "pdf", "xlsx")
INTEGRATIONS: Final = ("slack", "github", "jira", "hubspot", "zapier")
ROLES: Final = ("admin", "member", "viewer")
QUERIES: Final = (
    *("csv export", "invite colleague", "cancel plan", "api token", "dark mode", "invoice"),
    *("change e-mail", "dashboard filter", "two factor", "integrations"),
)
NOTIFICATIONS: Final = ("digest", "mention", "offer")
VIDEOS: Final = ("tour", "funnels_in_5_minutes", "customer_story")
ERROR_TYPES: Final = ("TypeError", "NetworkError", "TimeoutError", "ValidationError")
ERROR_MESSAGES: Final = (
    "undefined is not a function",
    "request failed",
    "request took longer than 30 s",
    "a required field is empty",
)
BROKEN_ERROR: Final = "RenderError"
CANCEL_REASONS: Final = ("too_expensive", "missing_feature", "unreliable", "no_longer_needed")
FAILURE_CODES: Final = ("card_declined", "expired_card", "insufficient_funds")
REFUND_REASONS: Final = ("not_as_described", "bought_by_mistake")
TOPICS: Final = ("billing", "bug", "how_to")
PRIORITIES: Final = ("low", "normal", "high")
INDUSTRIES: Final = ("software", "retail", "finance", "health", "education", "media")
PLANS: Final = ("free", "pro", "enterprise")
TIERS: Final = ("standard", "silver", "gold", "vip")
FIRST_NAMES: Final = (
    *("Ada", "Ben", "Carla", "David", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jonas"),
    *("Kira", "Luca", "Mina", "Noah", "Olga", "Pavel", "Quinn", "Rosa", "Samir", "Tara"),
)
LAST_NAMES: Final = (
    *("Abel", "Berg", "Costa", "Dietrich", "Evans", "Fischer", "Garcia", "Huber", "Ivanov", "Jansen"),
    *("Keller", "Lopez", "Moreau", "Nowak", "Okafor", "Peters", "Quist", "Rossi", "Schmidt", "Tanaka"),
)
COMPANY_NAMES: Final = ("Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Harbour", "Inlet", "Juniper")

# Releases of the app: (version, day it came out). People update within UPDATE_DAYS.
RELEASES: Final = (("5.0.0", -60), ("5.1.0", 40), ("5.2.0", 85), ("5.3.0", 130))
UPDATE_DAYS: Final = 20
STAGED_VERSION: Final = "5.2.9"  # rolled out to some members of the free plan and visitors, then withdrawn
