"""`millrace alerts [list] | show | ack | resolve | check | test | deliveries | retry | rules`."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.listing import AllOption, at, plain, print_list, short
from cli.output import Format, FormatOption, human_age, print_json, print_table, print_text, say
from warehouse.errors import MillraceError
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from monitoring.alerts.states import Alert
    from monitoring.alerts.store import Attempt

app = typer.Typer(help="What alert rules found, who was told, and who has taken it.")
rules = typer.Typer(help="The rules in alerts/*.yaml.")
app.add_typer(rules, name="rules")
IdsArgument = Annotated[list[str], typer.Argument(help="Their ids, or the beginnings of them.")]
NoteOption = Annotated[str, typer.Option("--note", help="What others should know.")]
SHOWN_ATTEMPTS = 50
# A digest: `millrace digest --format json`; a report: `millrace report history`.
TOLD_APART = ("events", "notes", "points", "digest", "report")


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="alerts")


@app.callback(invoke_without_command=True)
def alerts(context: typer.Context, all: AllOption = False, format: FormatOption = Format.TABLE) -> None:
    """What alert rules found, who was told, and who has taken it."""
    if context.invoked_subcommand is None:
        list_alerts(all, format)


@app.command("list")
def list_alerts(all: AllOption = False, format: FormatOption = Format.TABLE) -> None:
    """Those that are not resolved, the worst first."""
    from monitoring.alerts.acting import alerts_of

    found = alerts_of(load_settings(), all)
    print_list(
        found,
        format,
        as_json,
        ("alert", "severity", "since (UTC)", "state", "what"),
        lambda one: (_short(one), one.severity, f"{one.opened_at:%Y-%m-%d %H:%M}", _state(one), one.summary),
        none="There never was an alert." if all else "No alert is open.",
        show="millrace alerts show",
    )


@app.command()
def show(
    alert: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    format: FormatOption = Format.TABLE,
) -> None:
    """What was found, who was told and answered what, and what people said of it."""
    from monitoring.alerts.acting import alert_of

    one, attempts = alert_of(load_settings(), alert)
    if format is Format.JSON:
        print_json({**as_json(one), "deliveries": [_attempt_as_json(attempt) for attempt in attempts]})
        return
    ended = f" since {at(one.resolved_at)}: {one.resolution}" if one.resolved_at else ""
    print_text(f"Alert {_short(one)} is {one.status}{ended}.")
    print_text(f"Found:    {one.summary}")
    print_text(f"Rule:     {one.rule} ({one.kind}), severity {one.severity}")
    print_text(f"Owner:    {one.owner}; told by {', '.join(one.listeners) or 'nothing yet'}")
    print_text(f"Since:    {at(one.opened_at)}, changed last {at(one.last_found_at)}")
    if one.notes:
        print_table(("at (UTC)", "who", "note"), [(f"{n.at:%Y-%m-%d %H:%M}", n.author, n.text) for n in one.notes])
    if attempts:
        print_attempts(attempts)
    if one.next_step:
        print_text(f"To look:  {one.next_step}")
    if one.status == "open":
        print_text(f"Next: millrace alerts ack {_short(one)}")


@app.command()
def ack(alerts: IdsArgument, note: NoteOption = "", format: FormatOption = Format.TABLE) -> None:
    """Take alerts: nobody else is called any more."""
    from monitoring.alerts.acting import acknowledge

    _told(acknowledge(load_settings(), alerts, getpass.getuser(), note), "acknowledged", format)


@app.command()
def resolve(alerts: IdsArgument, note: NoteOption = "", format: FormatOption = Format.TABLE) -> None:
    """End alerts by hand: what is still so is told again only when it was over in between."""
    from monitoring.alerts.acting import resolve as resolve_alerts

    _told(resolve_alerts(load_settings(), alerts, getpass.getuser(), note), "resolved", format)


@app.command()
def check(format: FormatOption = Format.TABLE) -> None:
    """Judge every rule now and tell what is to be told, as Dagster does by itself."""
    from monitoring.alerts.evaluation import check as check_rules
    from monitoring.alerts.evaluation import complaints, in_words

    # What the channel `console` writes is no part of the JSON.
    done = check_rules(load_settings(), print_text if format is Format.TABLE else say)
    if format is Format.JSON:
        print_json(
            {
                **{"rules": done.rules, "opened": [as_json(one) for one in done.opened]},
                **{"resolved": [as_json(one) for one in done.resolved], "on": len(done.on)},
                "problems": [{"rule": rule, "problem": problem} for rule, problem in done.problems.items()],
                "mistakes": [vars(one) for one in done.mistakes],
                "delivered": vars(done.delivered),
            }
        )
    else:
        print_text(in_words(done))
        for complaint in complaints(done):
            say(complaint)
    if complaints(done):
        raise typer.Exit(1)


@app.command("test")
def test_channel(channel: Annotated[str, typer.Argument(help="As alerts/*.yaml calls it.")]) -> None:
    """Send a message that says that it is a test, and show what the channel answers."""
    from monitoring.alerts.acting import try_channel
    from monitoring.alerts.declared import load_declaration
    from monitoring.channels.message import NotDelivered

    settings = load_settings()
    try:
        answer = try_channel(settings, load_declaration(settings), channel, print_text)
    except NotDelivered as error:
        raise MillraceError(f"{channel} did not take it: {error}") from error
    print_text(f"{channel} took it: {answer}.")


@app.command()
def deliveries(
    dead: Annotated[bool, typer.Option("--dead", help="Those that were given up.")] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """The last attempts to deliver, the newest first."""
    from monitoring.alerts.acting import attempts_of
    from monitoring.alerts.deliveries import dead_letters
    from monitoring.alerts.store import connected

    settings = load_settings()
    if dead:
        with connected(settings, "to tell what was given up") as client:
            found = dead_letters(client)
    else:
        found = attempts_of(settings, SHOWN_ATTEMPTS)
    if format is Format.JSON:
        print_json([_attempt_as_json(one) for one in found])
    elif not found:
        print_text("Nothing was given up." if dead else "Nothing was ever delivered.")
    else:
        print_attempts(found)
        if dead:
            print_text("Next: millrace alerts retry")


@app.command()
def retry(
    delivery: Annotated[str, typer.Argument(help="Its id, or the beginning of it; none: all that was given up.")] = "",
) -> None:
    """Try again what was given up, from the next check on."""
    from monitoring.alerts.deliveries import try_again

    count = len(try_again(load_settings(), delivery))
    if not count:
        raise MillraceError("Nothing such was given up.", hint="`millrace alerts deliveries --dead` lists what was.")
    print_text(f"{count} {'is' if count == 1 else 'are'} tried again. Next: millrace alerts check")


@rules.command("list")
def list_rules(format: FormatOption = Format.TABLE) -> None:
    """The rules, and where they are told."""
    from monitoring.alerts.declared import load_declaration

    declared = load_declaration(load_settings())
    for mistake in declared.mistakes:
        say(str(mistake))
    found = [
        {
            **{"name": name, "kind": getattr(rule, "kind", ""), "severity": rule.severity, "owner": rule.owner},
            **{"channels": list(declared.channels_of(rule)), "description": rule.description},
            "file": declared.places["rules", name].file,
        }
        for name, rule in declared.rules.items()
    ]
    if format is Format.JSON:
        print_json(found)
    elif not found:
        print_text("No rule is declared. docs/alerts.md says how.")
    else:
        columns = ("name", "kind", "severity", "owner", "channels", "description")
        print_table(columns, [[_listed(one[name]) for name in columns] for one in found])


@rules.command()
def validate(format: FormatOption = Format.TABLE) -> None:
    """Every mistake in alerts/*.yaml; names of metrics and dimensions too, where something was built."""
    from monitoring.alerts.evaluation import counted
    from monitoring.alerts.validating import mistakes_of, remarks_on

    settings = load_settings()
    declared, mistakes = mistakes_of(settings)
    remarks = remarks_on(settings, declared)
    if format is Format.JSON:
        print_json(
            {
                **{"rules": len(declared.rules), "channels": len(declared.channels)},
                "mistakes": [vars(one) for one in mistakes],
                "remarks": remarks,
            }
        )
    else:
        for one in mistakes:
            print_text(str(one))
        if not mistakes:
            channels = counted(len(declared.channels), "channel")
            print_text(f"No mistake in {counted(len(declared.rules), 'rule')} and {channels}.")
        for remark in remarks:
            print_text(f"Remark: {remark}")
    if mistakes:
        raise typer.Exit(1)


def print_attempts(attempts: Sequence[Attempt]) -> None:
    print_table(
        ("at (UTC)", "delivery", "event", "channel", "status", "answer"),
        [
            (
                *(f"{one.attempted_at:%m-%d %H:%M:%S}", short(one.delivery_id), one.event, one.channel),
                *(f"{one.status} ({one.attempt})", one.answer),
            )
            for one in attempts
        ],
    )


def as_json(one: Alert) -> dict[str, Any]:
    own = {name: plain(value) for name, value in vars(one).items() if name not in TOLD_APART}
    return {
        **own,
        "events": [{name: plain(value) for name, value in event._asdict().items()} for event in one.events],
        "notes": [{name: plain(value) for name, value in note._asdict().items()} for note in one.notes],
        "points": [point._asdict() for point in one.points],
    }


def _attempt_as_json(one: Attempt) -> dict[str, Any]:
    return {name: plain(value) for name, value in vars(one).items()}


def _told(changed: Sequence[Alert], what: str, format: Format) -> None:
    if format is Format.JSON:
        print_json([as_json(one) for one in changed])
        return
    for one in changed:
        age = (one.last_found_at - one.opened_at).total_seconds()
        print_text(f"{_short(one)} is {what}: {one.summary}{f' (on for {human_age(age)})' if age > 0 else ''}")


def _state(one: Alert) -> str:
    return one.status if one.told_at or one.status != "open" else "open, not told yet"


def _short(one: Alert) -> str:
    return short(one.alert_id)


def _listed(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value
