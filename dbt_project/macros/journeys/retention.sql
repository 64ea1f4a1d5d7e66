{#
    Retention. One row per cohort and distance: how many of the people of a cohort came back so many periods later.

    events           a relation or subquery with project_id, person_key, timestamp, local_date
    start, returning conditions in SQL
    period           day, week (from Monday), month
    first, last      SQL of the range's first and last day, which may hang on project_id; whole periods within it count
    last_start       SQL of the last day on which a cohort's period may end, where it is not that of the range
    kind             recurring (a member of each period with a start event), first_time (of the first in the range),
                     first_ever (of the first in all history)
    mode             on (came back in that period), on_or_after (in that one or a later one of the range)
    min_occurrences  so many returning events in a period make it count
    value            SQL of a dimension; a member counts where the first start event of their cohort's period was
#}
{% macro retention_cohorts(events, start, returning, period, first, last, kind='recurring', mode='on', min_occurrences=1, value='', last_start='') -%}
{%- set first_period -%}
    {{ period_number(period, '(' ~ first ~ ')') }} + ({{ period_start(period, period_number(period, '(' ~ first ~ ')')) }} < {{ first }})
{%- endset -%}
{%- set last_period = period_number(period, '(' ~ last ~ ') + 1') ~ ' - 1' -%}
{%- set last_cohort = period_number(period, '(' ~ last_start ~ ') + 1') ~ ' - 1' if last_start else 'last_period' -%}
with {% if value or min_occurrences > 1 -%}
active as (
    select
        project_id,
        person_key,
        {{ period_number(period) }} as period,
        countIf({{ start }}) > 0 as starts,
        countIf({{ returning }}) >= {{ min_occurrences }} as returns
        {%- if value %},
        tupleElement(minIf((timestamp, toString({{ value }})), {{ start }}), 2) as value
        {%- endif %}
    from {{ events }}
    where {{ _retention_events(events, start, returning, first, last, kind) }}
    group by project_id, person_key, period
),

people as (
    select
        project_id,
        {{ first_period }} as first_period,
        {{ last_period }} as last_period,
        arraySort(groupArrayIf((period, {{ 'value' if value else "''" }}), starts)) as started,
        groupArrayIf(period, returns) as returned
    from active
    group by project_id, person_key
    having notEmpty(started)
),

{% else -%}
people as (
    select
        project_id,
        {{ first_period }} as first_period,
        {{ last_period }} as last_period,
        groupUniqArrayIf({{ period_number(period) }}, {{ start }}) as started_in,
        arrayMap(period -> (period, ''), arraySort(started_in)) as started,
        {{ 'started_in' if start == returning else 'groupUniqArrayIf(' ~ period_number(period) ~ ', ' ~ returning ~ ')' }} as returned
    from {{ events }}
    where {{ _retention_events(events, start, returning, first, last, kind) }}
    group by project_id, person_key
    having notEmpty(started)
),

{% endif -%}
{# Numbered without gaps, so that a set of members is a small bitmap, and who came back is the intersection of two. #}
members as (
    select
        project_id,
        toUInt32(rowNumberInAllBlocks()) as member,
        {%- set in_range = 'arrayFilter(item -> item.1 between first_period and ' ~ last_cohort ~ ', ' %}
        {%- if kind == 'recurring' %}
        {{ in_range }}started) as cohorts,
        {%- elif kind == 'first_time' %}
        arraySlice({{ in_range }}started), 1, 1) as cohorts,
        {%- else %}
        {{ in_range }}arraySlice(started, 1, 1)) as cohorts,
        {%- endif %}
        arrayFilter(period -> period <= last_period, returned) as back,
        {%- if mode == 'on' %}
        back as later
        {%- else %}
        range(cohorts[1].1 + 1, if(empty(back), 0, arrayMax(back)) + 1) as later
        {%- endif %}
    from people
    where notEmpty(cohorts)
),

marks as (
    select
        project_id,
        member,
        arrayJoin(arrayConcat(
            arrayMap(item -> (true, toInt32(item.1), item.2), cohorts),
            arrayMap(period -> (false, toInt32(period), ''), later)
        )) as mark
    from members
),

sets as (
    select project_id, mark.1 as is_cohort, mark.2 as period, mark.3 as value, groupBitmapState(member) as members
    from marks
    group by all
),

projects as (
    select
        project_id,
        groupArrayIf((period, value, members), is_cohort) as cohorts,
        groupArrayIf((period, members), not is_cohort) as returns
    from sets
    group by project_id
)

select
    project_id,
    {{ period_start(period, 'cohort.1') }} as cohort_date,
    toInt32({{ last_period }} - cohort.1) as distances,
    {{ 'cohort.2 as value,' if value }}
    bitmapCardinality(cohort.3) as size,
    arrayMap(
        far -> arraySum(arrayMap(
            later -> bitmapAndCardinality(cohort.3, later.2),
            arrayFilter(later -> later.1 = cohort.1 + far, returns)
        )),
        range(1, toUInt32(distances + 1))
    ) as returned
from projects
array join cohorts as cohort
order by project_id, cohort_date{{ ', value' if value }}
{%- endmacro %}

{% macro _retention_events(events, start, returning, first, last, kind) -%}
    {%- set days -%} local_date <= {{ last }}{% if kind != 'first_ever' %} and local_date >= {{ first }}{% endif %} {%- endset -%}
    {{ days }}
    {%- if start != 'true' %}
        {%- if start != returning %}
        {#- Most people are members of no cohort: what they did is not gathered. #}
        and person_key in (select person_key from {{ events }} where ({{ start }}) and {{ days }})
        {%- endif %}
        {%- if returning != 'true' %}
        and (({{ start }}) or ({{ returning }}))
        {%- endif %}
    {%- endif %}
{%- endmacro %}
