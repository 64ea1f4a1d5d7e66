"""The events as they are sent: one array per column, for a block. Everything later reads these arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Words = NDArray[np.uint64]

NONE = -1  # in every column of numbers: there is none
EXACT_COPY, RESENT_COPY = 1, 2


@dataclass
class Table:
    """One element per event sent; `at` is the corrected timestamp, the others are what the line says."""

    kind: Ints
    at: Ints
    person: Ints  # the real one, whatever is sent
    visit: Ints
    user: Ints  # person whose user id is sent
    anonymous: Ints
    session: Ints  # number of the SDK's session id
    device: Ints
    app: Bools
    country: Ints
    touch: Ints  # of the entry only
    page: Ints
    previous_page: Ints
    version: Ints  # of the app
    a: Ints
    b: Ints
    c: Ints
    load_ms: Ints
    random: Words  # what details of the event are taken from
    id_high: Words
    id_low: Words
    dialect: Ints
    consent: Ints  # 1 given, 0 refused, NONE not said
    original: Ints  # by the client's clock
    sent: Ints
    received: Ints
    copy: Ints

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, which: NDArray[np.generic] | slice) -> Table:
        return Table(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    @classmethod
    def joined(cls, parts: list[Table]) -> Table:
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )
