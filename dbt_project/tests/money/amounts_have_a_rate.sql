{{ config(severity='warn', meta={'dimension': 'completeness'}) }}

-- What is missing in sums of the project's currency. Load the rates of these days, and the next build has them.
{%- set amounts = [
    ('fct_orders', 'amount', 'revenue'),
    ('fct_refunds', 'amount', 'refunded_revenue'),
    ('fct_subscriptions', 'monthly_amount', 'monthly_revenue'),
    ('fct_marketing_spend', 'amount', 'cost'),
] %}
{%- for fact, sent, converted in amounts %}
select
    '{{ fact }}' as fact,
    toString(project_id) as project_id,
    local_date,
    toString(currency) as currency,
    sum(facts.{{ sent }}) as amount
from {{ ref(fact) }} as facts
where facts.{{ sent }} is not null and facts.{{ converted }} is null
group by all
{{ 'union all' if not loop.last }}
{%- endfor %}
