{{ config(order_by=['project_id', 'local_date', 'verdict']) }}

-- By the day of receipt, as what was rejected has no other. The copy of an event that counts is one of the accepted lines.
with accepted as (
    select project_id, {{ local_date('received_at') }} as local_date, count() as lines
    from {{ ref('stg_millrace__events') }}
    group by project_id, local_date
),

kept as (
    select project_id, {{ local_date('received_at') }} as local_date, count() as events
    from {{ ref('int_events_sessionised') }}
    group by project_id, local_date
),

-- What a line that is no JSON calls its project is whatever stood in its place.
rejected as (
    select project_id, {{ local_date('received_at') }} as local_date, reason, count() as lines
    from {{ ref('stg_millrace__rejected_events') }}
    where project_id in (select project_id from {{ ref('dim_projects') }} where project_id != '')
    group by project_id, local_date, reason
)

select
    accepted.project_id as project_id,
    accepted.local_date as local_date,
    'accepted'::LowCardinality(String) as verdict,
    accepted.lines as lines,
    toUInt64(greatest(toInt64(accepted.lines) - toInt64(ifNull(kept.events, 0)), 0)) as repeated
from accepted
left join kept on kept.project_id = accepted.project_id and kept.local_date = accepted.local_date
union all
select project_id, local_date, reason as verdict, lines, 0 as repeated from rejected
