{#
    Retention as a mart: of the people of each cohort, how many came back so many periods later. Cohorts of the same kind
    may be added up, so a rate is sum(returned) / sum(members).

    start, returning   an event by its name, or * for any
    period             day, week (from Monday), month
    periods            the highest age that is told
    kinds              recurring, first_ever; see retention_cohorts
#}
{% macro retention_mart(title, owner, period, periods, start='*', returning='*', kinds=['recurring', 'first_ever'], tags=[]) -%}
{{- config(materialized='table', order_by=['project_id', 'kind', 'cohort_date', 'age']) -}}
{{- declare_journey('retention', title, owner, tags, 'up', {
    'start': start, 'returning': returning, 'period': period, 'periods': periods, 'kinds': kinds,
}, [start, returning]) -}}
{%- if not kinds or kinds | reject('in', ['recurring', 'first_ever']) | list -%}
    {{ wrong_declaration('kinds are recurring and first_ever, not ' ~ kinds) }}
{%- elif periods is not integer or periods < 1 -%}
    {{ wrong_declaration('periods is a number of 1 and more, not ' ~ periods) }}
{%- endif -%}
{%- set days = ref('agg_person_days') -%}
select
    project_id,
    toLowCardinality(kind) as kind,
    cohort_date,
    toUInt16(age) as age,
    size as members,
    if(age = 0, size, came_back) as returned
from (
    {%- for kind in kinds %}
    select project_id, '{{ kind }}' as kind, cohort_date, size, arrayPushFront(arraySlice(returned, 1, {{ periods }}), 0) as back
    from (
        {{ retention_cohorts(
            days, on_days_with(start), on_days_with(returning), period,
            before_all_events(), last_day_with_events(),
            kind=kind,
        ) }}
    )
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)
array join back as came_back, range(toUInt32(length(back))) as age
{%- endmacro %}

{# The first of a year, a month and a week; raw takes no event from before 2000. #}
{% macro before_all_events() -%} toDate('1990-01-01') {%- endmacro %}

{# The last day of which the project at hand has events. Others may have later ones, by their timezone already: of those
   days nothing is known of this project yet. #}
{% macro last_day_with_events() -%}
    (
        select mapFromArrays(groupArray(project_id), groupArray(assumeNotNull(last_event_on)))
        from {{ ref('dim_projects') }}
        where last_event_on is not null
    )[project_id]
{%- endmacro %}
