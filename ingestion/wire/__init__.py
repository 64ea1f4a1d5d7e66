"""What analytics SDKs really send, turned into canonical lines.

`decode_request` takes a recorded HTTP request, `decode_line` a line of a file, `detect` tells the dialect of a
file. Every element of a payload gives exactly one outcome: `Decoded` or `Undecodable`, with the original kept.
"""

from ingestion.wire.decode import AUTO, DIALECTS, Outcome, check_dialect, decode_line, decode_request, detect
from ingestion.wire.dialect import Decoded, Undecodable
from ingestion.wire.request import WireRequest

__all__ = [
    "AUTO",
    "DIALECTS",
    "Decoded",
    "Outcome",
    "Undecodable",
    "WireRequest",
    "check_dialect",
    "decode_line",
    "decode_request",
    "detect",
]
