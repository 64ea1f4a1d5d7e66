{{ config(order_by=['project_id', 'person_key', 'valid_from']) }}

{%- set type_of = {
    'plan': 'LowCardinality(String)',
    'country': 'LowCardinality(String)',
    'tier': 'LowCardinality(String)',
    'company_id': 'String',
    'role': 'LowCardinality(String)',
} %}
{%- set attributes = type_of.keys() | list %}

-- What was said of a user from when on; '' where nothing was said. At the same instant the CRM has the last word.
with statements as (
    select project_id, user_id, timestamp as said_at, 0 as authority, event_id, plan, country, '' as tier, company_id, role
    from (
        select *
        from {{ ref('int_user_traits') }}
        order by loaded_at, received_at, timestamp
        limit 1 by project_id, event_id
    )
    union all
    select
        project_id,
        user_id,
        updated_at as said_at,
        1 as authority,
        '' as event_id,
        ifNull(plan, '') as plan,
        ifNull(country, '') as country,
        ifNull(tier, '') as tier,
        ifNull(company_id, '') as company_id,
        '' as role
    from {{ ref('stg_crm__customers') }}
    union all
    select project_id, id as user_id, {{ beginning() }}, 0, '', '', '', '', '', ''
    from {{ ref('int_first_seen') }}
    where is_user
),

-- What is not said again still holds; what was first said of anything holds from the beginning.
histories as (
    select
        project_id,
        user_id,
        arraySort(arrayPushFront(
            groupArray((said_at, authority, event_id, {{ attributes | join(', ') }})),
            ({{ beginning() }}, 0, ''{{ ", ''" * attributes | length }})
        )) as said,
        said.1 as instants,
        arrayZip(
            {%- for attribute in attributes %}
            arrayReverseFill(
                value -> value != '', arrayFill(value -> value != '', said.{{ loop.index + 3 }})
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ) as known
    from statements
    group by project_id, user_id
),

-- Of an instant the last word counts, and only what differs from before is a version.
versions as (
    select
        project_id,
        user_id,
        arrayFilter(
            (version, instant, next_instant) -> instant != next_instant,
            arrayZip(instants, known), instants, arrayPushBack(arrayPopFront(instants), {{ end_of_time() }})
        ) as spoken,
        arrayFilter(
            (version, before, place) -> place = 1 or version.2 != before.2,
            spoken, arrayPushFront(arrayPopBack(spoken), spoken[1]), arrayEnumerate(spoken)
        ) as changed,
        arrayJoin(arrayZip(
            changed.1, arrayPushBack(arrayPopFront(changed.1), {{ end_of_time() }}), changed.2, arrayEnumerate(changed)
        )) as version
    from histories
),

first_seen as (
    select project_id, user_id, min(first_at)::DateTime64(3, 'UTC') as first_seen_at
    from (
        select
            seen.project_id as project_id,
            assumeNotNull(if(seen.is_user, seen.id, users.user_id)) as user_id,
            seen.first_at as first_at
        from {{ ref('int_first_seen') }} as seen
        left join {{ ref('int_anonymous_users') }} as users
            on users.project_id = seen.project_id and users.anonymous_id = seen.id
        where seen.is_user or isNotNull(users.user_id)
    )
    group by project_id, user_id
),

-- What has no history: the latest word of the CRM, else what the user's own events say.
traits as (
    select project_id, user_id, min(signed_up_at) as signed_up_at
    from {{ ref('int_user_traits') }}
    group by project_id, user_id
),

customers as (
    select
        project_id,
        user_id,
        argMaxIf(created_at, updated_at, created_at is not null) as created_at,
        argMaxIf(onboarded_at, updated_at, onboarded_at is not null) as onboarded_at
    from {{ ref('stg_crm__customers') }}
    group by project_id, user_id
)

select
    {{ key_of('versions.project_id', 'versions.user_id', 'versions.version.1') }} as user_version_key,
    {{ key_of('versions.project_id', 'versions.user_id') }} as person_key,
    versions.project_id as project_id,
    versions.user_id as person_id,
    toUInt32(versions.version.4) as version_number,
    versions.version.1 as valid_from,
    versions.version.2 as valid_to,
    (valid_to = {{ end_of_time() }})::Bool as is_current,
    {%- for attribute in attributes %}
    if(
        versions.version.3.{{ loop.index }} = '', 'unknown', versions.version.3.{{ loop.index }}
    )::{{ type_of[attribute] }} as {{ attribute }},
    {%- endfor %}
    (
        (versions.project_id, versions.user_id) in (select project_id, user_id from {{ ref('int_internal_users') }})
    )::Bool as is_internal,
    first_seen.first_seen_at as first_seen_at,
    coalesce(customers.created_at, traits.signed_up_at) as signed_up_at,
    customers.onboarded_at as onboarded_at
from versions
left join first_seen on first_seen.project_id = versions.project_id and first_seen.user_id = versions.user_id
left join traits on traits.project_id = versions.project_id and traits.user_id = versions.user_id
left join customers on customers.project_id = versions.project_id and customers.user_id = versions.user_id
where versions.user_id != ''

union all

-- Whom nobody knows: strangers of events, rows of other systems that name no user.
select
    0::UInt64 as user_version_key,
    0::UInt64 as person_key,
    ''::LowCardinality(String) as project_id,
    '' as person_id,
    1::UInt32 as version_number,
    {{ beginning() }} as valid_from,
    {{ end_of_time() }} as valid_to,
    true as is_current,
    {%- for attribute in attributes %}
    'unknown'::{{ type_of[attribute] }} as {{ attribute }},
    {%- endfor %}
    false as is_internal,
    null as first_seen_at,
    null as signed_up_at,
    null as onboarded_at
