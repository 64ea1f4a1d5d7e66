{#
    A funnel as a mart: the best attempt of each person and day of entry. Whoever asks for other days than single ones counts
    people, not rows: uniqExactIf(person_key, steps_reached >= 2).

    title, owner    for people who see it
    steps           [{label, event, filters}], filters as in step_condition
    within_days     how long after the first step the others count, inclusive
    order           ordered, strict, unordered
    exclusions      [{event, filters, after, before}]: this event after step `after` and before step `before` voids an attempt
    good            which way the conversion should go: up or down
#}
{% macro funnel_mart(title, owner, steps, within_days=14, order='ordered', exclusions=[], good='up', tags=[]) -%}
{%- set steps = declared_steps(steps) -%}
{%- set window_ms = (within_days * 86400000) | round | int -%}
{#- The window from a late hour of the day of entry, and an hour that is put forward. -#}
{%- set days = (within_days | round(0, 'ceil') | int) + 1 -%}
{%- set spoiling = [] -%}
{%- for exclusion in exclusions %}{% do spoiling.append(declared_exclusion(exclusion, steps | length)) %}{% endfor -%}
{%- set names = steps | map(attribute='event') | list -%}
{%- set overlapping = '*' in names or names | unique | list | length < names | length -%}
{{- _check_funnel(steps, window_ms, order, spoiling, overlapping) -}}
{{- config(materialized='by_day', partition_by='local_date', order_by=['project_id', 'person_key'], days_before=days, shard_by='person_key') -}}
{{- declare_journey('funnel', title, owner, tags, good, {
    'steps': steps, 'within_seconds': window_ms // 1000, 'order': order, 'exclusions': spoiling,
}, (steps + spoiling) | map(attribute='event') | list) -}}
{%- set conditions, void = [], [] -%}
{%- for step in steps %}{% do conditions.append(condition_of(step)) %}{% endfor -%}
{%- for one in spoiling %}{% do void.append({'condition': condition_of(one), 'after': one.after, 'before': one.before}) %}{% endfor -%}
{{ on_each_shard_from_here() }}
select
    attempts.project_id as project_id,
    attempts.local_date as local_date,
    attempts.person_key as person_key,
    fromUnixTimestamp64Milli(attempts.entered_ms, 'UTC') as entered_at,
    attempts.steps_reached as steps_reached,
    toBool(attempts.steps_reached = {{ steps | length }}) as is_converted,
    arrayMap(milliseconds -> milliseconds / 1000, arrayDifference(attempts.step_times)) as step_seconds,
    if(is_converted, (attempts.step_times[-1] - attempts.entered_ms) / 1000, null) as seconds_to_convert,
    toLowCardinality(attempts.value.1) as country,
    toLowCardinality(attempts.value.2) as device_type,
    toLowCardinality(ifNull(toString(sessions.channel), 'unknown')) as channel,
    attempts.value.3 as session_key
from (
{{ funnel_attempts(
    ref('fct_events'),
    conditions,
    window_ms,
    order=order,
    exclusions=void,
    entered=in_days(),
    scanned=in_days(after=days) ~ (' and ' ~ events_of(steps + spoiling) if order != 'strict' else ''),
    value="(toString(country), ifNull(toString(device_type), 'unknown'), session_key)",
    overlapping=overlapping,
) }}
) as attempts
left join (
    select project_id, session_key, channel
    from {{ ref('fct_sessions') }}
    where {{ in_days(before=days_after_session_start()) }}
) as sessions on sessions.project_id = attempts.project_id and sessions.session_key = attempts.value.3
{%- endmacro %}

{% macro _check_funnel(steps, window_ms, order, exclusions, overlapping) -%}
    {%- if steps | length < 2 or steps | length + exclusions | length > 15 -%}
        {{ wrong_declaration('a funnel has at least two steps, and at most 15 steps and exclusions') }}
    {%- elif window_ms <= 0 -%}
        {{ wrong_declaration('within_days is more than 0') }}
    {%- elif order not in ['ordered', 'strict', 'unordered'] -%}
        {{ wrong_declaration('order is ordered, strict or unordered, not ' ~ order) }}
    {%- elif order == 'unordered' and overlapping and steps | length > 5 -%}
        {{ wrong_declaration('steps in any order of which one event may match several are at most 5: name different events') }}
    {%- endif -%}
    {%- for one in exclusions if not 1 <= one.after < one.before <= steps | length -%}
        {{ wrong_declaration('the exclusion of ' ~ one.event ~ ' does not lie between two of the steps') }}
    {%- endfor -%}
{%- endmacro %}
