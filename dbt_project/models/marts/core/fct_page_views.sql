{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'timestamp'],
    days_before=days_after_session_start(),
    shard_by='person_key',
) }}

{{ on_each_shard_from_here() }}
-- The views of the day, and those around midnight that belong to the same sessions.
with views as (
    select
        project_id,
        event_id,
        (message_type = 'screen')::Bool as is_screen,
        person_key,
        session_key,
        timestamp,
        local_date,
        time_key,
        page_key,
        page_path,
        device_key,
        geo_key,
        toUInt64OrNull(toString(properties.load_time_ms)) as load_time_ms
    from {{ ref('fct_events') }}
    where
        {{ in_days(before=days_after_session_start(), after=days_after_session_start()) }}
        and message_type in ('page', 'screen')
),

placed as (
    select
        *,
        row_number() over in_order as view_number,
        leadInFrame(toNullable(timestamp)) over (in_order rows between current row and 1 following) as next_view_at
    from views
    -- An event without a session is alone.
    window in_order as (partition by project_id, session_key, if(session_key = 0, event_id, '') order by timestamp, event_id)
)

select
    * except (next_view_at),
    (view_number = 1)::Bool as is_entry,
    (next_view_at is null)::Bool as is_exit,
    dateDiff('millisecond', timestamp, next_view_at) as time_on_page_ms
from placed
where {{ in_days() }}
