{# A day of dim_dates, as a test of relationships would have it, without reading the calendar for each table. #}
{% test in_calendar(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} < {{ calendar_begins() }} or {{ column_name }} >= {{ calendar_ends() }}
{% endtest %}
