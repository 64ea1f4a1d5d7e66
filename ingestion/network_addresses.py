"""IP addresses in texts: where they begin and end, and their removal as ClickHouse expressions.

A number of four parts is taken for an address wherever it stands, but not behind a name and a slash (Chrome/120.0.0.0)
outside of URLs and paths, nor as a whole value: whether that is a version, its name says (masking.py).
"""

from __future__ import annotations

import hashlib

from ingestion.privacy import sql_text

_V4_PART = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_V4 = rf"{_V4_PART}(?:\.{_V4_PART}){{3}}"
_V4_ENCODED = rf"{_V4_PART}(?:(?:\.|%2e){_V4_PART}){{3}}"
_HEX = "[0-9a-f]{1,4}"
_V6 = (
    rf"(?:(?:{_HEX}(?::{_HEX}){{0,6}})?::(?:{_HEX}(?::{_HEX}){{0,6}})?(?::{_V4})?|(?:{_HEX}:){{7}}{_HEX}|"
    rf"(?:{_HEX}:){{6}}{_V4}|::(?:ffff:)?{_V4})"
)
ADDRESS = rf"(?:{_V4}(?::[0-9]{{1,5}}|/[0-9]{{1,2}})?|\[?{_V6}(?:%[0-9a-z]+)?(?:\]:[0-9]{{1,5}}|\]|/[0-9]{{1,3}})?)"

# What may stand before one. A v makes a version of it; digits only as the end of an encoded sign (%20).
_V4_LEAD = r'(^/?|[^0-9a-z./"\\]|[a-uw-z]|[^0-9]\.|[^a-z\\]/|[^a-z]\\/|\\"|%[0-9a-f][0-9])'
_V4_LEAD_IN_PATH = r"""((?:://|(?:^|["'])\\?/)[^\s"]*?/)"""
_V6_LEAD = r'(^|[^0-9a-z:."\\]|[g-z]:|\\[nrtbf"]|%[0-9a-f]{2})'
# And what behind: another digit or part would make it something else.
_V4_END = r"([^0-9.]|\.[^0-9]|\.?$)"
_V4_END_IN_VALUE = r'([^0-9."]|\.[^0-9])'
_V6_END = r"([^0-9a-z:.]|\.[^0-9]|\.?$)"
_V6_END_IN_VALUE = r'([^0-9a-z:."]|\.[^0-9])'
_HAS_V4 = r"(?i)[0-9](?:\.|%2e)[0-9]{1,3}(?:\.|%2e)[0-9]"
_HAS_V6 = r"(?i)::|(?:[0-9a-f]{1,4}:){6}"


def without_addresses(text: str) -> str:
    """An expression: the text, its addresses made 0.0.0.0 and ::."""
    v4 = [
        rf"(?i){_V4_LEAD}{_V4_ENCODED}{_V4_END}",
        rf"(?i){_V4_LEAD_IN_PATH}{_V4_ENCODED}{_V4_END}",
        rf'(?i)(")\s*{_V4_ENCODED}{_V4_END_IN_VALUE}',
    ]
    v6 = [rf"(?i){_V6_LEAD}{_V6}{_V6_END}", rf'(?i)(")\s*{_V6}{_V6_END_IN_VALUE}']
    return _replaced(_replaced(text, _HAS_V4, v4, "0.0.0.0"), _HAS_V6, v6, "::")  # noqa: S104 - no address to bind


def _replaced(text: str, sign: str, patterns: list[str], by: str) -> str:
    # Named, so that they are written once: where lines are judged without being loaded, the query may not be long.
    named = {f"pattern_{hashlib.sha256(pattern.encode()).hexdigest()[:8]}": pattern for pattern in patterns}
    made = "one"
    for pattern in [*(f"({sql_text(pattern)} AS {name})" for name, pattern in named.items()), *named]:
        # Twice: two beside each other share what stands between them. By a sign that no JSON has: what was replaced
        # must not be found again, in the place of the one behind it.
        made = f"replaceRegexpAll({made}, {pattern}, '\\\\1\\x01\\\\2')"
    made = f"replaceAll({made}, '\\x01', '{by}')"
    return f"arrayMap(one -> if(match(one, {sql_text(sign)}), {made}, one), [{text}])[1]"
