{# What an order is known by; one without an id is an order of its own. #}
{% macro order_id() -%} ifNull(nullIf(toString(properties.order_id), ''), event_id) {%- endmacro %}
