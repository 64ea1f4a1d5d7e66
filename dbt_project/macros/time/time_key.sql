{# The minute of the project's day, as dim_times numbers it: from 1, since 0 is the unknown row. #}
{% macro time_key(instant='timestamp', project='project_id') -%}
    {%- set minute -%} 1 + toHour({{ instant }}, 'ZONE') * 60 + toMinute({{ instant }}, 'ZONE') {%- endset -%}
    {%- set zones = _project_timezones() -%}
    {%- if zones -%}
        toUInt16(multiIf(
        {%- for zone in zones -%}
            {{ project }} in ({{ zone.projects }}), {{ minute | replace('ZONE', zone.timezone) }},
        {%- endfor -%}
        {{ minute | replace('ZONE', 'UTC') }}))
    {%- else -%}
        toUInt16({{ minute | replace('ZONE', 'UTC') }})
    {%- endif -%}
{%- endmacro %}
