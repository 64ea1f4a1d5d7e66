{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'channel', 'country', 'device_type'],
    days_before=days_after_session_start(),
) }}

select
    project_id,
    local_date,
    channel,
    country,
    device_type,
    count() as sessions,
    countIf(is_engaged) as engaged_sessions,
    countIf(is_bounce) as bounced_sessions,
    countIf(is_converted) as converted_sessions,
    sum(sessions.events) as events,
    sum(sessions.views) as views,
    sum(sessions.conversions) as conversions,
    sum(sessions.errors) as errors,
    sum(sessions.orders) as orders,
    sum(sessions.revenue) as revenue,
    sum(toUInt64(sessions.duration_ms)) as duration_ms
from {{ ref('fct_sessions') }} as sessions
where {{ in_days() }}
group by project_id, local_date, channel, country, device_type
