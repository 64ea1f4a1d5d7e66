{{ config(order_by=['project_id', 'changed_at', 'subscription_id']) }}

with changes as (
    select
        subscription_period_key,
        project_id,
        subscription_id,
        person_key,
        plan,
        step.1 as change,
        step.2 as changed_at,
        step.3 as subscriptions_change,
        step.4 as revenue_change
    from (
        select
            *,
            arrayJoin(arrayConcat(
                [('begin', started_at, toInt8(1), assumeNotNull(monthly_revenue))],
                if(ended_at is null, [], [('end', assumeNotNull(ended_at), toInt8(-1), -assumeNotNull(monthly_revenue))])
            )) as step
        from {{ ref('fct_subscriptions') }}
        where monthly_revenue > 0
    )
)

select
    {{ key_of('changes.subscription_period_key', 'changes.change') }} as subscription_change_key,
    changes.project_id as project_id,
    changes.subscription_id as subscription_id,
    changes.person_key as person_key,
    changes.plan as plan,
    toLowCardinality(ifNull(toString(users.country), 'unknown')) as country,
    toLowCardinality(changes.change) as change,
    changes.changed_at as changed_at,
    {{ local_date('changes.changed_at', 'changes.project_id') }} as local_date,
    changes.subscriptions_change as subscriptions_change,
    changes.revenue_change as revenue_change
from changes
left join {{ ref('dim_users') }} as users
    on users.project_id = changes.project_id and users.person_key = changes.person_key and users.is_current
