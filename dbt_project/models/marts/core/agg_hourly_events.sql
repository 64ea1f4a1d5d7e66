{{ config(materialized='view', sql_security='definer', definer='CURRENT_USER') }}

select
    project_id,
    hour,
    event,
    uniqMerge(hourly.events) as events,
    max(hourly.last_loaded_at)::DateTime64(3, 'UTC') as last_loaded_at
from {{ ref('stg_millrace__hourly_events') }} as hourly
group by project_id, hour, event
