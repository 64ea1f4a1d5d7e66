{# The days of dim_dates: events before 2000 are rejected, and none is accepted from the future. #}
{% macro calendar_begins() -%} toDate('2000-01-01') {%- endmacro %}
{% macro calendar_ends() -%} toDate('2040-01-01') {%- endmacro %}
