"""The scorecard as a page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from warehouse.observability.scoring import rounded

DIMENSIONS = ("completeness", "validity", "uniqueness", "timeliness", "consistency")
GOOD, FAIR = 98.0, 90.0
STYLE = """
:root { --ink: #1d2733; --soft: #5d6b7a; --line: #e3e8ee; --ground: #f6f8fa; --card: #fff;
  --good: #137a4b; --good-ground: #e3f4ea; --fair: #8a5a00; --fair-ground: #fdf1d6; --poor: #b02a1d;
  --poor-ground: #fde7e4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #9aa8b6; --line: #2c3743; --ground: #12181f;
  --card: #1a222b; --good: #6fd6a1; --good-ground: #153527; --fair: #f0c36a; --fair-ground: #3a2e12; --poor: #ff9d90;
  --poor-ground: #44201b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 36px 0 12px; }
p { margin: 0; color: var(--soft); } code { font: 13px ui-monospace, monospace; }
.head { display: flex; gap: 28px; align-items: center; flex-wrap: wrap; }
.ring { width: 132px; height: 132px; flex: none; }
.ring text { font-weight: 650; font-size: 30px; fill: var(--ink); text-anchor: middle; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 16px; }
.card, .next { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; }
.card b { font-size: 26px; font-weight: 650; } .card h3 { margin: 0; font-size: 15px; }
.bar { display: grid; grid-template-columns: 104px 1fr 44px; gap: 10px; align-items: center; font-size: 13px;
  margin-top: 6px; }
.bar i { display: block; height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; }
.bar i s { display: block; height: 100%; background: currentColor; border-radius: 4px; }
.bar span:last-child { text-align: right; font-variant-numeric: tabular-nums; }
.next { margin-top: 20px; }
.wrap { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: 8px 9px; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; color: var(--soft); font-weight: 550; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.good { color: var(--good); } .fair { color: var(--fair); } .poor { color: var(--poor); }
td.good { background: var(--good-ground); } td.fair { background: var(--fair-ground); }
td.poor { background: var(--poor-ground); }
.spark { width: 100%; height: 120px; } .spark path { fill: none; stroke: var(--good); stroke-width: 2; }
.spark line { stroke: var(--line); } .spark text { fill: var(--soft); font-size: 11px; }
.spark circle { fill: var(--good); }
"""


def page(card: dict[str, Any]) -> str:
    about = card["asset"] or card["project"] or "all tables"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Data quality of {escape(about)}</title><style>{STYLE}</style></head><body><main>"
        + "".join(_parts(card, about))
        + "</main></body></html>\n"
    )


def _parts(card: dict[str, Any], about: str) -> Iterator[str]:
    yield f'<div class="head">{_ring(card["score"])}<div><h1>Data quality of {escape(about)}</h1>'
    yield f"<p>{escape(card['day'])} (UTC), 0 to 100, the mean of what was measured.</p></div></div>"
    if card["score"] is None:
        yield '<p class="next">Nothing was measured yet. Next: <code>millrace build</code></p>'
        return
    yield f'<div class="next"><p>Next step</p><code>{escape(card["next_step"])}</code></div>'
    if card["projects"]:
        yield f'<h2>Projects</h2><div class="cards">{"".join(map(_card, card["projects"]))}</div>'
    costs = [(one, cost) for one in card["assets"] for cost in one["costs"]]
    costs.sort(key=lambda pair: -pair[1]["points"])
    yield "<h2>What cost points</h2>"
    yield (
        _table(("-points", "table", "project", "dimension", "because"), (_cost(one, cost) for one, cost in costs))
        if costs
        else "<p>Nothing.</p>"
    )
    if len(card["history"]) > 1:
        yield f"<h2>Day by day</h2>{_history(card['history'])}"
    yield "<h2>Tables</h2>"
    yield _table(("table", "project", "-score", *(f"-{name}" for name in DIMENSIONS)), map(_asset, card["assets"]))


def _grade(score: float) -> str:
    return "good" if score >= GOOD else "fair" if score >= FAIR else "poor"


def _ring(score: float | None) -> str:
    around = 2 * 3.14159 * 54
    if score is None:
        return ""
    return (
        f'<svg class="ring {_grade(score)}" viewBox="0 0 132 132" role="img" aria-label="{rounded(score, 1)} of 100">'
        '<circle cx="66" cy="66" r="54" fill="none" stroke="var(--line)" stroke-width="12"/>'
        '<circle cx="66" cy="66" r="54" fill="none" stroke="currentColor" stroke-width="12" stroke-linecap="round" '
        f'stroke-dasharray="{around * score / 100:.1f} {around:.1f}" transform="rotate(-90 66 66)"/>'
        f'<text x="66" y="76">{rounded(score, 1)}</text></svg>'
    )


def _card(one: dict[str, Any]) -> str:
    bars = "".join(
        f'<div class="bar {_grade(value)}"><span>{name}</span><i><s style="width:{value:.1f}%"></s></i>'
        f"<span>{rounded(value, 1)}</span></div>"
        for name, value in one["dimensions"].items()
    )
    return (
        f'<div class="card"><h3>{escape(one["project"])}</h3>'
        f'<b class="{_grade(one["score"])}">{rounded(one["score"], 1)}</b>{bars}</div>'
    )


def _table(columns: tuple[str, ...], rows: Iterator[str]) -> str:
    heads = "".join(
        f'<th class="n">{name[1:]}</th>' if name.startswith("-") else f"<th>{name}</th>" for name in columns
    )
    return f'<div class="wrap"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _cost(one: dict[str, Any], cost: dict[str, Any]) -> str:
    because = escape(cost["check"]) + (f"<br>{escape(cost['message'])}" if cost["message"] else "")
    return (
        f'<tr><td class="n">−{cost["points"]:.1f}</td><td><code>{escape(one["asset"])}</code></td>'
        f"<td>{escape(one['project'])}</td><td>{cost['dimension']}</td><td>{because}</td></tr>"
    )


def _asset(one: dict[str, Any]) -> str:
    cells = "".join(
        f'<td class="n {_grade(one["dimensions"][name])}">{rounded(one["dimensions"][name], 1)}</td>'
        if name in one["dimensions"]
        else '<td class="n">–</td>'
        for name in DIMENSIONS
    )
    return (
        f"<tr><td><code>{escape(one['asset'])}</code></td><td>{escape(one['project'])}</td>"
        f'<td class="n {_grade(one["score"])}">{rounded(one["score"], 1)}</td>{cells}</tr>'
    )


def _history(history: list[dict[str, Any]]) -> str:
    lowest = min(one["score"] for one in history)
    floor = max(lowest - 2, 0.0)
    points = [
        (40 + 940 * number / (len(history) - 1), 100 - 90 * (one["score"] - floor) / (100 - floor or 1))
        for number, one in enumerate(history)
    ]
    path = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{one["day"]}: {rounded(one["score"], 1)}</title></circle>'
        for (x, y), one in zip(points, history, strict=True)
    )
    return (
        '<div class="card"><svg class="spark" viewBox="0 0 1000 120" preserveAspectRatio="none">'
        '<line x1="40" y1="10" x2="980" y2="10"/><line x1="40" y1="100" x2="980" y2="100"/>'
        f'<text x="4" y="14">100</text><text x="4" y="104">{floor:.0f}</text><path d="{path}"/>{dots}'
        f'<text x="40" y="117">{history[0]["day"]}</text>'
        f'<text x="980" y="117" text-anchor="end">{history[-1]["day"]}</text></svg></div>'
    )
