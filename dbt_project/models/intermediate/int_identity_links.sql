{{ config(materialized='collected', order_by=['project_id', 'anonymous_id']) }}

with links as (
    select
        project_id,
        arrayJoin([anonymous_id, ifNull(previous_id, '')]) as anonymous_id,
        min((timestamp, user_id)) as link
    from {{ ref('stg_millrace__events') }}
    where {{ newly_loaded() }} and consent_analytics and user_id != ''
    group by all
),

known as (
    select project_id, anonymous_id, min(linked_at) as known_at, argMin(user_id, (linked_at, user_id)) as link_user_id
    from {{ so_far('project_id String, anonymous_id String, linked_at DateTime64(3), user_id String') }}
    group by all
)

select
    links.project_id as project_id,
    links.anonymous_id as anonymous_id,
    links.link.1 as linked_at,
    links.link.2 as user_id,
    ifNull(known.link_user_id, '') as previous_user_id,
    {{ horizon() }} as changed_at
from links
left join known on known.project_id = links.project_id and known.anonymous_id = links.anonymous_id
where
    links.anonymous_id != ''
    and (known.known_at is null or links.link < (assumeNotNull(known.known_at), assumeNotNull(known.link_user_id)))
