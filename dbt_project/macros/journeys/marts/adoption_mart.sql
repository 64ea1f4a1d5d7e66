{#
    Feature adoption as a mart: per week, how many people used each feature, of how many who were active.

    features    [{label, event, filters}]; with the label '{name}' an event stands for as many features as its property
                `name` has values
#}
{% macro adoption_mart(title, owner, features, tags=[]) -%}
{%- set features = declared_steps(features) -%}
{#- A week is the row of its Monday: a change of any day of it makes the Monday anew. -#}
{{- config(materialized='by_day', partition_by='local_date', order_by=['project_id', 'feature'], days_before=6) -}}
{{- declare_journey('adoption', title, owner, tags, 'up', {'features': features}, features | map(attribute='event') | list) -}}
with used as (
    select
        project_id,
        toMonday(local_date) as week,
        person_key,
        arrayJoin([
            {%- for feature in features %}
            if(ifNull({{ condition_of(feature) }}, false), {{ _feature_name(feature.label) }}, ''){{ ',' if not loop.last }}
            {%- endfor %}
        ]) as feature
    from {{ ref('fct_events') }}
    where {{ in_days(after=6) }} and {{ in_days('toMonday(local_date)') }} and {{ events_of(features) }}
),

features as (
    select project_id, week, feature, uniqExact(person_key) as people, count() as uses
    from used
    where feature != ''
    group by project_id, week, feature
),

weeks as (
    select project_id, toMonday(local_date) as week, uniqExact(person_key) as active_people
    from {{ ref('agg_person_days') }}
    where {{ in_days(after=6) }} and {{ in_days('toMonday(local_date)') }}
    group by project_id, week
)

select
    weeks.project_id as project_id,
    weeks.week as local_date,
    toLowCardinality(features.feature) as feature,
    features.people as people,
    features.uses as uses,
    weeks.active_people as active_people
from features
inner join weeks on weeks.project_id = features.project_id and weeks.week = features.week
{%- endmacro %}

{% macro _feature_name(label) -%}
    {{ event_value('properties.' ~ label[1:-1]) if label[:1] == '{' and label[-1:] == '}' else text_literal(label) }}
{%- endmacro %}
