{{ config(order_by=['project_id', 'month']) }}

-- Of each customer only where they stood at the ends of two months: what cancels out in between is no movement.
with moved as (
    select
        project_id,
        customer_id,
        toStartOfMonth(local_date) as month,
        argMin(revenue_before, moved_at) as before,
        argMax(revenue_after, moved_at) as after,
        min(min(local_date)) over (partition by project_id, customer_id) < month as has_paid_before
    from {{ ref('fct_revenue_movements') }}
    group by project_id, customer_id, month
),

changes as (
    select
        project_id,
        month,
        sum(after - before) as change,
        sum((after > 0)::Int64 - (before > 0)::Int64) as subscribers_change,
        {%- for movement in recurring_movements() %}
        sumIf(
            {{ 'before - after' if movement in ('contraction', 'churned') else 'after - before' }},
            {{ revenue_movement('before', 'after', 'has_paid_before') }} = '{{ movement }}'
        ) as {{ movement }}_revenue{{ ',' if not loop.last }}
        {%- endfor %}
    from moved
    group by project_id, month
),

-- Months without a movement as well, up to the last one of which anything is known of the project.
months as (
    select
        project_id,
        arrayJoin(arrayMap(
            n -> addMonths(toStartOfMonth(first_date), n),
            range(toUInt32(dateDiff('month', toStartOfMonth(first_date), toStartOfMonth(last_date)) + 1))
        )) as month
    from (
        select
            project_id,
            minIf(local_date, is_movement) as first_date,
            max(local_date) as last_date
        from (
            select project_id, local_date, true as is_movement from {{ ref('fct_revenue_movements') }}
            union all
            select project_id, local_date, false as is_movement from {{ ref('agg_daily_events') }}
        )
        group by project_id
        having countIf(is_movement) > 0
    )
)

select
    months.project_id as project_id,
    months.month as month,
    sum(ifNull(changes.change, 0)) over to_here - ifNull(changes.change, 0) as start_revenue,
    ifNull(changes.new_revenue, 0) as new_revenue,
    ifNull(changes.reactivation_revenue, 0) as reactivation_revenue,
    ifNull(changes.expansion_revenue, 0) as expansion_revenue,
    ifNull(changes.contraction_revenue, 0) as contraction_revenue,
    ifNull(changes.churned_revenue, 0) as churned_revenue,
    sum(ifNull(changes.change, 0)) over to_here as end_revenue,
    toUInt64(sum(ifNull(changes.subscribers_change, 0)) over to_here) as subscribers
from months
left join changes on changes.project_id = months.project_id and changes.month = months.month
window to_here as (partition by months.project_id order by months.month rows between unbounded preceding and current row)
