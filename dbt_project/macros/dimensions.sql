{#
    The dimensions of the star. Their keys are made here, from what an event says, and by fct_events alone; other facts
    take them from there. 0 is the unknown row.
#}
{% macro page_key() -%} if(page_path = '', 0, {{ key_of('project_id', 'page_host', 'page_path') }}) {%- endmacro %}

{% macro device_key() -%}
    if(device_type = 'unknown' and browser = 'unknown' and os = 'unknown', 0, {{ key_of('project_id', 'device_type', 'browser', 'os') }})
{%- endmacro %}

{% macro geo_key() -%} if(country = 'unknown', 0, {{ key_of('project_id', 'country', 'region', 'city') }}) {%- endmacro %}

{% macro campaign_key() -%}
    if({{ has_campaign() }}, {{ key_of('project_id', 'campaign_source', 'campaign_medium', 'campaign_name', 'campaign_term', 'campaign_content') }}, 0)
{%- endmacro %}

{# A term or content alone names no campaign. #}
{% macro has_campaign() -%} (campaign_source != '' or campaign_medium != '' or campaign_name != '') {%- endmacro %}

{#
    A dimension that lives off facts: its members per day, and from those the members with the first and last day on which
    they were seen. So a build looks at the days that changed, and a member whose last event moved away is gone.
#}
{% macro members_of_days(key, columns) -%}
    select
        project_id,
        local_date,
        {{ key }},
        {%- for column in columns %}
        any(events.{{ column }}) as {{ column }},
        {%- endfor %}
        count() as events
    from {{ ref('fct_events') }} as events
    where {{ in_days() }} and {{ key }} != 0
    group by project_id, local_date, {{ key }}
{%- endmacro %}

{% macro members_so_far(members, key, columns) -%}
    select
        {{ key }},
        toString(any(project_id)) as project_id,
        {%- for column in columns %}
        toString(any(members.{{ column }})) as {{ column }},
        {%- endfor %}
        toNullable(min(local_date)) as first_seen_on,
        toNullable(max(local_date)) as last_seen_on
    from {{ ref(members) }} as members
    group by {{ key }}
{%- endmacro %}
