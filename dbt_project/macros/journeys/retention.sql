{#
    Retention. One row per cohort and distance: how many of the people of a cohort came back so many periods later.

    events           a relation or subquery with project_id, person_key, timestamp, local_date
    start, returning conditions in SQL
    period           day, week (from Monday), month
    first, last      SQL of the range's first and last day; whole periods within it count
    kind             recurring (a member of each period with a start event), first_time (of the first in the range),
                     first_ever (of the first in all history)
    mode             on (came back in that period), on_or_after (in that one or a later one of the range)
    min_occurrences  so many returning events in a period make it count
    value            SQL of a dimension; a member counts where the first start event of their cohort's period was
#}
{% macro retention_cohorts(events, start, returning, period, first, last, kind='recurring', mode='on', min_occurrences=1, value='') -%}
with spans as (
    select
        {{ period_number(period, '(' ~ first ~ ')') }}
            + ({{ period_start(period, period_number(period, '(' ~ first ~ ')')) }} < {{ first }}) as first_period,
        {{ period_number(period, '(' ~ last ~ ') + 1') }} - 1 as last_period
),

active as (
    select
        project_id,
        person_key,
        {{ period_number(period) }} as period,
        countIf({{ start }}) > 0 as starts,
        countIf({{ returning }}) >= {{ min_occurrences }} as returns
        {%- if value %},
        argMinIf(toString({{ value }}), timestamp, {{ start }}) as value
        {%- endif %}
    from {{ events }}
    where
        (({{ start }}) or ({{ returning }}))
        and local_date <= {{ last }}
        {%- if kind != 'first_ever' %}
        and local_date >= {{ first }}
        {%- endif %}
    group by project_id, person_key, period
),

people as (
    select
        project_id,
        arraySort(groupArrayIf((period, {{ 'value' if value else "''" }}), starts)) as started,
        arraySort(groupArrayIf(period, returns)) as returned
    from active
    group by project_id, person_key
    having notEmpty(started)
),

members as (
    select
        project_id,
        started_in.1 as cohort,
        started_in.2 as value,
        arrayFilter(
            period -> period > cohort and period <= (select last_period from spans),
            returned
        ) as later
    from people
    array join
    {%- if kind == 'first_ever' %}
        arrayFilter(
            item -> item.1 between (select first_period from spans) and (select last_period from spans),
            arraySlice(started, 1, 1)
        ) as started_in
    {%- else %}
        {{ 'arraySlice(' if kind == 'first_time' }}arrayFilter(
            item -> item.1 between (select first_period from spans) and (select last_period from spans),
            started
        ){{ ', 1, 1)' if kind == 'first_time' }} as started_in
    {%- endif %}
),

cells as (
    select project_id, cohort, value, 0 as distance, count() as people
    from members
    group by all
    union all
    select
        project_id,
        cohort,
        value,
        {%- if mode == 'on' %}
        arrayJoin(later) - cohort as distance,
        {%- else %}
        arrayJoin(range(1, toUInt32(if(empty(later), 0, later[-1] - cohort) + 1))) as distance,
        {%- endif %}
        count() as people
    from members
    group by all
)

select
    project_id,
    {{ period_start(period, 'cohort') }} as cohort_date,
    toInt32((select last_period from spans) - cohort) as distances,
    {{ 'value,' if value }}
    sumIf(people, distance = 0) as size,
    arrayMap(
        far -> toUInt64(arraySum(cell -> if(cell.1 = far, cell.2, 0), groupArray((distance, people)))),
        range(1, toUInt32(distances + 1))
    ) as returned
from cells
group by project_id, cohort{{ ', value' if value }}
order by project_id, cohort{{ ', value' if value }}
{%- endmacro %}
