"""What is kept of a client's address, as the project's privacy says. In SQL, because it happens before anything is
stored, and a file that is loaded meets no Python."""

from __future__ import annotations

HASH_CHARACTERS = 32


def network(ip: str) -> str:
    """IPv4 without its last 8 bits, IPv6 without its last 80; '' for what is no address. `ip` is an SQL expression."""
    is_v4 = f"startsWith(toString(toIPv6OrNull({ip})), '::ffff:')"
    v4 = f"toString(IPv4CIDRToRange(toIPv4OrDefault(substring(toString(toIPv6OrNull({ip})), 8)), 24).1)"
    v6 = f"toString(IPv6CIDRToRange(toIPv6OrDefault({ip}), 48).1)"
    return f"multiIf(isNull(toIPv6OrNull({ip})), '', {is_v4}, {v4}, {v6})"


def hashed_ip(ip: str, salt: str) -> str:
    """A keyed hash, the same for both spellings of one address; '' for what is none, and where there is no salt."""
    # Of the 16 bytes, not of the text: 1.2.3.4 and ::ffff:1.2.3.4 are one address.
    digest = f"lower(hex(HMAC('sha256', assumeNotNull(IPv6StringToNumOrNull({ip})), {salt})))"
    return f"if({salt} = '' OR isNull(toIPv6OrNull({ip})), '', substring({digest}, 1, {HASH_CHARACTERS}))"
