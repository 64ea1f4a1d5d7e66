"""What is still to be told follows from the alerts and from what was told already, so a crash loses nothing.

Each attempt is written down before and after: one that broke off is made again. So all is told at least once; what
was sent and not written down any more is sent again, by the same id.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitoring.alerts.declared import Declaration
from monitoring.alerts.states import Alert
from monitoring.alerts.store import (
    Attempt,
    alone,
    connected,
    read_alerts,
    read_attempts,
    server_now,
    write_attempts,
)
from monitoring.channels.message import Message, NotDelivered, Outside
from monitoring.channels.recipients import REFUSED, TAKEN, for_the_rest, people_of, who_has_it
from monitoring.channels.sending import ONE_BY_ONE, WANT_TO_KNOW_WHO_TOOK_IT, send
from monitoring.reports.notices import kept_files
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Seconds until the next attempt; after the last one it is given up.
DELAYS = (1, 4, 60, 300, 1800)
# Whoever delivers waits so long for the next attempt; later ones are made by who delivers next.
PATIENCE_SECONDS = 5
REMEMBERED_DAYS = 7  # what could not be told for so long is no news
OPEN_ENDED = ("sending", "failed", "again")


@dataclass(frozen=True)
class Delivery:
    delivery_id: uuid.UUID
    alert: Alert
    event: str
    channel: str
    number: int  # of the event, among those of its alert
    last: Attempt | None = None
    tries: int = 0  # since somebody asked for another round

    def due_at(self, now: datetime) -> datetime:
        return self.last.next_attempt_at if self.last and self.last.next_attempt_at else now


@dataclass
class Delivered:
    sent: int = 0
    failed: int = 0  # tried again later
    dead: int = 0


def deliver(
    settings: Settings,
    declared: Declaration,
    tell: Callable[[str], None],
    delays: Sequence[float] = DELAYS,
    outside: Outside | None = None,
) -> Delivered:
    """Tell what is to be told, the channels beside each other: one that does not answer keeps no other waiting."""
    outside = outside or Outside(tuple(settings.alert_targets_listed), tell, files=kept_files(settings))
    done = Delivered()
    with alone(settings, "alert_deliveries"), connected(settings, "to deliver alerts") as client:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            now = server_now(client)
            waiting = list(undelivered(client, now))
            due = [one for one in waiting if one.due_at(now) <= now]
            _round(client, declared, due, now, delays, outside, done)
            later = [one.due_at(now) for one in undelivered(client, now)]
            if not later:
                return done
            wait = max((min(later) - server_now(client)).total_seconds(), 0.0)
            if time.monotonic() + wait > until:
                return done
            time.sleep(wait)


def undelivered(client: Client, now: datetime) -> Iterator[Delivery]:
    """In the order in which they came to be; what is told of an alert later waits for what is told first."""
    since = now - timedelta(days=REMEMBERED_DAYS)
    then = f"fromUnixTimestamp64Milli({int(since.timestamp() * 1000)}, 'UTC')"
    # What somebody asks for by hand is sent, however old it is.
    asked_for = f"SELECT alert_id FROM ops.alert_deliveries WHERE status = 'again' AND attempted_at > {then}"
    recent = f"arrayExists(e -> e.at > {then}, events) OR alert_id IN ({asked_for})"
    alerts = read_alerts(client, f"WHERE {recent} ORDER BY opened_at, alert_id")
    attempts: dict[uuid.UUID, list[Attempt]] = defaultdict(list)
    ids = [str(alert.alert_id) for alert in alerts]
    for attempt in read_attempts(client, "WHERE has({ids:Array(UUID)}, alert_id) ORDER BY attempt", ids=ids):
        attempts[attempt.delivery_id].append(attempt)
    for alert in alerts:
        waits: set[str] = set()
        for number, event in enumerate(alert.events):
            for channel in event.channels:
                id = uuid.uuid5(alert.alert_id, json.dumps([number, event.what, channel]))
                made = attempts[id]
                again = next((one for one in reversed(made) if one.status == "again"), None)
                is_news = event.at > since or (again is not None and again.attempted_at > since)
                if channel in waits or (made and made[-1].status not in OPEN_ENDED) or not is_news:
                    continue
                waits.add(channel)
                tries = sum(1 for one in made if one.attempt > (again.attempt if again else 0))
                yield Delivery(id, alert, event.what, channel, number, made[-1] if made else None, tries)


def _round(
    client: Client,
    declared: Declaration,
    due: Sequence[Delivery],
    now: datetime,
    delays: Sequence[float],
    outside: Outside,
    done: Delivered,
) -> None:
    by_channel: dict[str, list[list[Delivery]]] = defaultdict(list)
    for together in travelling_together(due, declared):
        by_channel[together[0].channel].append(together)
    work = _Work(declared, now, delays, outside)
    with ThreadPoolExecutor(max_workers=max(len(by_channel), 1)) as pool:
        # First all: what breaks off from here on is known to have been begun.
        begun = [work.begun(one, group) for groups in by_channel.values() for group in groups for one in group]
        write_attempts(client, begun)
        sending = [pool.submit(work.send_all, channel, groups) for channel, groups in by_channel.items()]
        for sent in as_completed(sending):  # what is sent is written down, however slow another channel is
            attempts = sent.result()
            write_attempts(client, attempts)
            for attempt in attempts:
                done.sent += attempt.status == "sent"
                done.failed += attempt.status == "failed"
                done.dead += attempt.status == "dead"


def travelling_together(due: Sequence[Delivery], declared: Declaration) -> list[list[Delivery]]:
    """What is one message: the same event of one rule to one channel, where rule and channel let it. What was tried as
    one message is tried as the same one again: nothing joins it."""
    groups: dict[tuple[str, ...], list[Delivery]] = defaultdict(list)
    for one in due:
        if one.last:
            groups[one.channel, str(one.last.message_id), str(sorted(one.last.recipients.items()))].append(one)
            continue
        rule, channel = declared.rules.get(one.alert.rule), declared.channels.get(one.channel)
        alone = not one.alert.is_alert or (rule and rule.group == "alert") or (channel and channel.kind in ONE_BY_ONE)
        groups[one.channel, one.event, one.alert.rule, str(one.delivery_id) if alone else ""].append(one)
    return list(groups.values())


def message_id_of(deliveries: Sequence[Delivery]) -> uuid.UUID:
    """The same in each try: who takes it twice may leave the second one out."""
    if last := deliveries[0].last:
        return last.message_id
    return uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(sorted(str(one.delivery_id) for one in deliveries)))


@dataclass
class _Work:
    declared: Declaration
    now: datetime
    delays: Sequence[float]
    outside: Outside

    def begun(self, one: Delivery, group: Sequence[Delivery]) -> Attempt:
        channel = self.declared.channels.get(one.channel)
        return Attempt(
            delivery_id=one.delivery_id,
            attempt=one.last.attempt + 1 if one.last else 1,
            message_id=message_id_of(group),
            alert_id=one.alert.alert_id,
            event=one.event,
            channel=one.channel,
            kind=channel.kind if channel else "",
            status="sending",
            attempted_at=self.now,
            recipients=one.last.recipients if one.last else {},
        )

    def send_all(self, channel: str, groups: Sequence[Sequence[Delivery]]) -> list[Attempt]:
        found: list[Attempt] = []
        broken = ""
        for group in groups:
            attempts, failed = self._send(channel, group, broken)
            found += attempts
            broken = broken or failed
        return found

    def _send(self, name: str, group: Sequence[Delivery], broken: str) -> tuple[list[Attempt], str]:
        """`broken`: why this channel cannot be had now; then it is not tried once more for each message."""
        channel, begun = self.declared.channels.get(name), time.monotonic()
        attempted_at, recipients = datetime.now(UTC), dict(group[0].last.recipients) if group[0].last else {}
        failed, final, retry_after, is_away, answer = broken, False, 0.0, bool(broken), ""
        if channel is None:
            # One whose declaration has a mistake may be there again in a minute.
            final = not self.declared.may_have("channels", name)
            failed = "There is no such channel any more." if final else "The declaration of the channel has a mistake."
        elif self._nobody_asked(group[0].event, channel.kind):
            answer = "this kind of channel is not told who took it"
        elif (rest := for_the_rest(channel, recipients)) is None:
            answer = "nobody is left whom it is to go to"
        elif not broken:
            try:
                answer = send(
                    rest, Message(message_id_of(group), group[0].event, [one.alert for one in group]), self.outside
                )
                recipients |= dict.fromkeys(people_of(rest), TAKEN)
            except NotDelivered as error:
                failed, final, retry_after = str(error), error.final, error.retry_after
                is_away = error.is_away
                if recipients and not error.recipients:  # of the whole message, which is for them alone
                    failed = f"Not for {', '.join(people_of(rest))}: {failed}"
                recipients |= error.recipients
        refused = [one for one in (people_of(channel) if channel else ()) if recipients.get(one) == REFUSED]
        if refused and not failed:
            failed, final = f"{answer}; {', '.join(refused)} refused it before.", True
        seconds = time.monotonic() - begun
        attempts = []
        for one in group:
            attempt = replace(
                self.begun(one, group),
                seconds=seconds,
                attempted_at=attempted_at,
                answer=failed or answer,
                recipients=recipients,
            )
            attempts.append(self._judged(attempt, one, bool(failed), final, retry_after))
        return attempts, failed if is_away else ""

    def _judged(self, attempt: Attempt, one: Delivery, failed: bool, final: bool, retry_after: float) -> Attempt:
        if not failed:
            return replace(attempt, status="sent")
        if final or one.tries >= len(self.delays):
            return replace(attempt, status="dead")
        wait = timedelta(seconds=max(self.delays[one.tries], retry_after))
        return replace(attempt, status="failed", next_attempt_at=datetime.now(UTC) + wait)

    @staticmethod
    def _nobody_asked(event: str, kind: str) -> bool:
        return event == "acknowledged" and kind not in WANT_TO_KNOW_WHO_TOOK_IT


def try_again(settings: Settings, delivery: str = "") -> list[Attempt]:
    """Dead letters, one or all of them, are due once more."""
    with alone(settings, "alert_deliveries"), connected(settings, "to repeat deliveries") as client:
        now = server_now(client)
        dead = dead_letters(client, delivery)
        again = [
            replace(
                one,
                attempt=one.attempt + 1,
                status="again",
                attempted_at=now,
                seconds=0.0,
                answer="by hand",
                recipients=who_has_it(one.recipients),
            )
            for one in dead
        ]
        write_attempts(client, again)
        return again


def dead_letters(client: Client, delivery: str = "") -> list[Attempt]:
    return read_attempts(
        client,
        "WHERE (delivery_id, attempt) IN (SELECT delivery_id, attempts FROM ops.alert_dead_letters) "
        "AND startsWith(toString(delivery_id), {id:String}) ORDER BY attempted_at DESC",
        id=delivery.lower(),
    )
