{{ config(materialized='by_day', partition_by='local_date', order_by=['project_id', 'anonymous_id']) }}

select
    project_id,
    local_date,
    anonymous_id,
    min(timestamp) as first_at,
    max(timestamp) as last_at,
    count() as events
from {{ ref('fct_events') }} as events
where {{ in_days() }} and anonymous_id != ''
group by project_id, local_date, anonymous_id
