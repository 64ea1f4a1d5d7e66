{{ config(order_by=['project_id', 'started_at', 'subscription_id']) }}

with periods as (
    select
        *,
        {{ local_date('started_at') }} as local_date,
        ifNull(user_id, '') as person_id,
        if(person_id = '', 0, {{ key_of('project_id', 'person_id') }}) as person_key
    from {{ ref('stg_billing__subscriptions') }}
)

select
    {{ key_of('periods.project_id', 'periods.subscription_id', 'periods.started_at') }} as subscription_period_key,
    periods.project_id as project_id,
    periods.subscription_id as subscription_id,
    periods.person_id as person_id,
    periods.person_key as person_key,
    ifNull(users.user_version_key, 0) as user_version_key,
    ifNull(toString(periods.plan), 'unknown') as plan,
    ifNull(toString(periods.status), 'unknown') as status,
    periods.started_at as started_at,
    periods.ended_at as ended_at,
    periods.local_date as local_date,
    periods.amount as monthly_amount,
    ifNull(toString(periods.currency), '') as currency,
    {{ in_project_currency('periods', 'amount') }} as monthly_revenue,
    {{ project_currency('periods.project_id') }} as project_currency
from periods
{{ join_users_as_of('periods', 'started_at', ref('dim_users')) }}
{{ join_rates('periods') }}
