"""Numbers as people write them: 7, seven, 1,000, 100k, 5 %, third."""

from __future__ import annotations

import re

WORDS = {
    word: number
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), start=1
    )
}
WORDS |= {"fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100}
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
# Units, by the stems of their words.
MONEY = {"eur": "EUR", "euro": "EUR", "€": "EUR", "usd": "USD", "dollar": "USD", "$": "USD", "gbp": "GBP", "£": "GBP"}
MONEY |= {"pound": "GBP", "chf": "CHF", "franc": "CHF", "pln": "PLN", "zloty": "PLN"}
SECONDS = {"second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "hour": 3600, "ms": 0.001, "millisecond": 0.001}
_NUMBER = re.compile(r"(-?)[€$£]?(\d+(?:,\d{3})*(?:\.\d+)?)(k|m|bn|thousand|million)?(%?)[€$£]?")
_TIMES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9}


def counted(word: str, article: bool = False) -> int | None:
    """How many: a small whole number; `a` is one where an article may say so."""
    if article and word in ("a", "an"):
        return 1
    if word in WORDS:
        return WORDS[word]
    return int(word) if re.fullmatch(r"\d{1,6}", word) else None


def amount(word: str) -> tuple[int | float, bool] | None:
    """A number, and whether it is a percentage."""
    if word in WORDS:
        return WORDS[word], False
    match = _NUMBER.fullmatch(word)
    if not match or len(match[2]) > 18:
        return None
    number = float(match[2].replace(",", "")) * _TIMES.get(match[3] or "", 1)
    number = -number if match[1] else number
    return (int(number) if number.is_integer() else number), bool(match[4])
