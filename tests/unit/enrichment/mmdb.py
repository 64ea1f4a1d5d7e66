"""A writer of small MMDB files, enough for tests: https://maxmind.github.io/MaxMind-DB/"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any


def write_mmdb(path: Path, networks: dict[str, Any], database_type: str = "Test-City", build_epoch: int = 1) -> Path:
    """A file with a record per network; IPv4 networks lie in ::/96, as the format wants it."""
    nodes: list[list[int | None]] = [[None, None]]
    data = b""
    leaves: dict[tuple[int, int], int] = {}  # (node, side) -> offset of its record
    for text, record in networks.items():
        network = ipaddress.ip_network(text)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        bits = [int(network.network_address) >> (127 - place) & 1 for place in range(length)]
        node = 0
        for bit in bits[:-1]:
            if nodes[node][bit] is None:
                nodes[node][bit] = len(nodes)
                nodes.append([None, None])
            node = nodes[node][bit]  # type: ignore[assignment]
        leaves[node, bits[-1]] = len(data)
        data += _encoded(record)
    count = len(nodes)
    tree = b""
    for number, sides in enumerate(nodes):
        for side, child in enumerate(sides):
            offset = leaves.get((number, side))
            value = child if child is not None else count if offset is None else count + 16 + offset
            tree += value.to_bytes(3, "big")
    metadata = {
        "node_count": _number(6, 4, count),
        "record_size": _number(5, 2, 24),
        "ip_version": _number(5, 2, 6),
        "database_type": database_type,
        "languages": ["en"],
        "binary_format_major_version": _number(5, 2, 2),
        "binary_format_minor_version": _number(5, 2, 0),
        "build_epoch": _number(9, 8, build_epoch),
        "description": {"en": "test"},
    }
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _encoded(metadata))
    return path


def _encoded(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return bytes([7 << 5 | len(value)]) + b"".join(_encoded(key) + _encoded(inner) for key, inner in value.items())
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(_encoded(inner) for inner in value)
    text = str(value).encode()
    assert len(text) < 29
    return bytes([2 << 5 | len(text)]) + text


def _number(kind: int, size: int, value: int) -> bytes:
    """5: of 16 bits, 6: of 32, 9: of 64; kinds above 7 are written in a second byte."""
    head = bytes([kind << 5 | size]) if kind <= 7 else bytes([size, kind - 7])
    return head + value.to_bytes(size, "big")
