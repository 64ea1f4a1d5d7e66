{#
    What is told of a funnel, in one pass over funnel_attempts (per day where there is a trend): one row for everybody, and
    one for each value where attempts have a value, the largest first.

    users            how many came at least to step k
    mean_seconds, median_seconds
                     of those who took step k: from the step before. The first is NULL
    histogram        (from, to, people) of those who took all steps, from the first to the last. k bins of a width of whole
                     seconds, and one more: k is the cube root of their number rounded up, at most 60, or `bins`
    trend            (first day of the period, entered, converted) by the day of entry: a person counts once per period
#}
{% macro funnel_summary(attempts, steps, value=false, histogram=false, bins=0, trend='', limit=1000) -%}
with people as (
    {%- if trend %}
    select
        {%- set best = '(-toInt8(steps_reached), entered_ms)' %}
        argMin(steps_reached, {{ best }}) as reached,
        argMin(step_times, {{ best }}) as times,
        {%- if value %}
        argMin(attempts.value, {{ best }}) as value,
        {%- endif %}
        groupUniqArray({{ period_number(trend) }}) as entered_in,
        groupUniqArrayIf({{ period_number(trend) }}, steps_reached = {{ steps }}) as converted_in
    from ({{ attempts }}) as attempts
    group by project_id, person_key
    {%- else %}
    select steps_reached as reached, step_times as times{{ ', value' if value }}
    from ({{ attempts }})
    {%- endif %}
),

summary as (
    select
        {{ 'grouping(value) = 0' if value else 'false' }} as is_part,
        {{ 'value' if value else "''" }} as of_value,
        [{% for k in range(1, steps + 1) %}{{ ', ' if k > 1 }}countIf(reached >= {{ k }}){% endfor %}] as users,
        [NULL{% for k in range(2, steps + 1) %}, avgIf((times[{{ k }}] - times[{{ k - 1 }}]) / 1000, reached >= {{ k }}){% endfor %}] as mean_seconds,
        [NULL{% for k in range(2, steps + 1) %}, quantileExactInclusiveIf(0.5)((times[{{ k }}] - times[{{ k - 1 }}]) / 1000, reached >= {{ k }}){% endfor %}] as median_seconds,
        {%- if histogram %}
        groupArrayIf((times[{{ steps }}] - times[1]) / 1000, reached = {{ steps }}) as seconds,
        toInt64(floor(arrayMin(seconds))) as lowest,
        {{ bins or 'least(greatest(toInt64(ceil(cbrt(length(seconds)))), 1), 60)' }} as bins,
        greatest(toInt64(ceil((ceil(arrayMax(seconds)) - lowest) / bins)), 0) as exact_width,
        if(exact_width = 0, 60, exact_width) as width,
        if(empty(seconds), [], arrayMap(
            bin -> (
                lowest + bin * width,
                lowest + (bin + 1) * width,
                arrayCount(second -> intDiv(toInt64(floor(second)) - lowest, width) = bin, seconds)
            ),
            range(bins + 1)
        )) as histogram,
        {%- endif %}
        {%- if trend %}
        sumMap(entered_in, arrayResize([toUInt64(1)], length(entered_in), toUInt64(1))) as entered,
        sumMap(converted_in, arrayResize([toUInt64(1)], length(converted_in), toUInt64(1))) as converted,
        {%- endif %}
        count() as people
    from people
    group by {{ 'grouping sets ((), (value))' if value else '()' }}
)

select
    is_part,
    of_value as value,
    users,
    mean_seconds,
    median_seconds,
    {{ 'histogram' if histogram else '[]' }} as histogram,
    {% if trend -%}
    arrayMap(
        (period, people) -> ({{ period_start(trend, 'period') }}, people, converted.2[indexOf(converted.1, period)]),
        entered.1, entered.2
    )
    {%- else -%} []
    {%- endif %} as trend
from summary
order by is_part, people desc, value
limit {{ limit + 1 }}
{%- endmacro %}
