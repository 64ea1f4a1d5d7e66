{{ config(order_by=['project_id', 'moved_at', 'customer_id']) }}

-- What a customer pays per month, as a sum of what begins and what ends. A subscription without a user is a customer.
with steps as (
    select
        project_id,
        if(person_id = '', concat('subscription ', subscription_id), person_id) as customer_id,
        person_key,
        step.1 as moved_at,
        sum(step.2) as change,
        -- What begins is the plan from then on; where nothing does, the one that ended.
        argMax(plan, (step.2 > 0, abs(step.2))) as plan
    from (
        select
            *,
            arrayJoin(arrayConcat(
                [(started_at, assumeNotNull(monthly_revenue))],
                if(ended_at is null, [], [(assumeNotNull(ended_at), -assumeNotNull(monthly_revenue))])
            )) as step
        from {{ ref('fct_subscriptions') }}
        where monthly_revenue is not null
    )
    group by all
    having change != 0
),

balances as (
    select
        *,
        sum(change) over (
            partition by project_id, customer_id order by moved_at rows between unbounded preceding and current row
        ) as after,
        after - change as before,
        row_number() over (partition by project_id, customer_id order by moved_at) > 1 as has_paid_before
    from steps
)

select
    {{ key_of('balances.project_id', 'customer_id', 'moved_at') }} as revenue_movement_key,
    balances.project_id as project_id,
    balances.customer_id as customer_id,
    balances.person_key as person_key,
    ifNull(users.user_version_key, 0) as user_version_key,
    toLowCardinality(balances.plan) as plan,
    toLowCardinality(ifNull(toString(current_users.country), 'unknown')) as country,
    balances.moved_at as moved_at,
    {{ local_date('balances.moved_at', 'balances.project_id') }} as local_date,
    {{ revenue_movement('balances.before', 'balances.after', 'balances.has_paid_before') }}::LowCardinality(String) as movement,
    balances.before as revenue_before,
    balances.after as revenue_after,
    balances.change as revenue_change
from balances
{{ join_users_as_of('balances', 'moved_at', ref('dim_users')) }}
left join {{ ref('dim_users') }} as current_users
    on current_users.project_id = balances.project_id
    and current_users.person_key = balances.person_key
    and current_users.is_current
