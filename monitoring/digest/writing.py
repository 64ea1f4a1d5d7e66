"""A digest as Markdown, and as the HTML that programs for mail show: tables, and styles beside what they are of."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from monitoring.digest.contents import Change, Digest, Item
from monitoring.digest.wording import HEADINGS, against, lead, off_by, sentence, title, why
from monitoring.figures import figure

COLUMNS = ("Metric", "Value", "Day before", "Week before", "Deviations")
INK, SOFT, LINE, GROUND = "#1d2733", "#5d6b7a", "#e3e8ee", "#f6f8fa"
COLOURS = {True: "#137a4b", False: "#b02a1d", None: INK}
FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


def markdown(digest: Digest) -> str:
    return "\n".join(_markdown(digest)) + "\n"


def _markdown(digest: Digest) -> Iterator[str]:
    yield f"# {title(digest)}"
    yield f"\n{digest.prose or lead(digest)}"
    if digest.changes:
        yield f"\n## What changed\n\n| {' | '.join(COLUMNS)} |\n| --- | ---: | ---: | ---: | ---: |"
        for one in digest.changes:
            name = f"**{one.label}**" if one.is_notable else one.label
            yield f"| {name} | {' | '.join(_cells(one, digest))} |"
    if digest.notable:
        yield "\n## Why\n"
        yield from (f"- {sentence(one, digest)}" for one in digest.notable)
    for kind, items in _by_kind(digest):
        yield f"\n## {HEADINGS[kind]}\n"
        yield from (f"- {one.text}. `{one.command}`" for one in items)


def html(digest: Digest) -> str:
    body = "".join(_html(digest))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title(digest))}</title></head>'
        f'<body style="margin:0;padding:24px 12px;background:{GROUND};color:{INK};{FONT};font-size:15px;'
        'line-height:1.5">'
        '<table role="presentation" width="100%" cellspacing="0" cellpadding="0"><tr><td align="center">'
        '<table role="presentation" width="640" cellspacing="0" cellpadding="0" style="max-width:640px;width:100%;'
        f'background:#ffffff;border:1px solid {LINE};border-radius:10px"><tr><td style="padding:24px;text-align:left">'
        f"{body}</td></tr></table></td></tr></table></body></html>\n"
    )


def _html(digest: Digest) -> Iterator[str]:
    when = f"{digest.day:%A}, {digest.day.day} {digest.day:%B %Y}"
    yield f'<p style="margin:0;color:{SOFT};font-size:13px">{escape(digest.project)} · {when}</p>'
    yield '<h1 style="margin:4px 0 12px;font-size:20px;line-height:1.3">What changed, and what to look at</h1>'
    yield f'<p style="margin:0 0 20px">{escape(digest.prose or lead(digest))}</p>'
    if digest.changes:
        yield '<table width="100%" cellspacing="0" cellpadding="0" style="border-collapse:collapse;font-size:14px"><tr>'
        yield "".join(_cell("th", column, place > 0) for place, column in enumerate(COLUMNS)) + "</tr>"
        yield from (_row(one, digest) for one in digest.changes)
        yield "</table>"
    if digest.notable:
        yield _heading("Why")
        yield "".join(_line(escape(sentence(one, digest))) for one in digest.notable)
    for kind, items in _by_kind(digest):
        yield _heading(HEADINGS[kind])
        for one in items:
            command = f'<code style="font-size:12px;color:{SOFT}">{escape(one.command)}</code>'
            yield _line(f"{escape(one.text)}<br>{command}")
    yield (
        f'<p style="margin:24px 0 0;color:{SOFT};font-size:12px">Deviations: how far off what the days before let '
        "expect, by how far days mostly are off. From 2 on a change is marked.</p>"
    )


def _row(change: Change, digest: Digest) -> str:
    cells = _cells(change, digest)
    colour = COLOURS[change.is_good]
    label = escape(change.label)
    if change.is_notable:
        label = f'<b style="color:{colour}">{label}</b>'
        if change.parts:
            label += f'<br><span style="color:{SOFT};font-size:12px">{escape(why(change))}</span>'
    values = (
        f'<span style="color:{colour}">{escape(text)}</span>' if change.is_notable else escape(text) for text in cells
    )
    return f"<tr>{_cell('td', label, False)}{''.join(_cell('td', text, True) for text in values)}</tr>"


def _cell(tag: str, content: str, is_number: bool) -> str:
    align = "text-align:right;white-space:nowrap" if is_number else "text-align:left"
    head = f"color:{SOFT};font-weight:550;font-size:12px;" if tag == "th" else ""
    style = f"{head}padding:7px 6px;border-bottom:1px solid {LINE};vertical-align:top;{align}"
    return f'<{tag} style="{style}">{content}</{tag}>'


def _heading(text: str) -> str:
    return f'<h2 style="margin:24px 0 8px;font-size:16px">{escape(text)}</h2>'


def _line(content: str) -> str:
    return f'<p style="margin:0 0 8px;padding-left:10px;border-left:3px solid {LINE};font-size:14px">{content}</p>'


def _cells(change: Change, digest: Digest) -> list[str]:
    value = figure(change.value, change.format, digest.currency)
    return [value, against(change.value, change.day_before), against(change.value, change.week_before), off_by(change)]


def _by_kind(digest: Digest) -> Iterator[tuple[str, list[Item]]]:
    for kind in HEADINGS:
        if items := [one for one in digest.items if one.kind == kind]:
            yield kind, items
