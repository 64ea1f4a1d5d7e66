{#
    A model that is built in parts says where the parts go, and the materialization fills them in. Until then the
    values are those of everything, so the compiled SQL of every model runs as it stands: in dbt show, in unit tests, in
    an editor.
#}
{% macro first_day() -%} toDate('1980-01-01')/*first day*/ {%- endmacro %}
{% macro last_day() -%} toDate('2140-01-01')/*last day*/ {%- endmacro %}
{% macro since() -%} toDateTime64('1980-01-01 00:00:00', 3, 'UTC')/*since*/ {%- endmacro %}
{% macro horizon() -%} toDateTime64('2140-01-01 00:00:00', 3, 'UTC')/*horizon*/ {%- endmacro %}

{# The days that are being built; with so many before and after them where a model looks further. #}
{% macro in_days(column='local_date', before=0, after=0) -%}
    {#- depends_on: int_changed_days says which days those are -#}
    {%- do ref('int_changed_days') -%}
    {{ column }} between {{ first_day() }}{{ ' - ' ~ before if before }} and {{ last_day() }}{{ ' + ' ~ after if after }}
{%- endmacro %}

{# The same as instants, wide enough for every timezone: what an index on the instant can use. #}
{% macro around_days(column='timestamp') -%}
    toDate({{ column }}) between {{ first_day() }} - 1 and {{ last_day() }} + 1
{%- endmacro %}

{# Rows of raw that this build is the first to read. #}
{% macro newly_loaded(column='loaded_at') -%}
    {{ column }} >= {{ since() }} and {{ column }} < {{ horizon() }}
{%- endmacro %}

{# The model's own table as it is so far; `structure` are the columns that are read from it. #}
{% macro so_far(structure) -%} {{ this }}/*so far: {{ structure }}*/ {%- endmacro %}

{# Another model's table as an earlier build left it, where this build has yet to make it; empty before the first. #}
{% macro as_left_by_earlier_builds(name, structure) -%}
    {#- Not ref(): that would make a circle. -#}
    `intermediate`.`{{ name }}`/*earlier: {{ structure }}*/
{%- endmacro %}

{# `values`: what to put for which placeholder, by its name. `table`: the model's own, none where it is yet to be made. #}
{% macro fill_in(sql, values={}, table=none) %}
    {% set re = modules.re %}
    {% set own = table | string if table else "null('\\1')" %}
    {% set filled = namespace(sql=re.sub('\S+/\*so far: (.*?)\*/', own, sql)) %}
    {% for schema, name, structure in re.findall('`(\w+)`.`(\w+)`/\*earlier: (.*?)\*/', sql) %}
        {% if adapter.get_relation(database=none, schema=schema, identifier=name) is none %}
            {% set filled.sql = filled.sql | replace('`' ~ schema ~ '`.`' ~ name ~ '`/*earlier: ' ~ structure ~ '*/', "null('" ~ structure ~ "')") %}
        {% endif %}
    {% endfor %}
    {% for name, value in values.items() %}
        {% set filled.sql = re.sub("'[^']*'(, 3, 'UTC')?\)/\*" ~ name ~ '\*/', "'" ~ value ~ "'\\1)", filled.sql) %}
    {% endfor %}
    {{ return(filled.sql) }}
{% endmacro %}
