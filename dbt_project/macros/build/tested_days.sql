{#
    What the data tests of a build read. Tests of all rows at every build would cost more than the build, so a test of a
    table of days reads the days that changed since it last passed, and all of them when the table was made anew as a
    whole. What arrives by an instant (meta.arrives_by names the column) is tested likewise. `millrace dbt test` and a full
    refresh test everything.

    ops.tests_passed  up to which change a test has passed, and by which definition its model was made then
#}
{% macro get_where_subquery(relation) -%}
    {%- set conditions = [] -%}
    {%- if config.get('where') %}{% do conditions.append('(' ~ config.get('where') ~ ')') %}{% endif -%}
    {%- if execute and flags.WHICH == 'build' and not flags.FULL_REFRESH -%}
        {%- set untested = _untested(model) -%}
        {%- if untested %}{% do conditions.append(untested) %}{% endif -%}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ conditions | join(' and ') ~ ') as dbt_subquery' if conditions else relation) }}
{%- endmacro %}

{# The rows that a test has yet to see, as a condition; nothing where that is all of them. #}
{% macro _untested(test) %}
    {% set tested = graph.nodes.get(test.attached_node) %}
    {% if not tested or not _is_tested_by_parts(tested) %}{{ return('') }}{% endif %}
    {% set rows = run_query(
        "select toString(argMax(through, passed_at)) from ops.tests_passed where test = '" ~ test.unique_id
        ~ "' having count() > 0 and argMax(definition, passed_at) = (select argMax(definition, built_at) "
        ~ "from ops.built_models where model = '" ~ tested.schema ~ "." ~ tested.alias ~ "')"
    ).rows %}
    {% if not rows | length %}{{ return('') }}{% endif %}
    {% set through = "toDateTime64('" ~ rows[0][0] ~ "', 3, 'UTC')" %}
    {% if tested.config.materialized == 'by_day' %}
        {{ return('local_date in (select local_date from ' ~ changed_days(tested) ~ ' where changed_at > ' ~ through ~ ')') }}
    {% endif %}
    {{ return(tested.config.meta.arrives_by ~ ' >= ' ~ through) }}
{% endmacro %}

{% macro _is_tested_by_parts(tested) %}
    {{ return(tested.config.materialized == 'by_day' or 'arrives_by' in tested.config.meta) }}
{% endmacro %}

{# What a test of several tables compares: the days that the latest build made anew; all after a full refresh. #}
{% macro tested_days() -%}
    {%- set changes = ref('int_changed_days') -%}
    (select local_date from {{ changes }}
    {%- if flags.WHICH == 'build' and not flags.FULL_REFRESH %} where changed_at = (select max(changed_at) from {{ changes }}) {%- endif %})
{%- endmacro %}

{# After a build: what its tests have passed. The SQL of it, which runs when tables that were judged to be wrong are put back
   (warehouse/dbt.py): what tests said of those counts no more. #}
{% macro end_build(results) %}
    {% if execute and flags.WHICH == 'build' %}
        {% set passed = [] %}
        {% for result in results if result.status in ['pass', 'warn'] and result.node.unique_id.startswith('test.') %}
            {% set tested = graph.nodes.get(result.node.attached_node) %}
            {% if tested and _is_tested_by_parts(tested) %}
                {% do passed.append("('" ~ result.node.unique_id ~ "', '" ~ tested.schema ~ '.' ~ tested.alias ~ "', " ~ (tested.config.materialized == 'by_day') ~ ")") %}
            {% endif %}
        {% endfor %}
        {% if passed %}
            insert into ops.tests_passed (test, through, definition)
            select
                test,
                if(by_day, built.1, (select horizon from ops.builds where invocation_id = '{{ invocation_id }}')),
                built.2
            from (select arrayJoin([{{ passed | join(', ') }}]) as one, one.1 as test, one.2 as model, one.3 as by_day) as tests
            inner join (select model, argMax((through, definition), built_at) as built from ops.built_models group by model) as models using model
            where model not in (select replaceOne(replaceOne(name, '__refused', ''), '__', '.') from system.tables where database = 'aside' and endsWith(name, '__refused'))
        {% endif %}
    {% endif %}
{% endmacro %}
