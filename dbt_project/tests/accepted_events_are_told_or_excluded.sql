{{ config(meta={'dimension': 'completeness'}) }}

-- What raw accepted and may be analysed is in int_events_sessionised once, and from there in fct_events or excluded for a reason.
{%- set built -%}
    (select argMax(through, built_at) from ops.built_models where model = 'intermediate.int_events_sessionised')
{%- endset %}

with accepted as (
    select project_id, local_date, uniqExact(sipHash64(event_id)) as events
    from {{ ref('stg_millrace__events') }} as events
    left join {{ ref('int_events_on_several_days') }} as copied using (project_id, event_id)
    where
        consent_analytics
        -- What was loaded since is told by the next build.
        and loaded_at < {{ built }}
        and local_date in {{ tested_days() }}
        -- What an index on the instant can use.
        and toDate(timestamp)
        between (select min(local_date) - 1 from {{ tested_days() }}) and (select max(local_date) + 1 from {{ tested_days() }})
        and ifNull(kept_date, local_date) = local_date
    group by project_id, local_date
),

told as (
    select project_id, local_date, count() as events, countIf({{ is_counted('excluded') }}) as counted
    from {{ ref('int_events_sessionised') }}
    where local_date in {{ tested_days() }}
    group by project_id, local_date
),

facts as (
    select project_id, local_date, count() as events
    from {{ ref('fct_events') }}
    where local_date in {{ tested_days() }}
    group by project_id, local_date
)

select
    project_id,
    local_date,
    accepted.events as accepted,
    told.events as told,
    told.events - told.counted as excluded,
    facts.events as counted
from accepted
full outer join told using (project_id, local_date)
full outer join facts using (project_id, local_date)
left join {{ ref('stg_millrace__projects') }} as projects using (project_id)
where
    (ifNull(accepted, 0) != ifNull(told, 0) or ifNull(told, 0) != ifNull(excluded, 0) + ifNull(counted, 0))
    -- Of days that raw need not keep (warehouse/migrate.py) some may be gone there; the first one kept is not kept whole.
    and local_date > today() + 1 - ifNull(retention_days, (select max(retention_days) from {{ ref('stg_millrace__projects') }}))
