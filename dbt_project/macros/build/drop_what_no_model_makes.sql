{# `millrace dbt run-operation drop_what_no_model_makes`: tables and views of models that are no longer there. #}
{% macro drop_what_no_model_makes() %}
    {% set made = [] %}
    {% for node in graph.nodes.values() if node.resource_type in ['model', 'seed', 'snapshot'] %}
        {% do made.append(node.schema ~ '.' ~ node.alias) %}
    {% endfor %}
    {% set left_over %}
        select database, name
        from system.tables
        where database in ('staging', 'intermediate', 'marts') and database || '.' || replaceRegexpOne(name, '__shard$', '') not in ('{{ made | join("', '") }}')
        order by all
    {% endset %}
    {% for table in run_query(left_over).rows %}
        {% do run_query('drop table `' ~ table.database ~ '`.`' ~ table.name ~ '`') %}
        {% do log('Dropped ' ~ table.database ~ '.' ~ table.name ~ '.', info=true) %}
    {% endfor %}
{% endmacro %}
