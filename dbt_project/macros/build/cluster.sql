{#
    Models on a cluster (docs/cluster.md). All that knows of shards is here and in by_day; on a single node none of it
    changes a query.

    A table of days with `shard_by` lies on all shards, by that expression: `fct_events` then reads `fct_events__shard` of
    each. What is made from such tables alone is made on each shard, from there on where the SQL says so. All other tables
    stand on the first shard, which runs the build.
#}
{% macro cluster() -%} {{ return(env_var('MILLRACE_DBT_CLUSTER', '')) }} {%- endmacro %}

{# A table of raw that is loaded on all shards. #}
{% macro everywhere(table) -%}
    {{ return(table.incorporate(path={'identifier': table.identifier ~ '_everywhere'}) if cluster() else table) }}
{%- endmacro %}

{# Before a join of a table on all shards with what stands on the first, where ClickHouse does not see that by itself. #}
{% macro globally() -%} {{ 'global ' if cluster() }} {%- endmacro %}

{# What runs now, on whichever shard. #}
{% macro processes() -%} {{ "clusterAllReplicas('" ~ cluster() ~ "', system.processes)" if cluster() else 'system.processes' }} {%- endmacro %}

{# What follows needs nothing but tables that lie by person and, of what stands before, this step, brought to them. #}
{% macro on_each_shard_from_here(step='') -%} /*on each shard from here: {{ step }}*/ {%- endmacro %}

{% macro is_sharded() -%} {{ return(cluster() != '' and config.get('shard_by', '') != '') }} {%- endmacro %}

{% macro shard_table(relation) -%}
    {{ return(relation.incorporate(path={'identifier': relation.identifier ~ '__shard'})) }}
{%- endmacro %}

{# warehouse/cluster.py sends it to all of them. #}
{% macro run_on_every_shard(sql) %}{% do run_query('/*on every shard*/ ' ~ sql) %}{% endmacro %}

{% macro join_shards(relation, verb='create table') %}
    {% set table = shard_table(relation) %}
    {% do run_query(
        verb ~ ' ' ~ relation ~ ' as ' ~ table ~ " engine = Distributed('" ~ cluster() ~ "', '" ~ table.schema ~ "', '"
        ~ table.identifier ~ "', " ~ config.get('shard_by') ~ ')'
    ) %}
{% endmacro %}

{# With what was brought to the shards to fill it. #}
{% macro drop_sharded(relation) %}
    {% for one in [relation, brought_for(relation)] %}{% do drop_one_sharded(one) %}{% endfor %}
{% endmacro %}

{% macro drop_one_sharded(relation) %}
    {% do run_query('drop table if exists ' ~ relation ~ ' sync') %}
    {% do run_on_every_shard('drop table if exists ' ~ shard_table(relation) ~ ' sync') %}
{% endmacro %}

{% macro brought_for(relation) -%}
    {{ return(relation.incorporate(path={'identifier': relation.identifier ~ '__brought'})) }}
{%- endmacro %}

{# A table that was made here, on the other shards as well. #}
{% macro copy_to_other_shards(relation) %}
    {% set made = run_query(
        "select create_table_query from system.tables where database = '" ~ relation.schema ~ "' and name = '" ~ relation.identifier ~ "'"
    ).rows[0][0] %}
    {% do run_query('/*on the other shards*/ ' ~ made | replace('CREATE VIEW', 'CREATE OR REPLACE VIEW')) %}
{% endmacro %}

{# A view of what every shard has, for queries that are sent there. #}
{% macro view_on_other_shards() %}
    {% if execute and cluster() and flags.WHICH in ['run', 'build'] %}{% do copy_to_other_shards(this) %}{% endif %}
{% endmacro %}

{% macro create_sharded(relation, sql, has_contract) %}
    {% do clickhouse__create_empty_table(False, shard_table(relation), sql, has_contract) %}
    {% do copy_to_other_shards(shard_table(relation)) %}
    {% do join_shards(relation) %}
{% endmacro %}

{% macro create_sharded_like(relation, other) %}
    {% do run_on_every_shard('create table ' ~ shard_table(relation) ~ ' as ' ~ shard_table(other)) %}
    {% do join_shards(relation) %}
{% endmacro %}

{# The SQL that fills a table: with rows for each shard, or on each shard with its own. #}
{% macro insert_sharded(relation, sql, has_contract) %}
    {% set parts = modules.re.split('/\*on each shard from here: (\w*)\*/', sql) %}
    {% if parts | length == 1 %}{{ return(clickhouse__insert_into(relation, sql, has_contract)) }}{% endif %}
    {% set rest = namespace(sql=parts[2]) %}
    {% if parts[1] %}
        {% set brought = brought_for(relation) %}
        {% set step = modules.re.sub(',\s*$', '', parts[0]) ~ ' select * from ' ~ parts[1] %}
        {% do drop_one_sharded(brought) %}
        {% do run_query(
            'create table ' ~ shard_table(brought) ~ ' engine = MergeTree order by tuple() empty as ' ~ step
        ) %}
        {% do copy_to_other_shards(shard_table(brought)) %}
        {% do join_shards(brought) %}
        {% do run_query('insert into ' ~ brought ~ ' ' ~ step) %}
        {% set rest.sql = 'with ' ~ parts[1] ~ ' as (select * from ' ~ shard_table(brought) ~ '), ' ~ rest.sql %}
    {% endif %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.get('shard_by') %}
        {% set name = '`' ~ node.schema ~ '`.`' ~ node.alias %}
        {% set rest.sql = rest.sql | replace(name ~ '`', name ~ '__shard`') %}
    {% endfor %}
    {{ return('/*on every shard*/ ' ~ clickhouse__insert_into(shard_table(relation), rest.sql, has_contract)) }}
{% endmacro %}

{# The new table in the place of the one that is there, or of none. Whoever reads in between may see some shards before and
   some after. #}
{% macro put_sharded_in_place(new, target) %}
    {% set table, made = shard_table(target), shard_table(new) %}
    {% do run_on_every_shard('create table if not exists ' ~ table ~ ' as ' ~ made) %}
    {% do run_on_every_shard('exchange tables ' ~ made ~ ' and ' ~ table) %}
    {% do join_shards(target, 'create or replace table') %}
    {% do drop_sharded(new) %}
{% endmacro %}
