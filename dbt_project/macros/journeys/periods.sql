{# Periods as numbers that follow each other, so that the distance of two is a difference; and back to their first day. #}
{% macro period_number(period, day='local_date') -%}
    {%- if period == 'day' -%} toInt32({{ day }})
    {%- elif period == 'week' -%} intDiv(toInt32({{ day }}) + 3, 7)
    {%- else -%} toInt32(toYear({{ day }}) * 12 + toMonth({{ day }}) - 1)
    {%- endif -%}
{%- endmacro %}

{% macro period_start(period, number) -%}
    {%- if period == 'day' -%} toDate({{ number }})
    {%- elif period == 'week' -%} toDate({{ number }} * 7 - 3)
    {%- else -%} makeDate(intDiv({{ number }}, 12), {{ number }} % 12 + 1, 1)
    {%- endif -%}
{%- endmacro %}
