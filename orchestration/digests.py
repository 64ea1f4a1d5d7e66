"""The digest of the day, as a job of its own: it makes no asset, and nothing waits for it."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

import dagster as dg

from orchestration.infrastructure import ALONE, POOL, RETRIES, retried_where_the_infrastructure_failed
from warehouse.settings import load_settings


@dg.op(
    pool=POOL,
    retry_policy=RETRIES,
    required_resource_keys=ALONE,
    description="What changed, why, and what to look at: to whom alerts/*.yaml names.",
)
def digests_sent(context: dg.OpExecutionContext) -> None:
    from monitoring.alerts.declared import load_declaration
    from monitoring.digest.sending import send_digests

    settings = load_settings()
    with retried_where_the_infrastructure_failed():
        declared = load_declaration(settings)
        if not declared.digests:
            context.log.info("No digest is declared in alerts/*.yaml.")
            return
        # What no channel took is tried again by the sensor of alerts.
        sent, done = send_digests(settings, declared, context.log.info)
    for one in sent:
        context.log.info(f"{one.name} of {one.project} on {one.day}{'' if one.is_new else ' was sent before'}")
    context.log.info(f"{done.sent} delivered, {done.failed} to be tried again, {done.dead} given up.")


@dg.job(description="What changed on the last day that is over, sent to whom it concerns.")
def digests() -> None:
    digests_sent()
