"""What becomes of a person's values in a strict project, in Python and in SQL: one function each, the same results.

The salt of a project is the key. It is read here and by the checking view, and by nobody else: a hash of an e-mail
address or of an IPv4 address is no secret without it being one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PSEUDONYM_CHARACTERS = 32
MASKED_DOMAIN = "masked.invalid"
REMOVED_EMAIL = f"removed@{MASKED_DOMAIN}"  # where there is no salt to mask it with
# The key in vault.salts of lines that belong to no declared project.
NO_PROJECT = ""
# Two migrations at once may both have made a salt: the first one counts, for every reader.
SALTS = "SELECT project_id, argMin(salt, (created_at, salt)) AS salt FROM vault.salts GROUP BY project_id"

# What Python's str.strip takes away, as a class of RE2.
_SPACE = r"[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"

# An e-mail address inside a text, also inside the text of JSON or of a URL. `/`, `=`, `?` and `&` may stand in the
# local part of an address and hardly ever do; in URLs they stand before one.
_LOCAL = r"[\p{L}\p{M}\p{N}!$%*+^_|~.-][\p{L}\p{M}\p{N}!$%'*+^_|~.-]*"
_AT = r"(?:@|＠|%(?:25)*40|\\+u0040|&#(?:64|[xX]40);)"
_DOMAIN = r"(?:(?:[\p{L}\p{M}\p{N}_-]+\.)*\p{L}[\p{L}\p{M}\p{N}_-]*|\[[0-9a-fA-F.:]{3,}\])"
# Escapes of JSON right before it: the n of \njane@example.com is no letter of the address. All of a row of them, or a
# match could begin in the middle of one.
_ESCAPES = r"(?:\\(?:u[0-9a-fA-F]{4}|[^u]))*"
EMAIL = f"{_ESCAPES}{_LOCAL}{_AT}{_DOMAIN}"
MASKED = rf"[0-9a-f]{{{PSEUDONYM_CHARACTERS}}}@{re.escape(MASKED_DOMAIN)}"


def salts(client: Client) -> dict[str, str]:
    """The salt of every project; of lines without a project under ''."""
    return {str(project): str(salt) for project, salt in client.query(SALTS).result_rows}


def pseudonym(value: str, salt: str) -> str:
    """The same for every spelling of one value in one project, and of no use without the salt."""
    digest = hmac.new(salt.encode(), value.strip().lower().encode(), hashlib.sha256)
    return digest.hexdigest()[:PSEUDONYM_CHARACTERS]


def masked_email(value: str, salt: str) -> str:
    """A pseudonym in the form of an address. One that is masked already stays: a rejected line may be loaded again."""
    if re.fullmatch(MASKED, value):
        return value
    return f"{pseudonym(value, salt)}@{MASKED_DOMAIN}"


def pseudonym_sql(value: str, salt: str) -> str:
    """`pseudonym` of two SQL expressions of texts."""
    stripped = f"replaceRegexpAll({value}, {sql_text(f'^{_SPACE}+|{_SPACE}+$')}, '')"
    return f"substring(lower(hex(HMAC('sha256', lowerUTF8({stripped}), {salt}))), 1, {PSEUDONYM_CHARACTERS})"


def masked_email_sql(value: str, salt: str) -> str:
    """`masked_email` of two SQL expressions of texts."""
    made = f"concat({pseudonym_sql(value, salt)}, '@{MASKED_DOMAIN}')"
    return f"multiIf(match({value}, {sql_text(f'^{MASKED}$')}), {value}, {salt} = '', '{REMOVED_EMAIL}', {made})"


def masked_emails_sql(text: str, salt: str) -> str:
    """The text with every e-mail address in it masked; `text` is a name, since it stands there twice."""
    body = f"replaceRegexpOne(email, {sql_text(f'^{_ESCAPES}')}, '')"
    escapes = f"substring(email, 1, length(email) - length({body}))"
    # jane%40example.com is jane@example.com, and of email%3Djane%40example.com only the last part is the address.
    decoded = f"decodeURLComponent(replaceRegexpOne({body}, {sql_text(_AT)}, '@'))"
    address = f"if(position({body}, '@') > 0, {body}, extract({decoded}, {sql_text(f'{_LOCAL}@{_DOMAIN}')}))"
    masked = f"arrayMap(address -> {masked_email_sql('address', salt)}, [{address}])[1]"
    return replace_each_sql(text, EMAIL, f"concat({escapes}, {masked})", "email")


def replace_each_sql(text: str, pattern: str, replacement: str, found: str) -> str:
    """Every match of the pattern replaced by an expression of it, for which ClickHouse has no function.

    The pattern must have no capturing group and must not match nothing; `text` is a name. Without a match this is
    one search of the text.
    """
    # Named, so that it is written once: where lines are judged without being loaded, the query may not be long.
    name = f"pattern_{hashlib.sha256(pattern.encode()).hexdigest()[:8]}"
    return (
        "arrayStringConcat(arrayMap((between, made) -> concat(between, made), "
        f"splitByRegexp(({sql_text(pattern)} AS {name}), {text}), "
        f"arrayPushBack(arrayMap({found} -> {replacement}, extractAll({text}, {name})), '')))"
    )


def sql_text(value: str) -> str:
    if value.count("\\") > 4 and "$_$" not in value:  # a pattern: shorter without every backslash twice
        return f"$_${value}$_$"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
