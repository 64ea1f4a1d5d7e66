"""The sentences of a digest. Markdown, HTML and a language model's prose are made of them and of no other number."""

from __future__ import annotations

from monitoring.digest.contents import Change, Digest
from monitoring.figures import figure

MOST_IN_LEAD = 3
HEADINGS = {
    "anomaly": "Anomalies",
    "alert": "Alerts that are open",
    "incident": "Incidents that are open",
    "quality": "Quality of data that fell",
    "experiment": "Experiments that ended",
}


def title(digest: Digest) -> str:
    if not digest.notable:
        return f"{digest.project} on {digest.day}: all as expected"
    told = ", ".join(f"{one.label} {instead(one, digest)}" for one in digest.notable[:MOST_IN_LEAD])
    return f"{digest.project} on {digest.day}: {told}"


def lead(digest: Digest) -> str:
    """What it says in two sentences, where no language model says it."""
    watched, notable = len(digest.changes), len(digest.notable)
    things = "1 thing" if len(digest.items) == 1 else f"{len(digest.items)} things"
    look = f"{things} to look at." if digest.items else "Nothing else to look at."
    if not watched:
        return f"No watched metric has a value. {look}"
    if not notable:
        return f"All {watched} watched metrics were as expected. {look}"
    told = "; ".join(f"{one.label} {instead(one, digest)}" for one in digest.notable[:MOST_IN_LEAD])
    more = f" and {notable - MOST_IN_LEAD} more" if notable > MOST_IN_LEAD else ""
    were = "was" if notable == 1 else "were"
    return f"{notable} of {watched} watched metrics {were} not as expected: {told}{more}. {look}"


def instead(change: Change, digest: Digest) -> str:
    value = figure(change.value, change.format, digest.currency)
    if change.expected is None:
        return value
    return f"{value} instead of {figure(change.expected, change.format, digest.currency)}"


def against(value: float, before: float | None) -> str:
    """By how much, in per cent; empty: nothing can be said."""
    if not before:
        return ""
    return f"{round((value - before) / abs(before), 2) + 0.0:+,.0%}"  # 0.0: none of -0


def off_by(change: Change) -> str:
    return "" if change.deviations is None else f"{round(change.deviations, 1) + 0.0:+.1f}"


def why(change: Change) -> str:
    return ", ".join(f"{part.segment} ({part.share:.0%} of the change)" for part in change.parts)


def sentence(change: Change, digest: Digest) -> str:
    """All that is known of a metric."""
    said = [f"{change.label}: {figure(change.value, change.format, digest.currency)}"]
    for before, when in (
        (change.day_before, "the day before"),
        (change.week_before, "the same day of the week before"),
    ):
        if by := against(change.value, before):
            said.append(f"{by} against {when} ({figure(before or 0, change.format, digest.currency)})")
    if change.expected is not None and change.deviations is not None:
        expected = figure(change.expected, change.format, digest.currency)
        said.append(f"{expected} was expected, off by {off_by(change)} robust deviations")
    if change.parts:
        said.append(f"mostly {why(change)}")
    return f"{'; '.join(said)}."
