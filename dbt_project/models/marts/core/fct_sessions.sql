{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'started_at'],
    days_before=1,
) }}

with events as (
    select
        *,
        {{ local_date('session_started_at') }} as session_date,
        message_type in ('page', 'screen') as is_view,
        event in ({{ quoted(var('conversion_events')) }}) as is_conversion,
        campaign_medium != '' or campaign_source != '' or campaign_name != '' or referrer_kind != '' as has_origin
    from {{ ref('fct_events') }}
    where {{ in_days(after=1) }} and session_key != 0
),

sessions as (
    select
        project_id,
        session_key,
        any(person_id) as person_id,
        any(person_key) as person_key,
        any(session_started_at) as started_at,
        max(timestamp) as ended_at,
        any(session_date) as local_date,
        count() as events,
        countIf(is_view) as views,
        countIf(is_conversion) as conversions,
        countIf(message_type = 'track' and event = 'error_occurred') as errors,
        argMinIf(campaign_source, (timestamp, event_id), has_origin) as campaign_source,
        argMinIf(campaign_medium, (timestamp, event_id), has_origin) as campaign_medium,
        argMinIf(campaign_name, (timestamp, event_id), has_origin) as campaign_name,
        argMinIf(campaign_term, (timestamp, event_id), has_origin) as campaign_term,
        argMinIf(campaign_content, (timestamp, event_id), has_origin) as campaign_content,
        argMinIf(referrer_kind, (timestamp, event_id), has_origin) as referrer_kind,
        argMinIf(referrer_host, (timestamp, event_id), has_origin) as referrer_host,
        argMinIf(page_path, (timestamp, event_id), is_view) as entry_page,
        argMaxIf(page_path, (timestamp, event_id), is_view) as exit_page,
        argMinIf(device_type, (timestamp, event_id), device_type != 'unknown') as device_type,
        argMinIf(browser, (timestamp, event_id), browser != 'unknown') as browser,
        argMinIf(os, (timestamp, event_id), os != 'unknown') as os,
        argMinIf(country, (timestamp, event_id), country != 'unknown') as country
    from events
    where session_date between {{ first_day() }} and {{ last_day() }}
    group by project_id, session_key
)

select
    * except (device_type, browser, os, country),
    if(device_type = '', 'unknown', device_type) as device_type,
    if(browser = '', 'unknown', browser) as browser,
    if(os = '', 'unknown', os) as os,
    if(country = '', 'unknown', country) as country,
    {{ channel('campaign_medium', 'campaign_source', 'referrer_kind') }} as channel,
    dateDiff('millisecond', started_at, ended_at) as duration_ms,
    conversions > 0 as is_converted,
    duration_ms >= 10000 or views >= 2 or conversions > 0 as is_engaged,
    views <= 1 and conversions = 0 as is_bounce
from sessions
