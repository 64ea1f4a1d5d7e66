{{ config(order_by=['project_id', 'local_date', 'order_key', 'line_number']) }}

with items as (
    select
        orders.order_key as order_key,
        orders.project_id as project_id,
        orders.ordered_at as ordered_at,
        orders.local_date as local_date,
        orders.person_key as person_key,
        orders.user_version_key as user_version_key,
        orders.session_key as session_key,
        orders.currency as currency,
        line_number,
        product.product_id as product_id,
        product.quantity as quantity,
        product.price as price,
        product.quantity * product.price as amount
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('int_order_events') }} as events
        on events.project_id = orders.project_id
        and events.order_id = orders.order_id
        and events.event_id = orders.event_id
    array join events.products as product, arrayEnumerate(events.products) as line_number
)

select
    {{ key_of('items.order_key', 'items.line_number') }} as order_item_key,
    items.order_key as order_key,
    toUInt32(items.line_number) as line_number,
    items.project_id as project_id,
    items.ordered_at as ordered_at,
    items.local_date as local_date,
    items.person_key as person_key,
    items.user_version_key as user_version_key,
    items.session_key as session_key,
    items.product_id as product_id,
    if(items.product_id = '', 0, {{ key_of('items.project_id', 'items.product_id') }}) as product_key,
    items.quantity as quantity,
    items.price as price,
    items.amount as amount,
    items.currency as currency,
    {{ in_project_currency('items', 'amount') }} as list_revenue
from items
{{ join_rates('items') }}
