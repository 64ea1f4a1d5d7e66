{{ config(order_by=['project_id', 'customer_id']) }}

{%- set seconds_of_a_month = 365.25 * 86400 / 12 %}

-- Until the end of the last day with events: from then on nothing is known.
with days as (
    select project_id, assumeNotNull(last_event_on) + 1 as ended_on from {{ ref('dim_projects') }} where last_event_on is not null
),

-- What is paid per month times the months since, summed over changes, is what was paid.
subscribers as (
    select
        movements.project_id as project_id,
        movements.customer_id as customer_id,
        any(movements.person_key) as person_key,
        minOrNullIf(movements.local_date, movements.movement = 'new') as subscribed_on,
        argMax(movements.plan, movements.moved_at) as plan,
        sum(toFloat64(movements.revenue_change)) as recurring_revenue,
        sum(toFloat64(movements.revenue_change) * months) as subscription_revenue,
        sum(
            months * multiIf(movements.movement in ('new', 'reactivation'), 1, movements.movement = 'churned', -1, 0)
        ) as paying_months,
        countIf(movements.movement = 'churned') as times_churned
    from (
        select
            known.*,
            dateDiff('second', moved_at, toDateTime64(days.ended_on, 3, 'UTC')) / {{ seconds_of_a_month }} as months
        from {{ ref('fct_revenue_movements') }} as known
        inner join days on days.project_id = known.project_id
    ) as movements
    where movements.months > 0
    group by movements.project_id, movements.customer_id
),

buyers as (
    select
        project_id,
        person_id as customer_id,
        any(person_key) as person_key,
        min(local_date) as ordered_on,
        sum(toFloat64(ifNull(revenue, 0))) as order_revenue
    from {{ ref('fct_orders') }}
    where person_id != ''
    group by project_id, person_id
),

customers as (
    select
        project_id,
        customer_id,
        max(person_key) as person_key,
        max(subscribed_on) as subscribed_on,
        max(ordered_on) as ordered_on,
        max(plan) as plan,
        sum(recurring_revenue) as recurring_revenue,
        sum(subscription_revenue) as subscription_revenue,
        sum(paying_months) as paying_months,
        sum(times_churned) as times_churned,
        sum(order_revenue) as order_revenue
    from (
        select *, null as ordered_on, 0 as order_revenue from subscribers
        union all
        select project_id, customer_id, person_key, null, '', 0, 0, 0, 0, ordered_on, order_revenue from buyers
    )
    group by project_id, customer_id
),

spent as (
    select project_id, min(local_date) as first_day, max(local_date) as last_day
    from {{ ref('fct_marketing_spend') }}
    group by project_id
),

spent_by_channel as (
    select project_id, channel, sum(toFloat64(ifNull(cost, 0))) as cost
    from {{ ref('fct_marketing_spend') }}
    group by project_id, channel
),

described as (
    select
        customers.project_id as project_id,
        customers.customer_id as customer_id,
        customers.person_key as person_key,
        customers.recurring_revenue as recurring_revenue,
        customers.subscription_revenue as subscription_revenue,
        customers.paying_months as paying_months,
        customers.times_churned as times_churned,
        customers.order_revenue as order_revenue,
        ifNull(toString(people.channel), 'unknown') as channel,
        ifNull(toString(users.country), 'unknown') as country,
        if(customers.plan = '', ifNull(toString(users.plan), 'unknown'), customers.plan) as known_plan,
        ifNull(customers.subscribed_on, customers.ordered_on) as customer_since,
        ifNull(customers.subscribed_on between spent.first_day and spent.last_day, false) as is_new,
        greatest(dateDiff('day', customer_since, days.ended_on), 1) / ({{ seconds_of_a_month }} / 86400) as months
    from customers
    inner join days on days.project_id = customers.project_id
    left join spent on spent.project_id = customers.project_id
    left join {{ ref('dim_people') }} as people
        on people.project_id = customers.project_id and people.person_key = customers.person_key
    left join {{ ref('dim_users') }} as users
        on users.project_id = customers.project_id and users.person_key = customers.person_key and users.is_current
)

select
    described.project_id as project_id,
    described.customer_id as customer_id,
    described.person_key as person_key,
    toLowCardinality(described.channel) as channel,
    toLowCardinality(described.country) as country,
    toLowCardinality(described.known_plan) as plan,
    assumeNotNull(described.customer_since) as customer_since,
    assumeNotNull(described.months) as months,
    described.is_new::Bool as is_new,
    described.order_revenue as order_revenue,
    described.subscription_revenue as subscription_revenue,
    described.recurring_revenue as recurring_revenue,
    described.paying_months as paying_months,
    described.times_churned as times_churned,
    -- What a channel cost, spread evenly over those it won.
    if(
        described.is_new,
        ifNull(spent_by_channel.cost, 0)
        / sum(toUInt32(described.is_new)) over (partition by described.project_id, described.channel),
        0
    ) as acquisition_cost
from described
left join spent_by_channel
    on spent_by_channel.project_id = described.project_id and spent_by_channel.channel = described.channel
