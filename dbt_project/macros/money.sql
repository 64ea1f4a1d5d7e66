{# Money is decimal. A number of an event is one of JavaScript's: its shortest text is what the sender wrote. #}
{% macro money(number) -%} toDecimal128OrNull(toString(round(toFloat64OrNull(toString({{ number }})), 4)), 4) {%- endmacro %}

{# What the project's amounts are converted into; '' where it is not declared. #}
{% macro project_currency(project='project_id') -%}
    (
        select mapFromArrays(groupArray(project_id), groupArray(toString(currency))) from {{ ref('stg_millrace__projects') }}
    )[toString({{ project }})]
{%- endmacro %}

{# Of an amount: what was said beside it; without a word the project's. #}
{% macro currency_of(said) -%}
    toLowCardinality(upper(ifNull(nullIf(toString({{ said }}), ''), {{ project_currency() }})))
{%- endmacro %}

{# What in_project_currency needs beside a fact that has project_id, local_date and currency. #}
{% macro join_rates(facts) -%}
    left join {{ ref('int_project_rates') }} as rates
        on rates.project_id = {{ facts }}.project_id
        and rates.local_date = {{ facts }}.local_date
        and rates.currency = {{ facts }}.currency
{%- endmacro %}

{# An amount by the rate of its day, not rounded, so that sums of it are exact. Without a rate it is NULL: a guess would
   look like money. #}
{% macro in_project_currency(facts, amount) -%}
    if(
        {{ facts }}.currency = {{ project_currency(facts ~ '.project_id') }},
        toDecimal128({{ facts }}.{{ amount }}, 12),
        toDecimal128({{ facts }}.{{ amount }}, 4) * rates.rate
    )
{%- endmacro %}

{# How recurring revenue moved from one amount to another; `ever` says whether there was any before. #}
{% macro revenue_movement(before, after, ever) -%}
    multiIf(
        {{ before }} = 0 and {{ after }} > 0, if({{ ever }}, 'reactivation', 'new'),
        {{ before }} > 0 and {{ after }} = 0, 'churned',
        {{ after }} > {{ before }}, 'expansion',
        {{ after }} < {{ before }}, 'contraction',
        'none'
    )
{%- endmacro %}

{% macro recurring_movements() -%} {{ return(['new', 'reactivation', 'expansion', 'contraction', 'churned']) }} {%- endmacro %}
