"""What some settings may say: checks that need nothing else."""

from __future__ import annotations

import re

MAX_AGE_DAYS = 20 * 365 + 5


def valid_cluster(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
        raise ValueError("must be a cluster's name: letters, digits, _ and -")
    return name


def days_in(text: str) -> int | None:
    """What `90d` or `2y` says, leap days included; None: it says neither."""
    match = re.fullmatch(r"(\d{1,5})\s*([dy])", text.strip())
    if not match:
        return None
    number = int(match[1])
    return number if match[2] == "d" else number * 365 + number // 4


def days_of(age: str) -> int:
    days = days_in(age)
    if days is None or not 1 <= days <= MAX_AGE_DAYS:
        raise ValueError(f"must be days or years, 20 at most, as 90d or 1y, not {age!r}")
    return days


def valid_age(age: str) -> str:
    if age:
        days_of(age)
    return age


def valid_targets(text: str) -> str:
    for target in listed(text):
        if not re.fullmatch(r"(\*\.)?[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?", target):
            raise ValueError(f"has no host, *.host or host:port in {target!r}")
    return text


def valid_origins(text: str) -> str:
    for origin in listed(text):
        if not re.fullmatch(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?", origin):
            raise ValueError(f"has no origin such as https://app.example.com in {origin!r}")
    return text


def valid_colour(colour: str) -> str:
    if colour and not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise ValueError(f"must be a colour such as #0072B2, not {colour!r}")
    return colour


def listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
