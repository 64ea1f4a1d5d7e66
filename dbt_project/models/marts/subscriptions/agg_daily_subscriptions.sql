{{ config(order_by=['project_id', 'local_date', 'plan', 'country']) }}

-- A change of plan or price is an end and a begin.
with changes as (
    select
        periods.project_id as project_id,
        {{ local_date('periods.change.1', 'periods.project_id') }} as local_date,
        periods.plan as plan,
        toLowCardinality(ifNull(toString(users.country), 'unknown')) as country,
        sum(periods.change.2) as subscriptions,
        sum(periods.change.3) as recurring_revenue
    from (
        select
            project_id,
            person_key,
            plan,
            arrayJoin(arrayConcat(
                [(started_at, toInt64(1), assumeNotNull(monthly_revenue))],
                if(ended_at is null, [], [(assumeNotNull(ended_at), toInt64(-1), -assumeNotNull(monthly_revenue))])
            )) as change
        from {{ ref('fct_subscriptions') }}
        where monthly_revenue > 0
    ) as periods
    left join {{ ref('dim_users') }} as users
        on users.project_id = periods.project_id and users.person_key = periods.person_key and users.is_current
    group by project_id, local_date, plan, country
),

-- From the first change on: who paid before the first event paid all the same.
days as (
    select
        project_id,
        plan,
        country,
        arrayJoin(arrayMap(n -> first_date + n, range(toUInt32(greatest(last_date - first_date, -1) + 1)))) as local_date
    from (select distinct project_id, plan, country from changes) as pairs
    inner join (
        select project_id, min(known.local_date) as first_date, max(calendar.last_date) as last_date
        from changes as known
        inner join (
            select project_id, max(local_date) as last_date from {{ ref('fct_business_metrics') }} group by project_id
        ) as calendar on calendar.project_id = known.project_id
        group by project_id
    ) as bounds on bounds.project_id = pairs.project_id
),

balances as (
    select
        days.project_id as project_id,
        days.local_date as local_date,
        days.plan as plan,
        days.country as country,
        sum(ifNull(changes.subscriptions, 0)) over to_here as subscriptions,
        sum(ifNull(changes.recurring_revenue, 0)) over to_here as recurring_revenue,
        subscriptions - ifNull(changes.subscriptions, 0) as subscriptions_before,
        recurring_revenue - ifNull(changes.recurring_revenue, 0) as recurring_revenue_before
    from days
    left join changes
        on changes.project_id = days.project_id
        and changes.local_date = days.local_date
        and changes.plan = days.plan
        and changes.country = days.country
    window to_here as (
        partition by days.project_id, days.plan, days.country
        order by days.local_date
        rows between unbounded preceding and current row
    )
)

select
    project_id,
    local_date,
    plan,
    country,
    subscriptions,
    recurring_revenue,
    subscriptions_before,
    recurring_revenue_before
from balances
