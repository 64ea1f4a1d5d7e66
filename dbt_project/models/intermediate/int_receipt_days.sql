{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'received_on'],
) }}

select
    project_id,
    local_date,
    received_on,
    sum(accepted) as lines,
    sum(counted) as kept
from (
    select project_id, local_date, {{ local_date('received_at') }} as received_on, 1 as accepted, 0 as counted
    from {{ ref('stg_millrace__events') }}
    where {{ in_days() }} and {{ around_days() }} and loaded_at < {{ horizon() }} and consent_analytics
    union all
    select project_id, local_date, {{ local_date('received_at') }} as received_on, 0 as accepted, 1 as counted
    from {{ ref('int_events_sessionised') }}
    where {{ in_days() }}
)
group by project_id, local_date, received_on
