{#
    What a step of a journey matches. Plain Jinja, without anything of dbt: `millrace funnel` renders the same text.
    In a model: step_condition('page_viewed', [('page.path', '=', '/pricing')]).
#}

{# Every text that a person wrote goes through here. #}
{% macro text_literal(text) -%} '{{ text | replace('\\', '\\\\') | replace("'", "\\'") }}' {%- endmacro %}

{# What people call it, and its column in fct_events. #}
{% macro event_dimensions() %}
app.version app_version
browser browser
campaign.content campaign_content
campaign.medium campaign_medium
campaign.name campaign_name
campaign.source campaign_source
campaign.term campaign_term
city city
country country
device.type device_type
group.id group_id
library library
message_type message_type
os os
page.host page_host
page.path page_path
page.title page_title
referrer.host referrer_host
referrer.kind referrer_kind
region region
user.id user_id
{% endmacro %}

{# A dimension, or else a property, as text; '' where it is missing. Those of users need events_with_users. #}
{% macro event_value(path) -%}
    {%- set column = namespace(name='') -%}
    {%- for line in (event_dimensions() ~ user_dimensions()).split('\n') if line.split(' ')[0] == path -%}
        {%- set column.name = line.split(' ')[1] -%}
    {%- endfor -%}
    {%- if column.name -%}
        ifNull(toString({{ column.name }}), '')
    {%- else -%}
        {#- One quoted name, dots included: reading a part of the column, not all of it as getSubcolumn does. A list that the
            registry knows is never absent, but empty. -#}
        {%- set property = path[11:] if path[:11] == 'properties.' else path -%}
        ifNull(nullIf(toString(properties.`{{ property | replace('\\', '\\\\') | replace('`', '\\`') }}`), '[]'), '')
    {%- endif -%}
{%- endmacro %}

{#
    event    a name, or * for any
    filters  (path, operator, value): all hold. Operators = != > >= < <= ~ (contains) and `present`.
             A number compares as a number, whatever type the property was sent in; a text as a text. What is missing
             has no value: it is only matched by !=.
#}
{% macro step_condition(event, filters=[]) -%}
    {%- if event != '*' %}event = {{ text_literal(event) }}{% elif not filters %}true{% endif %}
    {%- for path, operator, value in filters -%}
        {{ ' and ' if not loop.first or event != '*' }}{{ filter_condition(event_value(path), operator, value) }}
    {%- endfor -%}
{%- endmacro %}

{# What holds of a day of a person, by the events they had on it (agg_person_days): a step without filters. #}
{% macro on_days_with(event) -%} {{ 'true' if event == '*' else 'has(event_names, ' ~ text_literal(event) ~ ')' }} {%- endmacro %}

{# The same of any SQL that gives a text, '' where it is missing. #}
{% macro filter_condition(text, operator, value) -%}
    {%- if operator == 'present' -%}
        {{ text }} != ''
    {%- elif operator == '~' -%}
        positionCaseInsensitiveUTF8({{ text }}, {{ text_literal(value) }}) > 0
    {%- elif operator == '!=' -%}
        not ({{ filter_condition(text, '=', value) }})
    {%- elif value is number -%}
        {#- Never by one dynamic type: 3 would be missing where 3.5 is read. -#}
        {#- Texts such as `inf` are read as numbers that no sender meant. -#}
        ifNull(toFloat64OrNull({{ text }}) {{ operator }} {{ value }} and isFinite(toFloat64OrNull({{ text }})), false)
    {%- elif operator == '=' -%}
        {{ text }} = {{ text_literal(value) }}
    {%- else -%}
        ({{ text }} != '' and {{ text }} {{ operator }} {{ text_literal(value) }})
    {%- endif -%}
{%- endmacro %}
