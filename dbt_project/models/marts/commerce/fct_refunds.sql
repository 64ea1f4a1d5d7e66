{{ config(order_by=['project_id', 'local_date', 'order_id']) }}

select
    {{ key_of('refunds.project_id', 'refunds.event_id') }} as refund_key,
    refunds.project_id as project_id,
    refunds.order_id as order_id,
    if(orders.order_key is null, null, orders.order_key) as order_key,
    refunds.event_id as event_id,
    refunds.person_id as person_id,
    refunds.person_key as person_key,
    ifNull(users.user_version_key, 0) as user_version_key,
    refunds.session_key as session_key,
    refunds.timestamp as refunded_at,
    refunds.local_date as local_date,
    refunds.amount as amount,
    refunds.currency as currency,
    {{ in_project_currency('refunds', 'amount') }} as refunded_revenue,
    {{ project_currency('refunds.project_id') }} as project_currency,
    refunds.reason as reason
from {{ ref('int_order_events') }} as refunds
{{ join_users_as_of('refunds', 'timestamp', ref('dim_users')) }}
left join {{ ref('fct_orders') }} as orders
    on orders.project_id = refunds.project_id and orders.order_id = refunds.order_id
{{ join_rates('refunds') }}
where refunds.event = 'order_refunded'
