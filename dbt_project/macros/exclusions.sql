{% macro is_test_project() -%}
    {%- set projects = var('test_projects') -%}
    {{ "project_id in ('" ~ projects | join("', '") ~ "')" if projects else 'false' }}
{%- endmacro %}

{# Whether an event counts: it is excluded for no reason, or for one that vars.include_excluded lets in. #}
{% macro is_counted(column='excluded') -%}
    {%- set included = var('include_excluded') -%}
    {{ column }} in ('{{ ([''] + included) | join("', '") }}')
{%- endmacro %}
