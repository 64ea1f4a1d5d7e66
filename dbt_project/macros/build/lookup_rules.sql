{# By which rules the values of a lookup are described. Part of the text of a view, so that new rules change its definition
   and all models that read it are made anew. #}
{% macro lookup_rules(table) -%}
    {%- if execute -%}
        {{- run_query("select arrayStringConcat(arraySort(groupUniqArray(rules_version)), ' ') from raw." ~ table ~ " final").rows[0][0] -}}
    {%- endif -%}
{%- endmacro %}
