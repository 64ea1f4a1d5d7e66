{% macro quoted(words) -%} '{{ words | join("', '") }}' {%- endmacro %}
