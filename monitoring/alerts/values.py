"""Values as people write them in alert rules: 30m, 20%, 22:00 to 07:00."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from warehouse.errors import nearest

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d{1,6})\s*([smhd])", str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is no duration: write a number and s, m, h or d, as 30m")
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


def _share(value: Any) -> Any:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", str(value).strip())
    if not match or not float(match[1]):
        raise ValueError(f"{value!r} is no share: write per cent, as 20%")
    return float(match[1]) / 100


def _time_of_day(value: Any) -> Any:
    if isinstance(value, time):
        return value
    # YAML 1.1 reads a bare 22:00 as 22 x 60 + 0.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", str(value))
    if not match:
        raise ValueError(f"{value!r} is no time of day: write it as '22:00'")
    return time(int(match[1]), int(match[2]))


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = nearest(name, available_timezones())
        raise ValueError(f"{name!r} is not an IANA timezone{known}") from error
    return name


def _cron(text: str) -> str:
    from croniter import croniter

    if len(text.split()) != 5 or not croniter.is_valid(text):
        raise ValueError(f"{text!r} is no cron expression: write minute, hour, day, month, weekday, as '0 7 * * 1'")
    return text


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Share = Annotated[float, BeforeValidator(_share)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Cron = Annotated[str, AfterValidator(_cron)]
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Hours(Strict):
    """A part of each day on the clocks of a place; one that ends before it begins goes over midnight."""

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    timezone: Timezone
    days: tuple[DayName, ...] = DAYS  # type: ignore[assignment] # on which it begins

    @model_validator(mode="after")
    def _is_some_time(self) -> Self:
        if self.start == self.end:
            raise ValueError("from and to are the same time")
        return self

    def hold(self, at: datetime) -> bool:
        """By what the clocks show: an hour that comes twice is in twice, one that is left out never."""
        local = at.astimezone(ZoneInfo(self.timezone))
        shown, today = local.time().replace(tzinfo=None), local.weekday()
        if self.start < self.end:
            return self.start <= shown < self.end and DAYS[today] in self.days
        if shown >= self.start:
            return DAYS[today] in self.days
        return shown < self.end and DAYS[(today - 1) % 7] in self.days


def in_words(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:,} {name}"
    return f"{seconds} s"
