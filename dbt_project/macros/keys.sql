{# A surrogate key: a hash of the business key, the same in every build. #}
{% macro key_of() -%} cityHash64({{ varargs | join(', ') }}) {%- endmacro %}
