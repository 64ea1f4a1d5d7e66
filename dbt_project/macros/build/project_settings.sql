{#
    Timezone and currency of a project are read where they are needed, so that a new project changes no definition. One of a
    project that was built before must: what was made by the old one is made anew.

    ops.project_settings  what they were in each build that found them new or changed
#}
{% macro note_project_settings() %}
    {% do run_query("create table if not exists ops.project_settings (project_id String, timezone String, currency String, is_change Bool, noted_at DateTime64(3, 'UTC') default now64(3)) engine = MergeTree order by (project_id, noted_at)") %}
    {# Projects that are not declared, or no longer: as local_date() and project_currency() take them. #}
    {% set new_or_changed %}
        select now.project_id, now.timezone, now.currency, noted.project_id is not null
        from (
            select project_id, timezone, toString(currency) as currency from raw.projects
            union all
            select distinct toString(project_id), 'UTC', '' from {{ everywhere(api.Relation.create(schema='raw', identifier='hourly_events')) }}
            where project_id not in (select project_id from raw.projects)
        ) as now
        left join (
            select project_id, argMax((timezone, currency), noted_at) as settings from ops.project_settings group by project_id
        ) as noted on noted.project_id = now.project_id
        where noted.project_id is null or noted.settings != (now.timezone, now.currency)
    {% endset %}
    {% do run_query('insert into ops.project_settings (project_id, timezone, currency, is_change) ' ~ new_or_changed) %}
{% endmacro %}

{# Part of the text of the view of projects: a change of it changes the definition of all that is made by it. #}
{% macro changes_of_project_settings() -%}
    {%- if execute and flags.WHICH in ['run', 'build'] -%}
        {{- run_query("select count() from ops.project_settings where is_change").rows[0][0] -}}
    {%- endif -%}
{%- endmacro %}
