{# The minute of the project's day, as dim_times numbers it: from 1, since 0 is the unknown row. #}
{% macro time_key(instant='timestamp', project='project_id') -%}
    toUInt16({{ _by_timezone("1 + toHour(" ~ instant ~ ", 'ZONE') * 60 + toMinute(" ~ instant ~ ", 'ZONE')", project) }})
{%- endmacro %}
