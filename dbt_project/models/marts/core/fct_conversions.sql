{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'event', 'timestamp'],
    days_before=days_after_session_start(),
) }}

with conversions as (
    select
        project_id,
        event_id,
        event,
        event_type_key,
        person_key,
        session_key,
        timestamp,
        local_date,
        time_key,
        device_key,
        geo_key,
        ifNull({{ money('properties.revenue') }}, {{ money('properties.amount') }}) as value,
        toLowCardinality(if(value is null, '', {{ currency_of('properties.currency') }})) as currency
    from {{ ref('fct_events') }}
    where {{ in_days() }} and event in ({{ quoted(var('conversion_events')) }})
),

-- A session that goes on after midnight is of the day on which it began.
sessions as (
    select project_id, session_key, started_at, channel, campaign_key, entry_page_key
    from {{ ref('fct_sessions') }}
    where {{ in_days(before=days_after_session_start()) }}
)

select
    conversions.project_id as project_id,
    conversions.event_id as event_id,
    conversions.event as event,
    conversions.event_type_key as event_type_key,
    conversions.person_key as person_key,
    conversions.session_key as session_key,
    conversions.timestamp as timestamp,
    conversions.local_date as local_date,
    conversions.time_key as time_key,
    conversions.device_key as device_key,
    conversions.geo_key as geo_key,
    conversions.value as value,
    conversions.currency as currency,
    {{ in_project_currency('conversions', 'value') }} as value_in_project_currency,
    toLowCardinality(ifNull(toString(sessions.channel), 'unknown')) as channel,
    ifNull(sessions.campaign_key, 0) as campaign_key,
    ifNull(sessions.entry_page_key, 0) as entry_page_key,
    dateDiff('millisecond', sessions.started_at, conversions.timestamp) as since_session_start_ms
from conversions
left join sessions on sessions.project_id = conversions.project_id and sessions.session_key = conversions.session_key
{{ join_rates('conversions') }}
