{# Bounds of validity: before and after everything that can happen (events before 2000 are rejected). #}
{% macro beginning() -%} toDateTime64('1970-01-01 00:00:00', 3, 'UTC') {%- endmacro %}
{% macro end_of_time() -%} toDateTime64('2200-01-01 00:00:00', 3, 'UTC') {%- endmacro %}
