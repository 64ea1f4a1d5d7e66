{#
    A table is judged after it was made: by its own tests, and by expectations. Until then what it held before stands aside,
    in the database `aside`; warehouse/aside.py puts it back where a check fails, and drops it where none does.

    aside.as_before                        what the tables were when the build began: their uuid, and their row of
                                           ops.built_models
    aside.<database>__<table>__before      the whole table as it was
    …__copy                                a copy of a table that only grows; …__copying: not yet
    …__days_before, …__days_made           of a table of days the days that are made anew: as they were, as they are now

    A build may be killed between any two of these statements, so each step is one that can be told afterwards. What stood
    in place is known by its uuid, which goes along with every exchange; days were put in place, if at all, only where both
    tables of them are there.

    Only where somebody judges: `millrace dbt run` keeps nothing. On a cluster tables on all shards are not kept.
#}
{% macro is_judged() -%} {{ return(env_var('MILLRACE_JUDGED', '') != '') }} {%- endmacro %}

{% macro aside(relation, what) -%}
    {{ return(relation.incorporate(path={'schema': 'aside', 'identifier': relation.schema ~ '__' ~ relation.identifier ~ '__' ~ what})) }}
{%- endmacro %}

{% macro note_what_is_before() %}
    {% if is_judged() %}
        {% do run_query(
            "create or replace table aside.as_before engine = MergeTree order by model as "
            ~ "select database || '.' || name as model, uuid, built.1 as through, built.2 as definition from system.tables "
            ~ "left join (select model, argMax((through, definition), built_at) as built from ops.built_models group by model) as models "
            ~ "on models.model = database || '.' || name where database in ('intermediate', 'marts')"
        ) %}
    {% endif %}
{% endmacro %}

{# A new table in the place of the one that is there. #}
{% macro put_in_place(new, existing) %}
    {% if is_judged() %}
        {% set before = aside(existing, 'before') %}
        {% do run_query('rename table ' ~ new ~ ' to ' ~ before) %}
        {% do run_query('exchange tables ' ~ before ~ ' and ' ~ existing) %}
    {% else %}
        {% do run_query('exchange tables ' ~ new ~ ' and ' ~ existing) %}
        {% do run_query('drop table ' ~ new) %}
    {% endif %}
{% endmacro %}

{# Of a table that only grows: its parts, by hard links. #}
{% macro keep_a_copy(existing) %}
    {% if is_judged() %}
        {% do run_query('create table ' ~ aside(existing, 'copying') ~ ' clone as ' ~ existing) %}
        {% do run_query('rename table ' ~ aside(existing, 'copying') ~ ' to ' ~ aside(existing, 'copy')) %}
    {% endif %}
{% endmacro %}

{# What dbt-clickhouse's own materialization of a table calls; what it then drops is no longer there. #}
{% macro exchange_tables_atomic(old_relation, target_relation, obj_types='TABLES') %}
    {% do put_in_place(old_relation, target_relation) %}
{% endmacro %}

{# The days of a table of days that were made anew, in the place of those that are there. #}
{% macro put_days_in_place(new, existing, ranges) %}
    {% set days = days_of(ranges) %}
    {% if is_judged() %}
        {% set before, made = aside(existing, 'days_before'), aside(existing, 'days_made') %}
        {% do run_query('create table ' ~ before ~ ' as ' ~ existing) %}
        {% do run_query(replace_days(before, existing, days)) %}
        {% do run_query('rename table ' ~ new ~ ' to ' ~ made) %}
        {% do run_query(replace_days(existing, made, days)) %}
    {% else %}
        {% do run_query(replace_days(existing, new, days)) %}
        {% do run_query('drop table ' ~ new) %}
    {% endif %}
{% endmacro %}
