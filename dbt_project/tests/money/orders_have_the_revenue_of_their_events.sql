-- Each order once, whatever it was converted into. After a build of what is new the orders of the last 30 days, else all.
{%- set is_part = flags.WHICH == 'build' and not flags.FULL_REFRESH -%}
{%- set since %} {{ "(select max(local_date) - 30 from " ~ ref('fct_orders') ~ ")" if is_part else "toDate(0)" }} {%- endset %}

with told as (
    select project_id, currency, sum(first_amount) as amount, count() as orders
    from (
        select
            project_id,
            argMin(ifNull({{ money('properties.revenue') }}, 0), (timestamp, event_id)) as first_amount,
            argMin(upper(ifNull(toString(properties.currency), '')), (timestamp, event_id)) as currency
        from {{ ref('fct_events') }}
        where
            event = 'order_completed'
            and local_date >= {{ since }}
            -- An order that is told again later is the one that was told first.
            and (project_id, {{ order_id() }}) not in (
                select project_id, order_id from {{ ref('fct_orders') }} where local_date < {{ since }}
            )
        group by project_id, {{ order_id() }}
    )
    group by project_id, currency
),

modelled as (
    select project_id, toString(currency) as currency, sum(ifNull(orders.amount, 0)) as amount, count() as orders
    from {{ ref('fct_orders') }} as orders
    where orders.local_date >= {{ since }}
    group by project_id, currency
)

select *
from told
full outer join modelled on modelled.project_id = told.project_id and modelled.currency = told.currency
where
    ifNull(told.amount, 0) != ifNull(modelled.amount, 0)
    or ifNull(told.orders, 0) != ifNull(modelled.orders, 0)
