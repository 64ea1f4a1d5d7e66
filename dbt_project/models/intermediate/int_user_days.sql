{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'person_key'],
) }}

-- What a device did as a stranger's becomes the user's when they log in, maybe weeks later. It counts here from the day of the
-- first login on, since before that nobody knew.
with links as (
    select project_id, anonymous_id, {{ local_date('min(linked_at)') }} as known_on
    from {{ ref('int_identity_links') }}
    group by project_id, anonymous_id
)

select
    events.project_id as project_id,
    events.person_key as person_key,
    events.local_date as local_date,
    toUInt32(count()) as events,
    toUInt32(countIf(message_type in ('page', 'screen'))) as views,
    toUInt32(countIf(event in ({{ quoted(var('error_events')) }}))) as errors,
    toUInt32(countIf(event = 'support_ticket_opened')) as tickets,
    toUInt32(countIf(event = 'feature_used')) as feature_uses,
    toUInt32(countIf(event = 'order_completed')) as orders
from {{ ref('fct_events') }} as events
{{ globally() }}left join links on links.project_id = events.project_id and links.anonymous_id = events.anonymous_id
where {{ in_days('events.local_date') }} and (events.user_id != '' or links.known_on <= events.local_date)
group by project_id, person_key, local_date
