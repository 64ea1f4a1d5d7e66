{{ config(order_by=['project_id', 'local_date', 'order_id']) }}

-- An order that is told twice, by the browser and by the server, is the one that was told first.
with orders as (
    select *
    from {{ ref('int_order_events') }}
    where event = 'order_completed'
    order by timestamp, event_id
    limit 1 by project_id, order_id
)

select
    {{ key_of('orders.project_id', 'orders.order_id') }} as order_key,
    orders.project_id as project_id,
    orders.order_id as order_id,
    orders.event_id as event_id,
    orders.person_id as person_id,
    orders.person_key as person_key,
    ifNull(users.user_version_key, 0) as user_version_key,
    orders.session_key as session_key,
    orders.timestamp as ordered_at,
    orders.local_date as local_date,
    orders.amount as amount,
    orders.currency as currency,
    {{ in_project_currency('orders', 'amount') }} as revenue,
    {{ project_currency('orders.project_id') }} as project_currency,
    orders.discount as discount,
    {{ in_project_currency('orders', 'discount') }} as discount_given,
    orders.coupon as coupon,
    orders.items_count as items_count,
    toUInt32(row_number() over (
        partition by orders.project_id, orders.person_key
        order by orders.timestamp, orders.order_id
    )) as order_number
from orders
{{ join_users_as_of('orders', 'timestamp', ref('dim_users')) }}
{{ join_rates('orders') }}
