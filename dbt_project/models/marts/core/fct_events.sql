{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'event', 'timestamp'],
) }}

with counted as (
    select project_id, event_id, timestamp, received_at, loaded_at, local_date, person_id, session_started_at, session_key
    from {{ ref('int_events_sessionised') }}
    where {{ in_days() }} and {{ is_counted('excluded') }}
),

received as (
    select
        project_id,
        event_id,
        event,
        message_type,
        user_id,
        anonymous_id,
        group_id,
        timestamp,
        received_at,
        loaded_at,
        context.page.url as page_url,
        context.page.title as page_title,
        if(toString(context.page.path) != '', toString(context.page.path), path(context.page.url)) as page_path,
        domainWithoutWWW(lower(context.page.url)) as page_host,
        domainWithoutWWW(lower(context.page.referrer)) as referrer_host,
        lower({{ campaign_field('source', 'utm_source') }}) as utm_source,
        lower({{ campaign_field('medium', 'utm_medium') }}) as utm_medium,
        {{ campaign_field('name', 'utm_campaign') }} as utm_campaign,
        {{ campaign_field('term', 'utm_term') }} as utm_term,
        {{ campaign_field('content', 'utm_content') }} as utm_content,
        {{ click_id('context.page.url', 'network') }} as click_network,
        {{ click_id('context.page.url', 'medium') }} as click_medium,
        context.device.type as sdk_device_type,
        context.os.name as sdk_os,
        context.browser.name as sdk_browser,
        context.location.country as sdk_country,
        context.ip as ip,
        context.user_agent as user_agent,
        context.app.version as app_version,
        context.library.name as library,
        properties
    from {{ ref('stg_millrace__events') }}
    where {{ in_days() }} and {{ around_days() }} and loaded_at < {{ horizon() }} and consent_analytics
)

select
    received.project_id as project_id,
    received.event_id as event_id,
    received.event as event,
    received.message_type as message_type,
    counted.person_id as person_id,
    {{ key_of('received.project_id', 'counted.person_id') }} as person_key,
    received.user_id as user_id,
    received.anonymous_id as anonymous_id,
    received.group_id as group_id,
    counted.session_key as session_key,
    counted.session_started_at as session_started_at,
    received.timestamp as timestamp,
    counted.local_date as local_date,
    received.received_at as received_at,
    received.loaded_at as loaded_at,
    received.page_host as page_host,
    received.page_path as page_path,
    received.page_title as page_title,
    received.referrer_host as referrer_host,
    multiIf(
        received.referrer_host = '' or received.referrer_host = received.page_host, '',
        referrers.kind is null, 'other',
        referrers.kind = 'internal', '',
        toString(referrers.kind)
    ) as referrer_kind,
    if(received.utm_source != '', received.utm_source, received.click_network) as campaign_source,
    if(received.utm_medium != '', received.utm_medium, received.click_medium) as campaign_medium,
    received.utm_campaign as campaign_name,
    received.utm_term as campaign_term,
    received.utm_content as campaign_content,
    multiIf(
        received.sdk_device_type in ('desktop', 'mobile', 'tablet', 'tv', 'wearable'), toString(received.sdk_device_type),
        ifNull(user_agents.device_type, '') != '', toString(user_agents.device_type),
        'unknown'
    ) as device_type,
    coalesce(nullIf(toString(user_agents.browser_family), ''), nullIf(toString(received.sdk_browser), ''), 'unknown') as browser,
    coalesce(nullIf(toString(received.sdk_os), ''), nullIf(toString(user_agents.os_family), ''), 'unknown') as os,
    coalesce(nullIf(toString(received.sdk_country), ''), nullIf(toString(places.country), ''), 'unknown') as country,
    ifNull(toString(places.region), '') as region,
    ifNull(toString(places.city), '') as city,
    received.app_version as app_version,
    received.library as library,
    {{ shared_properties('received') }} as properties
from received
inner join counted
    on counted.project_id = received.project_id
    and counted.event_id = received.event_id
    and counted.timestamp = received.timestamp
    and counted.received_at = received.received_at
    and counted.loaded_at = received.loaded_at
left join {{ source('raw', 'user_agents') }} as user_agents final on user_agents.user_agent = received.user_agent
left join {{ source('raw', 'referrers') }} as referrers final on referrers.host = received.referrer_host
left join {{ source('raw', 'places') }} as places final on places.ip = received.ip
limit 1 by project_id, event_id
