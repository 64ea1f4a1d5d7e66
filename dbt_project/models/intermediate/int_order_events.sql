{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'order_id', 'event'],
) }}

select
    project_id,
    event_id,
    event,
    {{ order_id() }} as order_id,
    timestamp,
    local_date,
    person_id,
    person_key,
    session_key,
    {{ money('properties.revenue') }} as amount,
    {{ currency_of('properties.currency') }} as currency,
    {{ money('properties.discount') }} as discount,
    ifNull(toString(properties.coupon), '')::LowCardinality(String) as coupon,
    toUInt64OrNull(toString(properties.items_count)) as items_count,
    ifNull(toString(properties.reason), '')::LowCardinality(String) as reason,
    cast(
        arrayMap(
            item -> (ifNull(toString(item.product_id), ''), toInt64OrNull(toString(item.quantity)), {{ money('item.price') }}),
            properties.products[]
        ),
        'Array(Tuple(product_id String, quantity Nullable(Int64), price Nullable(Decimal(38, 4))))'
    ) as products
from {{ ref('fct_events') }}
where {{ in_days() }} and event in ('order_completed', 'order_refunded')
