"""What some settings may say: checks that need nothing else."""

from __future__ import annotations

import re


def valid_cluster(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
        raise ValueError("must be a cluster's name: letters, digits, _ and -")
    return name


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
