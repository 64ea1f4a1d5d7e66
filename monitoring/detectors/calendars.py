"""Public holidays of a country or of a region of it."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from functools import cache

from warehouse.errors import WrongUsage, nearest
from warehouse.projects import PLACE


@cache
def public_holidays(place: str, year: int) -> frozenset[date]:
    """`place`: by ISO 3166, DE or DE-BY. Some are observed on another day, as a Sunday's on the Monday."""
    import holidays

    country, _, region = place.partition("-")
    if PLACE.fullmatch(place):  # the package takes names of its own, too
        with suppress(NotImplementedError):
            return frozenset(holidays.country_holidays(country, subdiv=region or None, years=year))
    regions = holidays.list_supported_countries()
    known = [*regions, *(f"{country}-{one}" for one in regions.get(country, ()))]
    raise WrongUsage(
        f"There is no calendar of holidays of {place!r}{nearest(place, known) or '.'}",
        hint="Write a country, or a region of it, by ISO 3166: DE, DE-BY. Of a project, projects.yaml says which.",
    )
