{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'started_at'],
    days_before=days_after_session_start(),
    shard_by='person_key',
) }}

with events as (
    select
        *,
        {{ local_date('session_started_at') }} as session_date,
        message_type in ('page', 'screen') as is_view,
        event in ({{ quoted(var('conversion_events')) }}) as is_conversion,
        {{ has_campaign() }} or referrer_kind != '' as has_origin
    from {{ ref('fct_events') }}
    where {{ in_days(after=days_after_session_start()) }} and session_key != 0
),

-- What belongs together comes from one event: the first that tells it.
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
        countIf(event in ({{ quoted(var('error_events')) }})) as errors,
        argMinIf(
            (
                campaign_key, campaign_source, campaign_medium, campaign_name, campaign_term, campaign_content,
                referrer_kind, referrer_host
            ),
            (timestamp, event_id), has_origin
        ) as origin,
        argMinIf((page_key, page_path), (timestamp, event_id), is_view) as entry,
        argMaxIf((page_key, page_path), (timestamp, event_id), is_view) as exit,
        argMin(
            (device_key, device_type, browser, os),
            (device_type = 'unknown', browser = 'unknown' and os = 'unknown', timestamp, event_id)
        ) as device,
        argMin((geo_key, country, region, city), (country = 'unknown', timestamp, event_id)) as place
    from events
    where session_date between {{ first_day() }} and {{ last_day() }}
    group by project_id, session_key
),

orders as (
    select session_key, count() as orders, sum(ifNull(facts.revenue, 0)) as revenue
    from {{ ref('fct_orders') }} as facts
    where {{ in_days(after=days_after_session_start()) }} and session_key != 0
    group by session_key
)

select
    project_id,
    session_key,
    person_id,
    person_key,
    started_at,
    ended_at,
    local_date,
    {{ time_key('started_at') }} as time_key,
    dateDiff('millisecond', started_at, ended_at) as duration_ms,
    events,
    views,
    conversions,
    errors,
    ifNull(orders, 0) as orders,
    ifNull(revenue, 0) as revenue,
    (conversions > 0)::Bool as is_converted,
    (duration_ms >= 10000 or views >= 2 or conversions > 0)::Bool as is_engaged,
    (views <= 1 and conversions = 0)::Bool as is_bounce,
    origin.1 as campaign_key,
    toLowCardinality(origin.2) as campaign_source,
    toLowCardinality(origin.3) as campaign_medium,
    toLowCardinality(origin.4) as campaign_name,
    toLowCardinality(origin.5) as campaign_term,
    toLowCardinality(origin.6) as campaign_content,
    toLowCardinality(origin.7) as referrer_kind,
    toLowCardinality(origin.8) as referrer_host,
    toLowCardinality({{ channel('campaign_medium', 'campaign_source', 'referrer_kind', 'campaign_name') }}) as channel,
    entry.1 as entry_page_key,
    entry.2 as entry_page,
    exit.1 as exit_page_key,
    exit.2 as exit_page,
    device.1 as device_key,
    toLowCardinality(device.2) as device_type,
    toLowCardinality(device.3) as browser,
    toLowCardinality(device.4) as os,
    place.1 as geo_key,
    toLowCardinality(place.2) as country,
    toLowCardinality(place.3) as region,
    toLowCardinality(place.4) as city
from sessions
left join orders using (session_key)
