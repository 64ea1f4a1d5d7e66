{{ config(materialized='view', sql_security='definer', definer='CURRENT_USER') }}

{#- Of customers that pay by the month, how many of all are taken into a segment's rate: so much does a small one not know. #}
{%- set months_of_all = 60 %}

with customers as (
    select
        known.project_id as project_id,
        known.channel as channel,
        known.country as country,
        known.plan as plan,
        known.customer_since as customer_since,
        known.months as months,
        known.is_new as is_new,
        known.order_revenue as order_revenue,
        known.subscription_revenue as subscription_revenue,
        known.recurring_revenue as recurring_revenue,
        known.paying_months as paying_months,
        known.times_churned as times_churned,
        known.acquisition_cost as acquisition_cost,
        predicted.expected_value_365_days as expected_orders,
        sum(known.times_churned) over (partition by known.project_id)
        / greatest(sum(known.paying_months) over (partition by known.project_id), 1) as churn_of_all
    from {{ ref('int_customers') }} as known
    left join {{ ref('pred_lifetime_value') }} as predicted
        on predicted.project_id = known.project_id and predicted.person_key = known.person_key
),

-- By channel and in all, spend that won nobody counts as well.
parts as (
    select
        project_id,
        one.1 as dimension,
        one.2 as segment,
        1 as customers,
        toUInt32(is_new) as new_customers,
        order_revenue + subscription_revenue as revenue,
        if(is_new, revenue, 0) as revenue_of_new,
        if(is_new, months, 0) as months_of_new,
        recurring_revenue,
        paying_months,
        times_churned,
        churn_of_all,
        expected_orders,
        if(dimension in ('all', 'channel'), 0, acquisition_cost) as acquisition_cost
    from customers
    array join [
        ('all', 'all'),
        ('channel', toString(channel)),
        ('country', toString(country)),
        ('plan', toString(plan)),
        ('cohort month', formatDateTime(customer_since, '%Y-%m'))
    ] as one
    union all
    select
        project_id,
        one.1,
        one.2,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        toFloat64(ifNull(cost, 0))
    from {{ ref('fct_marketing_spend') }}
    array join [('all', 'all'), ('channel', toString(channel))] as one
),

summed as (
    select
        project_id,
        dimension,
        segment,
        sum(parts.customers) as customers,
        sum(parts.new_customers) as new_customers,
        sum(parts.revenue) as revenue,
        sum(parts.revenue_of_new) as revenue_of_new,
        sum(parts.months_of_new) as months_of_new,
        sum(parts.recurring_revenue) as recurring_revenue,
        max(parts.churn_of_all) as churn_of_all,
        (sum(parts.times_churned) + churn_of_all * {{ months_of_all }})
        / (sum(parts.paying_months) + {{ months_of_all }}) as monthly_churn,
        sum(ifNull(parts.expected_orders, 0)) as expected_order_revenue,
        sum(parts.acquisition_cost) as acquisition_cost
    from parts
    group by project_id, dimension, segment
)

select
    project_id,
    dimension::LowCardinality(String) as dimension,
    segment,
    toUInt64(customers) as customers,
    toUInt64(new_customers) as new_customers,
    revenue,
    if(
        project_id in (select project_id from {{ ref('pred_lifetime_value') }}), expected_order_revenue, null
    )::Nullable(Float64) as expected_order_revenue_365_days,
    recurring_revenue,
    monthly_churn,
    -- Month by month as many as stay: a geometric series.
    recurring_revenue * if(
        monthly_churn = 0, 12, (1 - monthly_churn) * (1 - pow(1 - monthly_churn, 12)) / monthly_churn
    ) as expected_recurring_revenue_365_days,
    (
        (revenue + expected_recurring_revenue_365_days + expected_order_revenue_365_days) / nullIf(customers, 0)
    )::Nullable(Float64) as lifetime_value,
    acquisition_cost,
    (nullIf(acquisition_cost, 0) / nullIf(new_customers, 0))::Nullable(Float64) as cac,
    (cac / nullIf(revenue_of_new / nullIf(months_of_new, 0), 0))::Nullable(Float64) as payback_months
from summed
