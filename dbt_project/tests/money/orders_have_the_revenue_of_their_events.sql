-- Each order once, whatever it was converted into.
with told as (
    select project_id, currency, sum(first_amount) as amount, count() as orders
    from (
        select
            project_id,
            argMin(ifNull({{ money('properties.revenue') }}, 0), (timestamp, event_id)) as first_amount,
            argMin(upper(ifNull(toString(properties.currency), '')), (timestamp, event_id)) as currency
        from {{ ref('fct_events') }}
        where event = 'order_completed'
        group by project_id, {{ order_id() }}
    )
    group by project_id, currency
),

modelled as (
    select project_id, toString(currency) as currency, sum(ifNull(orders.amount, 0)) as amount, count() as orders
    from {{ ref('fct_orders') }} as orders
    group by project_id, currency
)

select *
from told
full outer join modelled on modelled.project_id = told.project_id and modelled.currency = told.currency
where
    ifNull(told.amount, 0) != ifNull(modelled.amount, 0)
    or ifNull(told.orders, 0) != ifNull(modelled.orders, 0)
