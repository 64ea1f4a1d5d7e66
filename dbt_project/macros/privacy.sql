{# What an event carries, as everybody may see it: without personal properties, and nothing of what people say of
   themselves (identify) or of others (group, alias). #}
{% macro shared_properties(events) -%}
    {%- set type -%} JSON(max_dynamic_paths = 1024{% for name in var('personal_properties') %}, SKIP `{{ name }}`{% endfor %}) {%- endset -%}
    if({{ events }}.message_type in ('identify', 'group', 'alias'), CAST('{}' as {{ type }}), CAST({{ events }}.properties as {{ type }}))
{%- endmacro %}
