"""What `millrace --help` says of each command, so that telling it imports none of them. A test holds it to what they
say themselves."""

from __future__ import annotations

FIRST_LINES = {
    "demo": "The whole stack on this machine, filled with a simulated world; then what to open.",
    "up": "Start the local services (none with your own ClickHouse) and bring the schema to the newest version.",
    "down": "Stop the local services; waits until all files are closed.",
    "status": "Health, ports, sizes and freshness. Exit code 1 unless everything runs.",
    "load": "Load events into raw, each file once; what is rejected is kept with its reason.",
    "build": (
        "Bring the models up to date with raw: only the days that changed are made anew, and those of --from and --to."
    ),
    "reconcile": "Compare tables that are built in parts with what a full build would make, on a sample of days.",
    "dbt": "dbt itself, on your warehouse: millrace dbt run --select fct_events.",
    "ask": (
        "A question in words: a number or table, a sentence, a chart. What is not understood is refused, never guessed."
    ),
    "expectations": "What is expected of the tables (expectations/suites), judged by Great Expectations.",
    "dagster": (
        "Start Dagster, its UI and what runs by itself, until Ctrl-C: the same as `dagster dev` with its storage kept."
    ),
    "bi": "Superset: dashboards of the marts, kept in dashboards/*.yaml.",
    "funnel": "How many people take each of some steps.",
    "retention": "How many people come back, by the period in which they began.",
    "lifecycle": "Who is new, returning, resurrecting or gone dormant, by period.",
    "stickiness": "On how many days people were active.",
    "paths": "What people do after an event, or before it, within the session.",
    "quality": "How good the data is: a score of each table and project, and what cost it points.",
    "incidents": "Blocking checks that fail: since when, what they keep back, what to do.",
    "alerts": "What alert rules found, who was told, and who has taken it.",
    "digest": "What changed on a day, why, and what to look at.",
    "report": "Saved sets of metrics and journeys as files, or sent (docs/reports.md).",
    "impact": (
        "What a change of a model, or of one of its columns, would reach: models, tests, metrics, charts, monitors."
    ),
    "slow-queries": "Queries that took a second or more, what they read, and what would help.",
    "plan": (
        "Disk, memory, shards and time that so many events need, reckoned from what this warehouse measured of itself."
    ),
    "lifetime": "What customers are worth: what they paid, what is expected of them, what they cost to win.",
    "segments": "Groups of users who behave alike.",
    "metrics-exporter": (
        "Figures for Prometheus at /metrics, until Ctrl-C: events, builds, checks, freshness, quality, queries."
    ),
    "metrics": "Metrics: what can be asked, and asking it (docs/semantic-layer.md).",
    "sql": "A query of your own on the marts, as the analyst: read-only, and within the limits of that role.",
    "models": "The versions of each model: which is the champion, how good it is, and why others are not.",
    "train": "Train models, judge each beside its champion, and promote what is better. Exit code 1 where one fails.",
    "evaluate": (
        "How good the champions are on the newest days whose outcome is known, and what has drifted since the training."
    ),
    "promote": "Make a version the champion, whatever the gate said of it.",
    "rollback": "Back to the champion before this one.",
    "predict": "Write down what the champions say: marts.pred_* have it. Exit code 1 where one cannot be asked.",
    "explain": "What all models say of one person, and why, where a model says so.",
    "serve": (
        "Predictions over HTTP, until Ctrl-C; each project asks with a key of its own. Its documentation is at /docs."
    ),
    "detect": "Find what is unusual in a series; each point is judged by itself and the points before it.",
    "monitor": "Watched metrics, and what they did that was not to be expected.",
    "forecast": "What metrics are expected to be, and how large the warehouse.",
    "config": "Every setting with its value and where that came from; secrets are masked.",
    "migrate": (
        "Bring the schema of raw to the newest version, and projects, event types and other sources into the warehouse."
    ),
    "backup": "Backups of the warehouse, into a folder or an object store, and back.",
    "events": "The event types you have registered, and events checked against them.",
    "sources": "What other systems hand over: customers, invoices, spend, and what you add.",
    "projects": "Your projects (tenants), declared in projects.yaml.",
    "access": "Who may do what in ClickHouse, declared in access.yaml.",
}
PANELS = {
    "Questions": (
        "ask",
        "metrics",
    ),
    "Journeys": (
        "funnel",
        "retention",
        "lifecycle",
        "stickiness",
        "paths",
        "sql",
    ),
}
