{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'person_key'],
    shard_by='person_key',
) }}

{{ on_each_shard_from_here() }}
select
    project_id,
    person_key,
    any(events.person_id) as person_id,
    local_date,
    min(timestamp) as first_at,
    count() as event_count,
    arraySort(groupUniqArray(event)) as event_names,
    uniqExactIf(session_key, session_key != 0) as sessions,
    countIf(message_type in ('page', 'screen')) as views,
    countIf(event in ({{ quoted(var('conversion_events')) }})) as conversions
from {{ ref('fct_events') }} as events
where {{ in_days() }} and events.person_id != ''
group by project_id, person_key, local_date
