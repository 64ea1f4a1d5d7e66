"""How Superset's pages look: name, colour and logo of whoever runs it, as the tokens of its theme."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from warehouse.errors import MillraceError
from warehouse.settings import Settings

MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
LARGEST_LOGO = 100_000  # it is part of every page


def brand(settings: Settings) -> dict[str, str]:
    tokens = {"brandAppName": settings.bi_name, "brandLogoAlt": settings.bi_name}
    if settings.bi_colour:
        tokens |= {"colorPrimary": settings.bi_colour, "colorLink": settings.bi_colour}
    if settings.bi_logo:
        tokens["brandLogoUrl"] = _logo(settings.bi_logo)
    return tokens


def _logo(path: Path) -> str:
    """Inside of the page: its rules let no other host's picture in."""
    kind, hint = MEDIA_TYPES.get(path.suffix.lower()), "MILLRACE_BI_LOGO names it."
    try:
        picture = path.read_bytes()
    except OSError as error:
        raise MillraceError(f"The logo {path} cannot be read: {error.strerror or error}.", hint) from error
    if kind is None or len(picture) > LARGEST_LOGO:
        raise MillraceError(f"The logo {path} is no SVG or PNG of at most {LARGEST_LOGO // 1000} KB.", hint)
    return f"data:{kind};base64,{b64encode(picture).decode()}"
