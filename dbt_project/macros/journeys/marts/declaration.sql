{#
    A mart of a journey is declared once, by the arguments of its macro: they become its SQL, and the model's `meta` in the
    manifest, which is what dashboards, questions and alerts read. `events`: the names it speaks of.
#}
{% macro declare_journey(kind, title, owner, tags, good, journey, events) -%}
    {%- if not title or not owner -%}
        {{ wrong_declaration('title and owner are texts, and both are needed') }}
    {%- elif good not in ['up', 'down', none] -%}
        {{ wrong_declaration("good is 'up', 'down' or none, not " ~ good) }}
    {%- elif 'period' in journey and journey.period not in ['day', 'week', 'month'] -%}
        {{ wrong_declaration('period is day, week or month, not ' ~ journey.period) }}
    {%- endif -%}
    {{- _check_names_of(events) -}}
    {{- config(tags=['journey', kind] + tags, meta={
        'title': title, 'owner': owner, 'tags': tags, 'good': good, 'journey': dict(journey, kind=kind),
    }) -}}
{%- endmacro %}

{# A step as it was declared, with everything said that may be left out. #}
{% macro declared_step(step) %}
    {% do _check_keys('a step', step, ['label', 'event', 'filters']) %}
    {{ return({'label': step.label or step.event, 'event': step.event, 'filters': step.filters or []}) }}
{% endmacro %}

{% macro declared_steps(steps) %}
    {% set declared = [] %}
    {% for step in steps %}{% do declared.append(declared_step(step)) %}{% endfor %}
    {{ return(declared) }}
{% endmacro %}

{# Likewise what voids an attempt of a funnel with so many steps. #}
{% macro declared_exclusion(exclusion, steps) %}
    {% do _check_keys('an exclusion', exclusion, ['event', 'filters', 'after', 'before']) %}
    {{ return({
        'event': exclusion.event, 'filters': exclusion.filters or [],
        'after': exclusion.after or 1, 'before': exclusion.before or steps,
    }) }}
{% endmacro %}

{% macro _check_keys(what, declared, keys) %}
    {% if declared.keys() | reject('in', keys) | list or not declared.event %}
        {{ wrong_declaration(what ~ ' is {' ~ keys | join(', ') ~ '}, not ' ~ declared) }}
    {% endif %}
    {% for filter in declared.filters or [] %}{% do _check_filter(filter) %}{% endfor %}
{% endmacro %}

{% macro _check_filter(filter) %}
    {% set operators = ['=', '!=', '>', '>=', '<', '<=', '~', 'present'] %}
    {% for line in user_dimensions().split('\n') if line and line.split(' ')[0] == filter[0] %}
        {{ wrong_declaration('a mart does not know ' ~ filter[0] ~ ': join dim_users when you read it, or ask millrace funnel') }}
    {% endfor %}
    {% if filter is string or filter | length != 3 or filter[0] is not string or not filter[0] %}
        {{ wrong_declaration('a filter is (path, operator, value), not ' ~ filter) }}
    {% elif filter[1] not in operators %}
        {{ wrong_declaration('an operator is one of ' ~ operators | join(' ') ~ ', not ' ~ filter[1]) }}
    {% elif filter[1] != 'present' and filter[2] is not string and (filter[2] is not number or filter[2] is boolean) %}
        {{ wrong_declaration(filter[0] ~ ' ' ~ filter[1] ~ ' is compared with a text or a number, not with ' ~ filter[2]) }}
    {% endif %}
{% endmacro %}

{# Before a mart is built: a name that is misspelt would count nothing, without a word. #}
{% macro _check_names_of(events) %}
    {% if not execute or flags.WHICH not in ['run', 'build'] %}{{ return('') }}{% endif %}
    {% set known = '(select event from raw.event_types union distinct select toString(event) from raw.hourly_events)' %}
    {% set names = [] %}
    {% for name in events if name != '*' %}{% do names.append(text_literal(name)) %}{% endfor %}
    {% set unknown = 'select arrayJoin([' ~ names | join(', ') ~ ']::Array(String)) as name where name not in ' ~ known %}
    {% for row in run_query(unknown).rows %}
        {% set near = run_query('select event from ' ~ known ~ ' order by editDistanceUTF8(event, ' ~ text_literal(row.name) ~ ') limit 1').rows %}
        {{ wrong_declaration(
            'no event is called ' ~ row.name ~ ': none is registered (ingestion/event_types), and none was sent'
            ~ ('; did you mean ' ~ near[0].event ~ '?' if near | length)
        ) }}
    {% endfor %}
{% endmacro %}

{% macro condition_of(step) -%} {{ step_condition(step.event, step.filters) }} {%- endmacro %}

{# Only the events that are asked for, where their names are known: the sort key of fct_events skips the others. #}
{% macro events_of(steps) -%}
    {%- set names = [] -%}
    {%- for name in steps | map(attribute='event') | unique | sort %}{% do names.append(text_literal(name)) %}{% endfor -%}
    {{ 'true' if text_literal('*') in names else 'event in (' ~ (names | join(', ')) ~ ')' }}
{%- endmacro %}

{% macro wrong_declaration(what) %}
    {{ exceptions.raise_compiler_error(model.name ~ ': ' ~ what) }}
{% endmacro %}
