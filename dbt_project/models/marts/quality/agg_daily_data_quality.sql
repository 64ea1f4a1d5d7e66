{{ config(order_by=['project_id', 'local_date', 'verdict']) }}

-- By the day of receipt, as what was rejected has no other. The copy of an event that counts is one of the accepted lines.
with accepted as (
    select project_id, received_on as local_date, sum(days.lines) as lines, sum(days.kept) as kept
    from {{ ref('int_receipt_days') }} as days
    group by project_id, received_on
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
    toUInt64(greatest(toInt64(accepted.lines) - toInt64(accepted.kept), 0)) as repeated
from accepted
union all
select project_id, local_date, reason as verdict, lines, 0 as repeated from rejected
