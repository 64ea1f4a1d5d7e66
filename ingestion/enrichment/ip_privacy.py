"""What is kept of a client's address, as the project's privacy says. In SQL, because it happens before anything is
stored, and a file that is loaded meets no Python."""

from __future__ import annotations

from warehouse.projects import Privacy

HASH_CHARACTERS = 32


def private_ip(ip: str, privacy: str, salt: str) -> str:
    """The address as it may be stored; `ip`, `privacy` and `salt` are SQL expressions of texts.

    open: as sent. standard: IPv4 without its last 8 bits, IPv6 without its last 80. strict: a keyed hash, the same for
    both spellings of one address; nothing where there is no salt. What is no address is kept only by `open`, and a
    privacy of any other name counts as strict.
    """
    is_v4 = f"startsWith(toString(toIPv6OrNull({ip})), '::ffff:')"
    v4 = f"toString(IPv4CIDRToRange(toIPv4OrDefault(substring(toString(toIPv6OrNull({ip})), 8)), 24).1)"
    v6 = f"toString(IPv6CIDRToRange(toIPv6OrDefault({ip}), 48).1)"
    truncated = f"if({is_v4}, {v4}, {v6})"
    # Of the 16 bytes, not of the text: 1.2.3.4 and ::ffff:1.2.3.4 are one address.
    digest = f"lower(hex(HMAC('sha256', assumeNotNull(IPv6StringToNumOrNull({ip})), {salt})))"
    hashed = f"if({salt} = '', '', substring({digest}, 1, {HASH_CHARACTERS}))"
    return (
        f"multiIf({privacy} = '{Privacy.OPEN}', {ip}, isNull(toIPv6OrNull({ip})), '', "
        f"{privacy} = '{Privacy.STANDARD}', {truncated}, {hashed})"
    )
