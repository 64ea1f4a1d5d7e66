{# Lifecycle as a mart: per period, who is new, stayed, came back, went. `event`: what makes somebody active, * for anything. #}
{% macro lifecycle_mart(title, owner, period, event='*', tags=[]) -%}
{{- config(materialized='table', order_by=['project_id', 'period_date']) -}}
{{- declare_journey('lifecycle', title, owner, tags, none, {'event': event, 'period': period}, [event]) -}}
{%- set days = ref('agg_person_days') -%}
select
    project_id,
    period_date,
    new_people,
    returning_people,
    resurrecting_people,
    dormant_people,
    toBool({{ period_start(period, '(' ~ period_number(period, 'period_date') ~ ' + 1)') }} <= {{ last_day_with_events() }} + 1) as is_complete
from (
    {{ lifecycle_periods(days, on_days_with(event), period, before_all_events(), last_day_with_events()) }}
)
{%- endmacro %}

{# Stickiness as a mart: per period, how many people were active on how many days of it. #}
{% macro stickiness_mart(title, owner, period, event='*', tags=[]) -%}
{{- config(materialized='table', order_by=['project_id', 'period_date', 'days']) -}}
{{- declare_journey('stickiness', title, owner, tags, 'up', {'event': event, 'period': period}, [event]) -}}
{%- set people = ref('agg_person_days') -%}
select
    project_id,
    period_date,
    toUInt8(days) as days,
    people,
    toBool({{ period_start(period, '(' ~ period_number(period, 'period_date') ~ ' + 1)') }} <= {{ last_day_with_events() }} + 1) as is_complete
from (
    {{ stickiness_days(people, on_days_with(event), "toDate('1970-01-01')", "toDate('2149-06-06')", period=period) }}
)
{%- endmacro %}
