{{ config(order_by=['project_id', 'person_key']) }}

with customers as (
    select
        project_id,
        person_key,
        max(local_date) as last_order_on,
        uniqExact(local_date) as purchases,
        sum(toFloat64(ifNull(revenue, 0))) as paid
    from {{ ref('fct_orders') }}
    where person_id != ''
    group by project_id, person_key
)

-- A fifth of all customers each; who are alike get the same, so that many who ordered once are all at 1.
select
    project_id,
    person_key,
    last_order_on,
    purchases,
    paid,
    {%- for score, column in [('recency', 'last_order_on'), ('frequency', 'purchases'), ('monetary', 'paid')] %}
    toUInt8(least(5, 1 + floor(5 * percent_rank() over (partition by project_id order by {{ column }})))) as {{ score }},
    {%- endfor %}
    toLowCardinality(multiIf(
        recency >= 4 and frequency >= 4, 'champions',
        recency <= 2 and frequency >= 4, 'at risk',
        frequency >= 4, 'loyal',
        recency >= 4, 'recent',
        recency <= 2, 'asleep',
        'in between'
    )) as rfm_segment
from customers
