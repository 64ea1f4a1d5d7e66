{# The columns together are a key: none is missing, and no two rows have the same. #}
{% test unique_combination(model, columns) %}
select {{ columns | join(', ') }}, count() as same
from {{ model }}
group by {{ columns | join(', ') }}
having same > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
