{# The day in the project's timezone. ClickHouse wants a timezone that is constant, so there is one branch per timezone;
   projects that are not declared have UTC. #}
{% macro local_date(instant='timestamp', project='project_id') -%}
    {%- set zones = _project_timezones() -%}
    {%- if zones -%}
        multiIf(
        {%- for zone in zones -%}
            {{ project }} in ({{ zone.projects }}), toDate({{ instant }}, '{{ zone.timezone }}'),
        {%- endfor -%}
        toDate({{ instant }}, 'UTC'))
    {%- else -%}
        toDate({{ instant }}, 'UTC')
    {%- endif -%}
{%- endmacro %}

{% macro _project_timezones() %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {% set rows = run_query(
        "select timezone, arrayStringConcat(arraySort(groupArray(concat('''', project_id, ''''))), ', ') as projects "
        ~ "from raw.projects group by timezone order by timezone"
    ) %}
    {{ return(rows.rows) }}
{% endmacro %}
