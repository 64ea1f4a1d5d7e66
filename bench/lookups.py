"""Lookup tables per distinct value beside describing every row (decision 008).

python -m bench.lookups [EVENTS]
"""

from __future__ import annotations

import sys
import time

from bench.harness import median_seconds, report, server
from ingestion.enrichment.lookups import fill_lookups
from ingestion.enrichment.user_agents import parse_user_agent
from tests.macros import dbt_macros

EVENTS = 500_000
AGENTS = 50
PARSED = 200
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"


def seconds(action: object) -> float:
    begun = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - begun


def main(events: int) -> None:
    with server() as instance:
        client = instance.client()
        before, after = AGENT.split("{}")
        client.command(
            "INSERT INTO raw.events (project_id, event_id, event, timestamp, received_at, context) "
            "SELECT 'demo', toString(number), 'page_viewed', toDateTime64('2026-03-01', 3, 'UTC'), now64(3), "
            "toJSONString(map('user_agent', concat({before:String}, toString(100 + number % {agents:UInt32}), "
            "{after:String}), 'page.url', concat('https://shop.example/p/', toString(number), "
            "'?utm_source=news&utm_campaign=may&gclid=', toString(number)))) FROM numbers({events:UInt64})",
            parameters={"before": before, "after": after, "agents": AGENTS, "events": events},
        )
        first = seconds(lambda: fill_lookups(client))
        again = seconds(lambda: fill_lookups(client))
        agents = [AGENT.format(number) for number in range(PARSED)]
        parse_user_agent(agents[0])  # the rules are read once
        parsed = seconds(lambda: [parse_user_agent(agent) for agent in agents]) / PARSED
        plain = "SELECT {} FROM raw.events {} FORMAT Null"
        agent, url = "toString(context.user_agent)", "toString(context.page.url)"
        join = "INNER JOIN raw.user_agents AS described ON described.user_agent = context.user_agent"
        reading = median_seconds(lambda: client.command(plain.format(agent, "")))
        joined = median_seconds(lambda: client.command(plain.format(f"{agent}, described.browser_family", join)))
        url_read = median_seconds(lambda: client.command(plain.format(url, "")))
        web = dbt_macros("web.sql")
        names = [web.url_parameter(url, f"utm_{name}") for name in ("source", "medium", "campaign", "term", "content")]
        names += [web.host_of(url), web.click_id(url, "network"), web.click_id(url, "medium")]
        url_parts = median_seconds(lambda: client.command(plain.format(", ".join(names), "")))
        found = (
            ("fill, all user agents new", first),
            ("fill, nothing new", again),
            ("join of the lookup", joined - reading),
            ("parts and campaigns of URLs", url_parts - url_read),
            ("every row by Python (from a sample)", parsed * events),
        )
        report(
            "lookups",
            f"{events:,} events with {AGENTS} user agents; {1000 * parsed:.2f} ms to describe one in Python",
            ("what", "seconds", "part of every row by Python"),
            [(name, taken, round(taken / (parsed * events), 4)) for name, taken in found],
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
