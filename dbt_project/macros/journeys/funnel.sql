{#
    Funnels. These macros are plain Jinja, without anything of dbt: `millrace funnel` renders the same text.

    funnel_attempts gives one row per person and day of entry: the best attempt that began that day, the earliest of
    equally good ones.

    events      a relation or subquery with project_id, person_key, timestamp, local_date and what the conditions need
    steps       conditions in SQL, in order
    window_ms   how long after the first step the others count, inclusive
    order       ordered (other events may lie between), strict (none may), unordered (steps in any order)
    exclusions  [{condition, after, before}]: an event after step `after` and before step `before` spoils the attempt
    entered     condition on the local_date of the first step
    scanned     condition on local_date of all events that are read
    value       SQL of the dimension to break down by, and `valued_at`: first, last, or the number of a step
#}
{% macro funnel_attempts(events, steps, window_ms, order='ordered', exclusions=[], entered='true', scanned='true', value='', valued_at='first') -%}
{%- set n = steps | length -%}
{%- set item = "(at, value)" if value else "at" -%}
{%- set nothing = "(toInt64(0), '')" if value else "toInt64(0)" -%}
{%- set instant = ".1" if value else "" -%}
with matched as (
    select
        project_id,
        person_key,
        local_date,
        toUnixTimestamp64Milli(timestamp) as at,
        {{ 'toString(' ~ value ~ ')' if value else "''" }} as value,
        toUInt64({% for step in steps %}{{ ' + ' if not loop.first }}({{ step }}) * {{ 2 ** loop.index0 }}{% endfor %}) as steps,
        [{% for exclusion in exclusions %}{{ ', ' if not loop.first }}({{ exclusion.condition }}){% endfor %}]::Array(Bool) as spoils
    from {{ events }}
    where
        {{ scanned }}
        {%- if order != 'strict' %}
        and ({% for step in steps %}{{ ' or ' if not loop.first }}({{ step }}){% endfor %}{% for exclusion in exclusions %} or ({{ exclusion.condition }}){% endfor %})
        {%- endif %}
),

{# Latest first. At one instant, later steps are later: so events of one instant convert in the order of the steps. #}
people as (
    select
        project_id,
        person_key,
        arrayReverseSort(
            event -> (event.1, if(event.2 = 0, 64, bitCount(bitXor(event.2, event.2 - 1)))),
            groupArrayIf((at, steps, local_date, value), {{ 'true' if order == 'strict' else 'steps > 0' }})
        ) as path
        {%- for exclusion in exclusions %},
        arraySort(groupArrayIf(at, spoils[{{ loop.index }}])) as spoiling_{{ loop.index }}
        {%- endfor %}
    from matched
    group by project_id, person_key
    having countIf({{ 'steps > 0' if order == 'unordered' else 'bitTest(steps, 0)' }} and {{ entered }}) > 0
),

{# Backwards through the events: `seen_k` is what an attempt that needs step k next would take from here on. #}
folded as (
    select
        *,
        arrayFold(
            (seen, event) -> (
                {%- set takes %}{{ '(event.1, event.4)' if value else 'event.1' }}{% endset %}
                {%- if order == 'unordered' %}
                {%- for k in range(n) %}
                if(bitTest(event.2, {{ k }}), {{ takes }}, seen.{{ k + 1 }}),
                {%- endfor %}
                if(event.2 > 0, arrayPushBack(seen.{{ n + 1 }}, (event.1, event.3, event.4, [
                {%- for k in range(n) %}{{ ', ' if k }}if(bitTest(event.2, {{ k }}), {{ takes }}, seen.{{ k + 1 }}){% endfor -%}
                ])), seen.{{ n + 1 }})
                {%- else %}
                {%- for k in range(1, n) %}
                if(
                    bitTest(event.2, {{ k }}),
                    {{ 'arrayPushFront(seen.' ~ (k + 1) ~ ', ' ~ takes ~ ')' if k < n - 1 else '[' ~ takes ~ ']' }},
                    {{ 'arrayResize(seen.' ~ k ~ ', 0)' if order == 'strict' else 'seen.' ~ k }}
                ),
                {%- endfor %}
                if(
                    bitTest(event.2, 0),
                    arrayPushBack(seen.{{ n }}, (event.1, event.3, event.4, arrayPushFront(seen.1, {{ takes }}))),
                    seen.{{ n }}
                )
                {%- endif %}
            ),
            path,
            (
                {%- if order == 'unordered' %}
                {%- for k in range(n) %}{{ nothing }}, {% endfor %}
                {%- else %}
                {%- for k in range(1, n) %}arrayResize([{{ nothing }}], 0), {% endfor %}
                {%- endif %}
                arrayResize([(toInt64(0), toDate(0), '', [{{ nothing }}])], 0)
            )
        ).{{ n + 1 if order == 'unordered' else n }} as begun
    from people
),

attempts as (
    select
        project_id,
        person_key,
        attempt.1 as entered_at,
        attempt.2 as local_date,
        attempt.3 as first_value,
        {%- if order == 'unordered' %}
        arrayFilter(step -> step{{ instant }} > 0 and step{{ instant }} <= entered_at + {{ window_ms }}, attempt.4) as taken,
        {%- else %}
        arrayFilter(step -> step{{ instant }} <= entered_at + {{ window_ms }}, attempt.4) as taken,
        {%- endif %}
        length(taken) as reached
        {%- for exclusion in exclusions %},
        spoiling_{{ loop.index }}
        {%- endfor %}
    from folded
    array join begun as attempt
    where {{ entered }}
)

select
    project_id,
    person_key,
    local_date,
    min(entered_at) as first_entered_at,
    argMin((reached, entered_at, arrayMap(step -> step{{ instant }}, taken), first_value, {{ "arrayMap(step -> step.2, taken)" if value else "['']" }}), (-toInt32(reached), entered_at)) as best,
    best.1 as steps_reached,
    best.2 as entered_ms,
    best.3 as step_times
    {%- if value %},
    {{ 'best.4' if valued_at == 'first' else 'best.5[-1]' if valued_at == 'last' else 'best.5[' ~ valued_at ~ ']' }} as value
    {%- endif %}
from attempts
{%- if exclusions %}
where not (
    {%- for exclusion in exclusions %}
    {%- set times = 'arrayMap(step -> step' ~ instant ~ ', taken)' %}
    {{ 'or ' if not loop.first }}(reached >= {{ exclusion.after }} and arrayExists(
        at -> at > {{ times }}[{{ exclusion.after }}]
            and at <= if(reached >= {{ exclusion.before }}, {{ times }}[{{ exclusion.before }}] - 1, entered_at + {{ window_ms }}),
        spoiling_{{ loop.index }}
    ))
    {%- endfor %}
)
{%- endif %}
group by project_id, person_key, local_date
{%- endmacro %}
