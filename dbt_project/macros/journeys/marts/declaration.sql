{#
    A mart of a journey is declared once, by the arguments of its macro: they become its SQL, and the model's `meta` in the
    manifest, which is what dashboards, questions and alerts read.
#}
{% macro declare_journey(kind, title, owner, tags, good, journey) -%}
    {{- config(tags=['journey', kind] + tags, meta={
        'title': title, 'owner': owner, 'tags': tags, 'good': good, 'journey': dict(journey, kind=kind),
    }) -}}
    {%- if good not in ['up', 'down', none] -%}
        {{ wrong_declaration("good is 'up', 'down' or none, not " ~ good) }}
    {%- endif -%}
{%- endmacro %}

{# A step as it was declared, with everything said that may be left out. #}
{% macro declared_step(step) %}
    {% set unknown = step.keys() | reject('in', ['label', 'event', 'filters']) | list %}
    {% if unknown or not step.event %}
        {{ wrong_declaration('a step is {label, event, filters}, not ' ~ step) }}
    {% endif %}
    {{ return({'label': step.label or step.event, 'event': step.event, 'filters': step.filters or []}) }}
{% endmacro %}

{% macro declared_steps(steps) %}
    {% set declared = [] %}
    {% for step in steps %}{% do declared.append(declared_step(step)) %}{% endfor %}
    {{ return(declared) }}
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
