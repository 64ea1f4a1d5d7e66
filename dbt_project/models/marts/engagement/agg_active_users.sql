{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id'],
    days_after=29,
) }}

-- Somebody is weekly active from each active day on for 7 days, or until the next active day takes over; likewise for
-- 30 days. So one pass over the days of each person tells both, without counting anybody twice.
with days as (
    select
        project_id,
        local_date,
        leadInFrame(local_date) over (
            partition by project_id, person_key order by local_date rows between current row and 1 following
        ) as next_date,
        if(next_date > local_date, toInt32(next_date - local_date), 30) as gap
    from {{ ref('agg_person_days') }}
    where {{ in_days(before=29) }}
),

changes as (
    select project_id, change.1 as changed_on, sum(change.2) as daily, sum(change.3) as weekly, sum(change.4) as monthly
    from (
        select
            project_id,
            arrayJoin([
                (local_date, 1, 1, 1),
                (local_date + least(gap, 7), 0, -1, 0),
                (local_date + least(gap, 30), 0, 0, -1)
            ]) as change
        from days
    )
    group by project_id, changed_on
),

-- Also days on which nothing happened, as long as somebody counts as active, but none of which the project has yet to tell.
calendar as (
    select project_id, arrayJoin(arrayMap(n -> begins + n, range(toUInt32(greatest(ends - begins, -1) + 1)))) as local_date
    from (
        select
            project_id,
            min(days.local_date) as begins,
            least({{ last_day() }}, any(known.latest)) as ends
        from days
        inner join (
            select project_id, max(local_date) as latest
            from {{ ref('int_changed_days') }}
            where reason = 'arrived'
            group by project_id
        ) as known on known.project_id = days.project_id
        group by project_id
    )
),

running as (
    select
        calendar.project_id as project_id,
        calendar.local_date as local_date,
        ifNull(changes.daily, 0) as daily,
        sum(ifNull(changes.weekly, 0)) over to_here as weekly,
        sum(ifNull(changes.monthly, 0)) over to_here as monthly
    from calendar
    left join changes on changes.project_id = calendar.project_id and changes.changed_on = calendar.local_date
    window to_here as (partition by calendar.project_id order by calendar.local_date)
)

select
    project_id,
    local_date,
    toUInt64(daily) as daily_active_users,
    toUInt64(weekly) as weekly_active_users,
    toUInt64(monthly) as monthly_active_users,
    if(weekly = 0, null, daily / weekly) as daily_of_weekly,
    if(monthly = 0, null, daily / monthly) as daily_of_monthly
from running
where {{ in_days() }} and monthly > 0
