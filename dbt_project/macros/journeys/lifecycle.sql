{#
    Lifecycle. One row per period: how many people were active for the first time (new), again (returning), again after
    a pause (resurrecting), and how many of the period before were not (dormant).

    events, condition, period as in retention; `first` and `last` day of the periods that are told, which may hang on
    project_id. History before them decides who is new.
#}
{% macro lifecycle_periods(events, condition, period, first, last) -%}
with people as (
    select project_id, arraySort(groupUniqArray({{ period_number(period) }})) as active
    from {{ events }}
    where ({{ condition }}) and local_date <= {{ last }}
    group by project_id, person_key
),

states as (
    select
        project_id,
        arrayJoin(arrayConcat(
            arrayMap(
                (this, before, nth) -> (this, multiIf(nth = 1, 'new', before = this - 1, 'returning', 'resurrecting')),
                active, arrayPushFront(arrayPopBack(active), 0), arrayEnumerate(active)
            ),
            arrayMap(
                this -> (this + 1, 'dormant'),
                arrayFilter((this, next) -> next != this + 1, active, arrayPushBack(arrayPopFront(active), 0))
            )
        )) as state
    from people
)

select
    project_id,
    {{ period_start(period, 'state.1') }} as period_date,
    countIf(state.2 = 'new') as new_people,
    countIf(state.2 = 'returning') as returning_people,
    countIf(state.2 = 'resurrecting') as resurrecting_people,
    countIf(state.2 = 'dormant') as dormant_people
from states
where state.1 between {{ period_number(period, '(' ~ first ~ ')') }} and {{ period_number(period, '(' ~ last ~ ')') }}
group by project_id, state.1
order by project_id, state.1
{%- endmacro %}

{# Stickiness. One row per number of active days: on how many days of the range people were active; or, with a
   `period`, on how many days of each. #}
{% macro stickiness_days(events, condition, first, last, period='') -%}
{%- set period_date = period_start(period, period_number(period)) ~ ' as period_date, ' if period else '' -%}
select project_id, {{ 'period_date, ' if period }}days, count() as people
from (
    select project_id, {{ period_date }}uniqExact(local_date) as days
    from {{ events }}
    where ({{ condition }}) and local_date between {{ first }} and {{ last }}
    group by project_id, person_key{{ ', period_date' if period }}
)
group by all
order by all
{%- endmacro %}
