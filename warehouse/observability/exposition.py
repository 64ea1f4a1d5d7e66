"""Prometheus' text format: families of samples, as lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Sample:
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""  # _bucket, _sum, _count of a histogram


@dataclass(frozen=True)
class Family:
    name: str
    kind: str  # gauge, counter, histogram
    help: str


def as_text(families: Iterable[tuple[Family, Sequence[Sample]]]) -> str:
    """A family without samples is left out."""
    lines = []
    for family, samples in families:
        if samples:
            lines += [f"# HELP {family.name} {_escaped(family.help)}", f"# TYPE {family.name} {family.kind}"]
            lines += [_line(family.name, sample) for sample in samples]
    return "\n".join(lines) + "\n"


def histogram(labels: Mapping[str, str], bounds: Sequence[float], counts: Sequence[int], total: float) -> list[Sample]:
    """`counts`: at most as long as each bound, then all of them."""
    buckets = [
        Sample(count, {**labels, "le": bound}, "_bucket")
        for bound, count in zip([*(f"{bound:g}" for bound in bounds), "+Inf"], counts, strict=True)
    ]
    return [*buckets, Sample(total, labels, "_sum"), Sample(counts[-1], labels, "_count")]


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(f'{label}="{_quoted(value)}"' for label, value in sample.labels.items())
    return f"{name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {float(sample.value)!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
