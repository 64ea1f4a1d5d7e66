{# What an event carries, as everybody may see it: without what is somebody's by its name, without e-mail addresses in
   its texts, and nothing of what people say of themselves (identify) or of others (group, alias). #}
{% macro shared_properties(events) -%}
    {%- set paths = '(?i)(?:^|\\.)(?:' ~ var('personal_names') ~ '|(?:' ~ var('persons') ~ ')\\.name)(?:\\.|$)' -%}
    {%- set type -%} JSON(max_dynamic_paths = 1024{% for name in var('personal_properties') %}, SKIP `{{ name }}`{% endfor %}, SKIP REGEXP {{ _text(paths) }}) {%- endset -%}
    {%- set text -%} {{ _listed_objects('toJSONString(CAST(' ~ events ~ '.properties as ' ~ type ~ '))') }} {%- endset -%}
    CAST(if({{ events }}.message_type in ('identify', 'group', 'alias'), '{}', {{ without_emails(text) }}) as JSON(max_dynamic_paths = 1024))
{%- endmacro %}

{# Objects in arrays have no paths: of those, which are few, the text is looked through. #}
{% macro _listed_objects(text) -%}
    {%- set named = '(?i)("(?:' ~ var('personal_names') ~ ')"):(?:"(?:[^"\\\\]|\\\\.)*"|-?[0-9][0-9.eE+-]*)' -%}
    if(position({{ text }}, '[{') > 0, replaceRegexpAll({{ text }}, {{ _text(named) }}, '\\1:null'), {{ text }})
{%- endmacro %}

{# A text with something else in the place of e-mail addresses. #}
{% macro without_emails(text) -%}
    if({{ _may_have_email(text) }}, replaceRegexpAll({{ text }}, {{ _text(var('email')) }}, '(e-mail)'), {{ text }})
{%- endmacro %}

{# An id as everybody may see it: an e-mail address that serves as one becomes a hash, the same everywhere. #}
{% macro shared_id(id) -%}
    if({{ _may_have_email(id) }} and match({{ id }}, {{ _text('^\\s*' ~ var('email') ~ '\\s*$') }}), concat('id-', lower(hex(sipHash128({{ id }})))), {{ id }})
{%- endmacro %}

{# Ten times as fast as the pattern, and nearly never true. #}
{% macro _may_have_email(text) -%}
    multiSearchAny(ifNull({{ text }}, ''), ['@', '＠', '40', '&#64;'])
{%- endmacro %}

{% macro _text(pattern) -%}
    '{{ pattern | replace('\\', '\\\\') | replace("'", "\\'") }}'
{%- endmacro %}
