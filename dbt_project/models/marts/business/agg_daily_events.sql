{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'event'],
) }}

select
    project_id,
    local_date,
    event,
    count() as events,
    uniqExact(person_key) as people
from {{ ref('fct_events') }}
where {{ in_days() }}
group by project_id, local_date, event
