{# The day in the project's timezone. ClickHouse wants a timezone that is constant, so there is one branch per timezone;
   projects that are not declared have UTC. The text names timezones and no projects: a new one changes no definition. #}
{% macro local_date(instant='timestamp', project='project_id') -%}
    {{ _by_timezone("toDate(" ~ instant ~ ", 'ZONE')", project) }}
{%- endmacro %}

{# SQL with a ZONE in it, by the timezone of the project. #}
{% macro _by_timezone(sql, project) -%}
    {%- set projects = ref('stg_millrace__projects') -%}
    {%- set zones = _timezones() -%}
    {%- if zones -%}
        multiIf(
        {%- for zone in zones -%}
            {{ project }} in (select project_id from {{ projects }} where timezone = '{{ zone }}'), {{ sql | replace('ZONE', zone) }},
        {%- endfor -%}
        {{ sql | replace('ZONE', 'UTC') }})
    {%- else -%}
        {{ sql | replace('ZONE', 'UTC') }}
    {%- endif -%}
{%- endmacro %}

{% macro _timezones() %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {{ return(run_query("select distinct timezone from raw.projects where timezone != 'UTC' order by timezone").rows | map(attribute=0) | list) }}
{% endmacro %}
