{{ config(materialized='collected', order_by=['changed_at', 'local_date']) }}

-- Identifiers whose earlier events have become somebody else's, or are known to be theirs earlier, or are left out from now
-- on, or no longer are.
with internal_or_not as (
    select project_id, user_id
    from {{ ref('int_internal_statements') }}
    where changed_at > {{ since() }}
),

moved as (
    select project_id, false as is_user, anonymous_id as id
    from {{ ref('int_identity_links') }}
    where changed_at > {{ since() }}
    union all
    select project_id, true as is_user, user_id as id
    from internal_or_not
    union all
    select project_id, false as is_user, anonymous_id as id
    from {{ ref('int_identity_links') }}
    where (project_id, user_id) in (select project_id, user_id from internal_or_not)
),

arrived as (
    select project_id, local_date, count() as events
    from {{ ref('stg_millrace__events') }}
    where {{ newly_loaded() }} and consent_analytics
    group by project_id, local_date
),

days as (
    select local_date, 'arrived' as reason
    from arrived
    union all
    -- Days without events between the last one of a project so far and its new last one: nobody has told anything of them yet.
    select
        arrayJoin(arrayMap(n -> before.latest + n, range(1, toUInt32(greatest(now.latest - before.latest, 1))))) as local_date,
        'calendar' as reason
    from (select project_id, max(local_date) as latest from arrived group by project_id) as now
    inner join (
        select project_id, max(local_date) as latest
        from {{ so_far('project_id String, local_date Date, reason String') }}
        where reason = 'arrived'
        group by project_id
    ) as before on before.project_id = now.project_id
    union all
    select local_date, 'identity' as reason
    from {{ ref('int_identity_days') }}
    where (project_id, is_user, id) in (select project_id, is_user, id from moved)
    union all
    -- A load says at its end what its user agents and referrers mean. Events that this build meets before that are looked
    -- at once more by the next one.
    select local_date, 'undescribed' as reason
    from {{ ref('stg_millrace__events') }}
    where
        {{ newly_loaded() }}
        and consent_analytics
        and (
            (
                context.user_agent != ''
                and context.user_agent not in (select user_agent from {{ ref('stg_millrace__user_agents') }})
            )
            or (
                {{ host_of('context.page.referrer') }} != ''
                and {{ host_of('context.page.referrer') }} not in (select host from {{ ref('stg_millrace__referrers') }})
            )
        )
    union all
    select local_date, 'described' as reason
    from {{ so_far('local_date Date, changed_at DateTime64(3), reason String') }} as before
    where before.reason = 'undescribed' and before.changed_at >= {{ since() }}
),

-- What changes on a day may change later ones: an event joins an activity that begins within 24 hours, and so where its
-- sessions are cut within 24 more. 48 hours reach into a third day behind, where an hour was put forward.
widened as (
    select local_date, reason from days
    union all
    select arrayJoin([local_date + 1, local_date + 2, local_date + 3]) as local_date, 'session' as reason from days
),

-- An activity without a break is cut every 24 hours from its begin: where it changes, all cuts behind may move.
long_activities as (
    select distinct
        toDate(activity_began_at) - 1 as first_date,
        before.local_date as local_date
    from {{ as_left_by_earlier_builds(
        'int_events_sessionised',
        'local_date Date, activity_began_at DateTime64(3), session_started_at DateTime64(3)'
    ) }} as before
    where
        before.local_date >= (select min(local_date) from days)
        and before.session_started_at > before.activity_began_at
),

-- An order that was told on several days is one of the first that counts: a change of one day may change the others.
orders_told_again as (
    select distinct arrayJoin(told_on) as local_date
    from (
        select groupUniqArray(local_date) as told_on
        from {{ ref('int_order_days') }}
        group by project_id, order_id
        having length(told_on) > 1
    )
    where hasAny(told_on, (select groupUniqArray(local_date) from days))
),

-- A currency rate changes the revenue of its day. Days of events that arrive now change anyway.
rates as (
    select distinct local_date
    from {{ ref('int_project_rates') }}
    where
        {{ newly_loaded() }}
        and local_date in (select local_date from {{ so_far('local_date Date, reason String') }} where reason = 'arrived')
)

select project_id, local_date, {{ horizon() }} as changed_at, 'arrived' as reason, events
from arrived
union all
select distinct '' as project_id, local_date, {{ horizon() }} as changed_at, reason, 0 as events
from (
    select local_date, reason from widened where reason != 'arrived'
    union all
    select local_date, 'order' as reason from orders_told_again
    union all
    select local_date, 'rate' as reason from rates
    union all
    select arrayJoin([long_activities.local_date, long_activities.local_date + 1]) as local_date, 'activity' as reason
    from long_activities
    cross join (select distinct local_date from widened) as changed
    where changed.local_date between long_activities.first_date and long_activities.local_date
)
