{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'event', 'timestamp'],
    shard_by='person_key',
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
        -- An app has screens with names where a site has pages with paths.
        multiIf(
            context.page.path != '', toString(context.page.path),
            message_type = 'screen', ifNull(toString(properties.screen_name), ''),
            path(context.page.url)
        ) as page_path,
        {{ host_of('context.page.url') }} as page_host,
        {{ host_of('context.page.referrer') }} as referrer_host,
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
),

described as (
    select
        received.project_id as project_id,
        received.event_id as event_id,
        received.event as event,
        received.message_type as message_type,
        counted.person_id as person_id,
        received.user_id as user_id,
        received.anonymous_id as anonymous_id,
        received.group_id as group_id,
        counted.session_key as session_key,
        counted.session_started_at as session_started_at,
        received.timestamp as timestamp,
        counted.local_date as local_date,
        received.received_at as received_at,
        received.loaded_at as loaded_at,
        toLowCardinality(received.page_host) as page_host,
        {{ without_emails('received.page_path') }} as page_path,
        {{ without_emails('received.page_title') }} as page_title,
        toLowCardinality(received.referrer_host) as referrer_host,
        toLowCardinality(multiIf(
            received.referrer_host = '' or received.referrer_host = received.page_host, '',
            ifNull(referrers.kind, '') = '', 'other',
            referrers.kind = 'internal', '',
            assumeNotNull(toString(referrers.kind))
        )) as referrer_kind,
        toLowCardinality(if(received.utm_source != '', received.utm_source, received.click_network)) as campaign_source,
        toLowCardinality(if(received.utm_medium != '', received.utm_medium, received.click_medium)) as campaign_medium,
        toLowCardinality({{ without_emails('received.utm_campaign') }}) as campaign_name,
        toLowCardinality({{ without_emails('received.utm_term') }}) as campaign_term,
        toLowCardinality({{ without_emails('received.utm_content') }}) as campaign_content,
        toLowCardinality(multiIf(
            received.sdk_device_type in ('desktop', 'mobile', 'tablet', 'tv', 'wearable'), toString(received.sdk_device_type),
            ifNull(user_agents.device_type, '') != '', assumeNotNull(toString(user_agents.device_type)),
            'unknown'
        )) as device_type,
        toLowCardinality(coalesce(
            nullIf(toString(user_agents.browser_family), ''), nullIf(toString(received.sdk_browser), ''), 'unknown'
        )) as browser,
        toLowCardinality(coalesce(
            nullIf(toString(received.sdk_os), ''), nullIf(toString(user_agents.os_family), ''), 'unknown'
        )) as os,
        toLowCardinality(coalesce(
            nullIf(toString(received.sdk_country), ''), nullIf(toString(places.country), ''), 'unknown'
        )) as country,
        -- Where the SDK and the address name two countries, the address tells nothing.
        toLowCardinality(if(places.country = country, assumeNotNull(toString(places.region)), '')) as region,
        toLowCardinality(if(places.country = country, assumeNotNull(toString(places.city)), '')) as city,
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
    left join {{ ref('stg_millrace__user_agents') }} as user_agents on user_agents.user_agent = received.user_agent
    left join {{ ref('stg_millrace__referrers') }} as referrers on referrers.host = received.referrer_host
    left join {{ ref('stg_millrace__places') }} as places on places.ip = received.ip
    limit 1 by project_id, event_id
)

select
    *,
    {{ key_of('project_id', 'person_id') }} as person_key,
    {{ time_key() }} as time_key,
    {{ page_key() }} as page_key,
    {{ device_key() }} as device_key,
    {{ geo_key() }} as geo_key,
    {{ campaign_key() }} as campaign_key,
    {{ key_of('project_id', 'event') }} as event_type_key
from described
