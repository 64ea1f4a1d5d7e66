{{ config(order_by=['project_id', 'local_date']) }}

-- Of tables that have few rows per day, so all days are made anew in no time, and what comes late needs no account.
with calendar as (
    select
        project_id,
        arrayJoin(arrayMap(n -> first_date + n, range(toUInt32(last_date - first_date) + 1))) as local_date
    from (
        select project_id, min(local_date) as first_date, max(local_date) as last_date
        from (
            select project_id, local_date from {{ ref('agg_daily_events') }}
            union all
            select project_id, local_date from {{ ref('fct_orders') }}
            union all
            select project_id, local_date from {{ ref('fct_marketing_spend') }}
        )
        group by project_id
    )
),

events as (
    select project_id, local_date, sum(daily.events) as events, sumIf(daily.events, daily.event = 'signed_up') as sign_ups
    from {{ ref('agg_daily_events') }} as daily
    group by project_id, local_date
),

sessions as (
    select
        project_id,
        local_date,
        sum(daily.sessions) as sessions,
        sum(daily.engaged_sessions) as engaged_sessions,
        sum(daily.bounced_sessions) as bounced_sessions,
        sum(daily.converted_sessions) as converted_sessions
    from {{ ref('agg_daily_metrics') }} as daily
    group by project_id, local_date
),

orders as (
    select
        project_id,
        local_date,
        count() as orders,
        sum(ifNull(facts.revenue, 0)) as revenue,
        countIf(facts.revenue is null) as orders_without_rate
    from {{ ref('fct_orders') }} as facts
    group by project_id, local_date
),

refunds as (
    select
        project_id,
        local_date,
        count() as refunds,
        sum(ifNull(facts.refunded_revenue, 0)) as refunded_revenue,
        countIf(facts.refunded_revenue is null) as refunds_without_rate
    from {{ ref('fct_refunds') }} as facts
    group by project_id, local_date
),

spend as (
    select
        project_id,
        local_date,
        sum(facts.impressions) as impressions,
        sum(facts.clicks) as clicks,
        sum(ifNull(facts.cost, 0)) as marketing_cost
    from {{ ref('fct_marketing_spend') }} as facts
    group by project_id, local_date
),

movements as (
    select
        project_id,
        local_date,
        sum(revenue_change) as recurring_change,
        sum((revenue_after > 0)::Int64 - (revenue_before > 0)::Int64) as subscribers_change,
        countIf(movement = 'new') as new_subscribers,
        countIf(movement = 'churned') as churned_subscribers,
        {%- for movement in recurring_movements() %}
        sumIf(abs(revenue_change), movement = '{{ movement }}') as {{ movement }}_recurring_revenue{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_revenue_movements') }}
    group by project_id, local_date
),

-- Also what moved before the first day stands in the balance of each.
balances as (
    select
        project_id,
        local_date,
        sum(ifNull(movements.recurring_change, 0)) over to_here as recurring_revenue,
        sum(ifNull(movements.subscribers_change, 0)) over to_here as subscribers
    from (
        select project_id, local_date from calendar
        union distinct
        select project_id, local_date from movements
    ) as days
    left join movements on movements.project_id = days.project_id and movements.local_date = days.local_date
    window to_here as (partition by days.project_id order by days.local_date rows between unbounded preceding and current row)
),

answers as (
    select
        project_id,
        local_date,
        count() as nps_answers,
        countIf(answer_group = 'promoter') as nps_promoters,
        countIf(answer_group = 'detractor') as nps_detractors
    from {{ ref('fct_nps_answers') }}
    group by project_id, local_date
)

select
    calendar.project_id as project_id,
    calendar.local_date as local_date,
    ifNull(events.events, 0) as events,
    ifNull(people.daily_active_users, 0) as daily_active_users,
    ifNull(people.weekly_active_users, 0) as weekly_active_users,
    ifNull(people.monthly_active_users, 0) as monthly_active_users,
    ifNull(sessions.sessions, 0) as sessions,
    ifNull(sessions.engaged_sessions, 0) as engaged_sessions,
    ifNull(sessions.bounced_sessions, 0) as bounced_sessions,
    ifNull(sessions.converted_sessions, 0) as converted_sessions,
    ifNull(events.sign_ups, 0) as sign_ups,
    ifNull(orders.orders, 0) as orders,
    ifNull(orders.revenue, 0) as revenue,
    ifNull(orders.orders_without_rate, 0) as orders_without_rate,
    ifNull(refunds.refunds, 0) as refunds,
    ifNull(refunds.refunded_revenue, 0) as refunded_revenue,
    ifNull(refunds.refunds_without_rate, 0) as refunds_without_rate,
    ifNull(spend.impressions, 0) as impressions,
    ifNull(spend.clicks, 0) as clicks,
    ifNull(spend.marketing_cost, 0) as marketing_cost,
    balances.recurring_revenue as recurring_revenue,
    toUInt64(balances.subscribers) as subscribers,
    ifNull(movements.new_subscribers, 0) as new_subscribers,
    ifNull(movements.churned_subscribers, 0) as churned_subscribers,
    {%- for movement in recurring_movements() %}
    ifNull(movements.{{ movement }}_recurring_revenue, 0) as {{ movement }}_recurring_revenue,
    {%- endfor %}
    ifNull(answers.nps_answers, 0) as nps_answers,
    ifNull(answers.nps_promoters, 0) as nps_promoters,
    ifNull(answers.nps_detractors, 0) as nps_detractors
from calendar
inner join balances on balances.project_id = calendar.project_id and balances.local_date = calendar.local_date
{%- for part in ['events', 'sessions', 'orders', 'refunds', 'spend', 'movements', 'answers'] %}
left join {{ part }} on {{ part }}.project_id = calendar.project_id and {{ part }}.local_date = calendar.local_date
{%- endfor %}
left join {{ ref('agg_active_users') }} as people
    on people.project_id = calendar.project_id and people.local_date = calendar.local_date
