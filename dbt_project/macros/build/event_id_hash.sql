{# Small enough for a bitmap per day; what meets by chance is told apart by the ids themselves. #}
{% macro event_id_hash() -%} toUInt32(cityHash64(project_id, event_id)) {%- endmacro %}
