{#
    Funnels. Plain Jinja, without anything of dbt: `millrace funnel` renders the same text.

    funnel_attempts gives the best attempt of each person and day of entry: the one that came furthest, the earliest of
    those. Columns: project_id, person_key, local_date (of the first step), steps_reached, entered_ms and step_times (in
    milliseconds), and value where one is asked for.

    events      a relation or subquery with project_id, person_key, timestamp, local_date and what the conditions need
    steps       conditions in SQL, in order; see step_condition. With the exclusions at most 15
    window_ms   how long after the first step the others count, inclusive
    order       ordered (other events may lie between), strict (none may), unordered (steps in any order: `step k` is then
                the moment at which k of them were done)
    exclusions  [{condition, after, before}]: an event after step `after` and before step `before` spoils the attempt
    entered     condition on the local_date of the first step
    scanned     condition on all events that are read
    value       SQL of what to keep of the event at `valued_at`: first, last, or the number of a step. A text, to break down
                by; of the first step anything, a tuple as well
    per         day, or person: then only the best of all attempts of a person, without local_date
    overlapping for unordered steps: whether one event may match several of them. It satisfies one only, and how many
                steps such events can make is found by looking at every subset of the steps: at most 5 steps then
#}
{% macro funnel_attempts(events, steps, window_ms, order='ordered', exclusions=[], entered='true', scanned='true', value='', valued_at='first', per='day', overlapping=true) -%}
{%- set n, step_bit = steps | length, exclusions | length + 1 -%}
{%- set shift = step_bit + n + 5 -%}
{%- set carries_value = value and valued_at != 'first' -%}
{%- set never = 'toInt64(9223372036854775807)' -%}
{#- What is kept of an event that takes a step: its time, the next time of each exclusion, its value. -#}
{%- set kept = ['at'] -%}
{%- for exclusion in exclusions %}{% set _ = kept.append('spoilt_' ~ loop.index) %}{% endfor -%}
{%- set nothing = 'tuple(' ~ ([never] * (kept | length) + (["''"] if carries_value else [])) | join(', ') ~ ')' -%}
{%- if carries_value %}{% set _ = kept.append('value') %}{% endif -%}
{#- In any order: sets of steps as bits, each with its number of members. -#}
{%- set sets = [] -%}
{%- for set in range(1, 2 ** n) if order == 'unordered' -%}
    {%- set members = '{:b}'.format(set).count('1') -%}
    {%- if overlapping or members == 1 %}{% set _ = sets.append((set, members)) %}{% endif -%}
{%- endfor -%}
{%- set any_step = (2 ** n - 1) * 2 ** step_bit -%}
{%- set first_step = any_step if order == 'unordered' else 2 ** step_bit -%}
with matched as (
    select
        project_id,
        person_key,
        local_date,
        toUInt64({% for step in steps %}{{ ' + ' if not loop.first }}ifNull({{ step }}, false) * {{ 2 ** loop.index0 }}{% endfor %}) as mask,
        {#- One number per event that sorts as a funnel wants it: by time; at one instant by the first step it may take,
            then by all steps it may take. The lowest bits: whether a first step may be taken, and what it spoils. #}
        bitShiftLeft(toUInt64(toUnixTimestamp64Milli(timestamp)), {{ shift }})
            + bitShiftLeft(if(mask = 0, 31, toUInt64(bitCount(bitXor(mask, mask - 1)) - 1)), {{ shift - 5 }})
            + bitShiftLeft(mask, {{ step_bit }})
            {%- for exclusion in exclusions %}
            + ifNull({{ exclusion.condition }}, false) * {{ 2 ** loop.index }}
            {%- endfor %}
            + ({{ entered }}) as code,
        {{ value or 'NULL' }} as value
    from {{ events }}
    where
        {{ scanned }}
        {%- if order != 'strict' %}
        and ({% for step in steps %}{{ ' or ' if not loop.first }}({{ step }}){% endfor %}{% for exclusion in exclusions %} or ({{ exclusion.condition }}){% endfor %})
        {%- endif %}
),

people as (
    select
        project_id,
        person_key,
        {%- if value or per == 'day' %}
        arraySort(groupArray((code, value, {{ 'local_date' if per == 'day' else 'NULL' }}))) as path,
        path.1 as codes,
        {%- else %}
        arraySort(groupArray(code)) as codes,
        {%- endif %}
        arrayMap(code -> toInt64(bitShiftRight(code, {{ shift }})), codes) as times
    from matched
    group by project_id, person_key
    having countIf(bitTest(code, 0) and bitAnd(code, {{ first_step }}) > 0) > 0
),

{% if exclusions -%}
{# Beside each event, the next of the exclusion at a later instant. #}
exclusions as (
    select
        *
        {%- for exclusion in exclusions %},
        arrayReverseFill(
            (next, at, at_next_place) -> at != at_next_place,
            {{ _next_place(
                'arrayReverseFill(at -> at < ' ~ never ~ ', arrayMap((at, code) -> if(bitTest(code, ' ~ loop.index
                ~ '), at, ' ~ never ~ '), times, codes))', never
            ) }},
            times,
            {{ _next_place('times', never) }}
        ) as next_spoilt_{{ loop.index }}
        {%- endfor %}
    from people
),

{% endif -%}
chains_0 as (
    select
        *,
        arrayMap(
            ({{ kept | join(', ') }}) -> tuple({{ kept | join(', ') }}),
            times{% for exclusion in exclusions %}, next_spoilt_{{ loop.index }}{% endfor %}{{ ', path.2' if carries_value }}
        ) as takes
    from {{ 'exclusions' if exclusions else 'people' }}
),

{# Beside each event, what an attempt takes that needs the last r steps from here on. In any order: the next r events that
   match a step of a set. Arrays are walked side by side and never looked into: a lambda copies what it captures for every
   element, and folding copies the whole state at every event. #}
{% for r in range(1, n + 1) -%}
chains_{{ r }} as (
    select
        *
        {%- for set, size in (sets if order == 'unordered' else [(2 ** (n - r), n)]) if size >= r %}
        {%- set name = 'next_' ~ (set if order == 'unordered' else '') ~ '_' %}
        {%- set taking %}arrayMap(
            (code, take{{ ', later' if r > 1 }}) -> if(
                bitAnd(code, {{ set * 2 ** step_bit }}) > 0,
                {{ 'tupleConcat(tuple(take), later)' if r > 1 else 'tuple(take)' }},
                tuple({{ ([nothing] * r) | join(', ') }})
            ),
            codes, takes{% if r > 1 %}, {{ _next_place(name ~ (r - 1), 'tuple(' ~ (([nothing] * (r - 1)) | join(', ')) ~ ')') }}{% endif %}
        ){% endset %},
        {{ taking if order == 'strict' or (order == 'ordered' and r == n) else 'arrayReverseFill(chain -> chain.1.1 < ' ~ never ~ ', ' ~ taking ~ ')' }} as {{ name ~ r }}
        {%- endfor %}
    from chains_{{ r - 1 }}
),

{% endfor -%}
entries as (
    select
        project_id,
        person_key,
        arrayFilter(
            (entry, code) -> bitTest(code, 0) and bitAnd(code, {{ first_step }}) > 0,
            {%- if order == 'unordered' %}
            {#- Step k is done with the latest of: of each set, the event that leaves only n - k steps undone (Hall). #}
            arrayMap(
                ({% for set, size in sets %}chain_{{ set }}, {% endfor %}event) -> ({% if overlapping %}[
                    {%- for k in range(1, n + 1) %}{{ ', ' if k > 1 }}arrayReduce('max', [
                        {%- set these = [] %}
                        {%- for set, size in sets if size - n + k > 0 %}{% set _ = these.append('chain_' ~ set ~ '.' ~ (size - n + k)) %}{% endfor %}
                        {{- these | join(', ') }}])
                    {%- endfor %}]
                    {%- else %}arraySort([{% for set, size in sets %}{{ ', ' if not loop.first }}chain_{{ set }}.1{% endfor %}]){% endif %}, event),
                {% for set, size in sets %}next_{{ set }}_{{ size }}, {% endfor %}{{ 'path' if value or per == 'day' else 'codes' }}
            ),
            {%- else %}
            arrayMap(
                (chain, event) -> ([{% for k in range(1, n + 1) %}{{ ', ' if k > 1 }}chain.{{ k }}{% endfor %}], event),
                next__{{ n }}, {{ 'path' if value or per == 'day' else 'codes' }}
            ),
            {%- endif %}
            codes
        ) as begun
    from chains_{{ n }}
),

{# Sorted so that of each day the best attempt comes first. #}
attempts as (
    select
        project_id,
        person_key,
        arraySort(arrayFilter(
            attempt -> true
            {%- for exclusion in exclusions %} and not (
                -attempt.2 >= {{ exclusion.after }}
                and attempt.5[{{ exclusion.after }}].{{ loop.index + 1 }}
                    < if(-attempt.2 >= {{ exclusion.before }}, attempt.3[{{ exclusion.before }}], attempt.3[1] + {{ window_ms + 1 }})
            ){% endfor %},
            arrayMap(
                (entry, taken) -> (
                    {{ 'entry.2.3' if per == 'day' else '0' }},
                    -toInt8(length(taken)),
                    taken.1,
                    {{ 'taken.' ~ (kept | length) if carries_value else '[entry.2.2]' if value else '0' }},
                    taken
                ),
                begun,
                arrayMap(entry -> arrayFilter(take -> take.1 <= entry.1[1].1 + {{ window_ms }}, entry.1), begun)
            )
        )) as sorted
    from entries
)

select
    project_id,
    person_key,
    {%- if per == 'day' %}
    best.1 as local_date,
    {%- endif %}
    toUInt8(-best.2) as steps_reached,
    best.3[1] as entered_ms,
    best.3 as step_times
    {%- if value %},
    best.4[{{ '1' if valued_at == 'first' else '-1' if valued_at == 'last' else valued_at }}] as value
    {%- endif %}
from attempts
{%- if per == 'day' %}
array join arrayFilter((attempt, day_before) -> attempt.1 != day_before, sorted, arrayPopBack(arrayPushFront(sorted.1, toDate(0)))) as best
{%- else %}
array join arraySlice(sorted, 1, 1) as best
{%- endif %}
{%- endmacro %}

{% macro _next_place(array, filler) -%} arrayPushBack(arrayPopFront({{ array }}), {{ filler }}) {%- endmacro %}
