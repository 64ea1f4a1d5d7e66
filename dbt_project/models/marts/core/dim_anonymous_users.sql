{{ config(order_by=['project_id', 'anonymous_id']) }}

with anonymous as (
    select
        project_id,
        anonymous_id,
        min(first_at) as first_seen_at,
        max(last_at) as last_seen_at,
        sum(days.events) as events
    from {{ ref('int_anonymous_days') }} as days
    group by project_id, anonymous_id
)

select
    {{ key_of('anonymous.project_id', 'anonymous.anonymous_id') }} as anonymous_key,
    toString(anonymous.project_id) as project_id,
    anonymous.anonymous_id as anonymous_id,
    ifNull(users.user_id, '') as user_id,
    (users.user_id is not null)::Bool as is_identified,
    if(is_identified, user_id, anonymous.anonymous_id) as person_id,
    {{ key_of('anonymous.project_id', 'person_id') }} as person_key,
    toNullable(anonymous.first_seen_at) as first_seen_at,
    toNullable(anonymous.last_seen_at) as last_seen_at,
    anonymous.events as events
from anonymous
left join {{ ref('int_anonymous_users') }} as users
    on users.project_id = anonymous.project_id and users.anonymous_id = anonymous.anonymous_id
union all
select toUInt64(0), '', '', '', false, '', toUInt64(0), null, null, toUInt64(0)
