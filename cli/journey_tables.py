"""Answers to journeys, for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cli.output import console, print_fitting, print_sentence, print_text

if TYPE_CHECKING:
    from rich.table import Table

    from semantic_layer.journeys.models import Funnel, Journey, Lifecycle, Paths, Retention, Stickiness

BAR = 8
SHOWN_VALUES = 20  # of a breakdown; JSON has more
LARGEST_COHORT = 9  # characters of its number of people
# From pale to strong, readable on dark and on light; a figure stands on each.
SHADES = ("grey93", "light_cyan1", "pale_turquoise1", "sky_blue1", "steel_blue1", "dodger_blue2")

Answer = dict[str, Any]


def show(journey: Journey, answer: Answer) -> None:
    from semantic_layer.journeys.models import Funnel, Lifecycle, Paths, Retention, Stickiness

    match journey:
        case Funnel():
            _funnel(journey, answer)
        case Retention():
            _retention(journey, answer)
        case Lifecycle():
            _lifecycle(journey, answer)
        case Stickiness():
            _stickiness(journey, answer)
        case Paths():
            _paths(journey, answer)


def _funnel(funnel: Funnel, answer: Answer) -> None:
    orders = {"ordered": "in this order", "strict": "with nothing in between", "unordered": "in any order"}
    without = "".join(f", without {e.step} between steps {e.after} and {e.before}" for e in funnel.exclusions)
    within = duration(funnel.within_seconds)
    print_sentence(
        f"Funnel of {len(funnel.steps)} steps {orders[funnel.order]} within {within}{without}; "
        f"first step {_days(funnel)}; project {funnel.project}."
    )
    if funnel.order == "unordered":
        print_sentence(f"Steps: {', '.join(str(step) for step in funnel.steps)}.")
    # What is read first stays: without room for names the bars go, then the mean.
    whole = ("step", "users>", "of first>", "", "of prev.>", "lost>", "mean>", "median>")
    print_fitting(
        *(_steps(answer, [name for name in whole if name not in left]) for left in ((), ("",), ("", "mean>")))
    )
    if answer["breakdown"]:
        _breakdown(funnel, answer["breakdown"])
    if answer["histogram"]:
        _histogram(answer["histogram"])
    elif funnel.histogram:
        print_text("Nobody took all steps, so there is no histogram.")
    if answer["trend"]:
        print_text(f"By the {funnel.trend} of the first step:")
        table = _table(str(funnel.trend), "entered>", "converted>", "rate>", "")
        for row in answer["trend"]:
            table.add_row(
                row["period"], f"{row['entered']:,}", f"{row['converted']:,}", percent(row["rate"]), bar(row["rate"])
            )
        console().print(table)


def _steps(answer: Answer, columns: Sequence[str]) -> Table:
    table = _table(*columns)
    for step in answer["steps"]:
        is_later = step["step"] > 1
        cells = {
            "step": _plain(f"{step['step']} {step['name']}"),
            "users>": f"{step['users']:,}",
            "of first>": percent(step["from_start"]),
            "": bar(step["from_start"]),
            "of prev.>": percent(step["from_previous"]) if is_later else "",
            "lost>": f"{step['drop_off']:,}" if is_later else "",
            "mean>": duration(step["mean_seconds"]),
            "median>": duration(step["median_seconds"]),
        }
        table.add_row(*(cells[name] for name in columns))
    return table


def _breakdown(funnel: Funnel, parts: Sequence[Answer]) -> None:
    print_text(f"By {funnel.by}:")
    table = _table(str(funnel.by), *(f"step {k}>" for k in range(1, len(funnel.steps) + 1)), "of first>", "")
    for part in parts[:SHOWN_VALUES]:
        last = part["steps"][-1]["from_start"]
        users = (f"{step['users']:,}" for step in part["steps"])
        table.add_row(_plain(part["value"] or "(none)"), *users, percent(last), bar(last))
    console().print(table)
    _say_more(len(parts))


def _histogram(bins: Sequence[Answer]) -> None:
    print_text("From the first to the last step:")
    most = max(one["users"] for one in bins)
    table = _table("from>", "to>", "users>", "")
    for one in bins:
        table.add_row(
            duration(one["from_seconds"]), duration(one["to_seconds"]), f"{one['users']:,}", bar(one["users"] / most)
        )
    console().print(table)


def _retention(retention: Retention, answer: Answer) -> None:
    kinds = {
        "recurring": f"each {retention.period} with {retention.start}",
        "first_time": f"the first {retention.period} with {retention.start} in the range",
        "first_ever": f"the first {retention.period} with {retention.start} of all",
    }
    modes = {"on": "in that", "on_or_after": "in that or a later"}
    least = f" {retention.min_occurrences} times" if retention.min_occurrences > 1 else ""
    until = f"; cohorts until {retention.cohorts_until}" if retention.cohorts_until else ""
    print_sentence(
        f"Retention: members by {kinds[retention.kind]}, back with {retention.returning}{least} "
        f"{modes[retention.mode]} {retention.period}{until}; {_days(retention)}; project {retention.project}."
    )
    if not answer["cohorts"]:
        print_text("Nobody.")
        return
    _heat(retention, answer["cohorts"])
    parts = answer.get("breakdown", [])
    for part in parts[:SHOWN_VALUES]:
        print_text(f"{retention.by}: {part['value'] or '(none)'}")
        _heat(retention, part["cohorts"])
    _say_more(len(parts))


def _heat(retention: Retention, cohorts: Sequence[Answer]) -> None:
    from rich.text import Text

    furthest = max(len(cohort["returned"]) for cohort in cohorts)
    # A date, people, and then a share each, with two characters between them.
    fitting = (console().width - len("2026-01-01") - 2 - LARGEST_COHORT) // (len("100%") + 2)
    shown = min(furthest, fitting)
    table = _table(str(retention.period), "people>", *(f"{far}>" for far in range(1, shown + 1)))
    for cohort in cohorts:
        cells = []
        for count in cohort["returned"][:shown]:
            rate = count / cohort["size"] if cohort["size"] else 0.0
            shade = SHADES[min(int(rate * len(SHADES)), len(SHADES) - 1)]
            cells.append(Text(f"{rate:.0%}", style=f"black on {shade}"))
        table.add_row(Text(cohort["period"], no_wrap=True), f"{cohort['size']:,}", *cells)
    console().print(table)
    if shown < furthest:
        print_text(f"The first {shown} of {furthest} intervals; a wider terminal or --format json has more.")


def _lifecycle(lifecycle: Lifecycle, answer: Answer) -> None:
    print_sentence(
        f"Lifecycle by {lifecycle.period}, active with {lifecycle.event}; {_days(lifecycle)}; "
        f"project {lifecycle.project}."
    )
    table = _table(str(lifecycle.period), "new>", "returning>", "resurrecting>", "dormant>", "active>")
    for row in answer["periods"]:
        active = row["new"] + row["returning"] + row["resurrecting"]
        table.add_row(
            row["period"],
            *(f"{row[name]:,}" for name in ("new", "returning", "resurrecting")),
            f"{-row['dormant']:,}",
            f"{active:,}",
        )
    console().print(table)


def _stickiness(stickiness: Stickiness, answer: Answer) -> None:
    print_sentence(
        f"Stickiness: on how many days people were active with {stickiness.event}; {_days(stickiness)}; "
        f"project {stickiness.project}."
    )
    people = sum(row["users"] for row in answer["days"])
    table = _table("days>", "people>", "share>", "")
    for row in answer["days"]:
        share = row["users"] / people
        table.add_row(f"{row['days']:,}", f"{row['users']:,}", percent(share), bar(share))
    console().print(table)


def _paths(paths: Paths, answer: Answer) -> None:
    where, end = ("after", "(session ends)") if paths.direction == "next" else ("before", "(session begins)")
    print_sentence(
        f"What {answer['sessions']:,} sessions did {where} {paths.event}; {_days(paths)}; project {paths.project}."
    )
    with_bars = _table("step>", "from", "to", "sessions>", "share>", "")
    without = _table("step>", "from", "to", "sessions>", "share>")
    for edge in answer["edges"]:
        names = (_plain(edge["from"]), _plain(edge["to"] or end))
        cells = (str(edge["step"]), *names, f"{edge['sessions']:,}", percent(edge["share"]))
        with_bars.add_row(*cells, bar(edge["share"]))
        without.add_row(*cells)
    print_fitting(with_bars, without)
    arrow = " → " if paths.direction == "next" else " ← "
    table = _table("path", "sessions>", "share>")
    for path in answer["paths"]:
        table.add_row(_plain(arrow.join(path["path"])), f"{path['sessions']:,}", percent(path["share"]))
    console().print(table)


def _table(*columns: str) -> Table:
    """Columns whose name ends with > are numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, collapse_padding=True)
    for column in columns:
        number = column.endswith(">")
        # Figures and bars are never cut or folded, names are.
        table.add_column(
            column.removesuffix(">"),
            justify="right" if number else "left",
            no_wrap=number or not column,
            overflow="fold",
        )
    return table


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _say_more(values: int) -> None:
    if values > SHOWN_VALUES:
        print_text(f"The {SHOWN_VALUES} largest of {values:,}; --format json has more.")


def _days(journey: Journey) -> str:
    if journey.first_day and journey.last_day:
        return f"from {journey.first_day} to {journey.last_day}"
    if journey.first_day or journey.last_day:
        return f"from {journey.first_day}" if journey.first_day else f"to {journey.last_day}"
    return "at any time"


def bar(share: float) -> str:
    """Eighths of a character: small differences show."""
    eighths = round(min(max(share, 0.0), 1.0) * BAR * 8)
    full, part = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")


def percent(share: float) -> str:
    return f"{share:.1%}"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    units: Iterable[tuple[int, str]] = ((86400, "d"), (3600, "h"), (60, "min"))
    for size, unit in units:
        if seconds >= size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.3g} s"
