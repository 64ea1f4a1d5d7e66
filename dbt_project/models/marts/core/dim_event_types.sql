{{ config(order_by=['project_id', 'event']) }}

-- What each project may send by the registry, and what it sent that is not in it.
with seen as (
    select project_id, event, min(local_date) as first_seen_on, max(local_date) as last_seen_on
    from {{ ref('agg_daily_events') }}
    group by project_id, event
),

known as (
    select projects.project_id as project_id, event_types.event as event
    from {{ ref('stg_millrace__projects') }} as projects
    cross join {{ ref('stg_millrace__event_types') }} as event_types
    union distinct
    select project_id, event
    from seen
)

select
    {{ key_of('known.project_id', 'known.event') }} as event_type_key,
    toString(known.project_id) as project_id,
    toString(known.event) as event,
    (registered.event is not null)::Bool as is_registered,
    ifNull(registered.owner, '') as owner,
    ifNull(registered.description, '') as description,
    ifNull(toString(registered.message_type), '') as message_type,
    ifNull(registered.deprecated, '') as deprecated,
    ifNull(registered.properties, []) as properties,
    ifNull(registered.required_properties, []) as required_properties,
    ifNull(registered.personal_properties, []) as personal_properties,
    ifNull(registered.synonyms, []) as synonyms,
    (known.event in ({{ quoted(var('conversion_events')) }}))::Bool as is_conversion,
    seen.first_seen_on as first_seen_on,
    seen.last_seen_on as last_seen_on
from known
left join {{ ref('stg_millrace__event_types') }} as registered on registered.event = known.event
left join seen on seen.project_id = known.project_id and seen.event = known.event
union all
select toUInt64(0), '', 'unknown', false, '', '', '', '', [], [], [], [], false, null, null
