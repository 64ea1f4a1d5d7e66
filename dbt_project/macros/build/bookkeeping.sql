{#
    What builds must remember between runs, in ops. It is no model: it says how tables came to be, not what is in them.

    ops.builds        how far each build reads raw: its horizon
    ops.built_models  up to which horizon or change a model is built, and from what definition
#}
{% macro begin_build() %}
    {% if execute and flags.WHICH in ['run', 'build'] %}
        {% do run_query("create table if not exists ops.builds (invocation_id String, horizon DateTime64(3, 'UTC')) engine = MergeTree order by horizon") %}
        {% do run_query("create table if not exists ops.built_models (model String, through DateTime64(3, 'UTC'), definition String, built_at DateTime64(3, 'UTC') default now64(3)) engine = MergeTree order by (model, built_at)") %}
        {# A row gets its loaded_at when its insert begins and is seen when that ends. What is older than every insert
           that still runs is complete: nothing can be added behind it. The second is for clocks and rounding. #}
        {% do run_query("insert into ops.builds select '" ~ invocation_id ~ "', least(now64(3), ifNull((select min(now64(3) - toIntervalMillisecond(toUInt64(elapsed * 1000) + 1000)) from system.processes where query_kind = 'Insert' and query not ilike 'insert into function%' and query_id != queryID()), now64(3)))") %}
    {% endif %}
{% endmacro %}

{% macro build_horizon() %}
    {{ return(run_query("select toString(max(horizon)) from ops.builds where invocation_id = '" ~ invocation_id ~ "'").rows[0][0]) }}
{% endmacro %}

{# What is known of the last build of a model: (through, definition); none where it was never built. #}
{% macro last_built(relation) %}
    {% set rows = run_query("select toString(through), definition from ops.built_models where model = '" ~ relation.schema ~ "." ~ relation.identifier ~ "' order by built_at desc limit 1").rows %}
    {{ return(rows[0] if rows | length else none) }}
{% endmacro %}

{% macro record_built(relation, through, definition) %}
    {% do run_query("insert into ops.built_models (model, through, definition) values ('" ~ relation.schema ~ "." ~ relation.identifier ~ "', '" ~ through ~ "', '" ~ definition ~ "')") %}
{% endmacro %}

{# Changes when the model's SQL or that of anything it is made from changes: then it must be made anew as a whole. #}
{% macro definition_of(model, sql) %}
    {% set ancestors = _ancestors(model, {}) %}
    {% set code = [sql] %}
    {% for id in ancestors | sort %}{% do code.append(graph.nodes[id].raw_code) %}{% endfor %}
    {{ return(local_md5(code | join('\n'))) }}
{% endmacro %}

{% macro _ancestors(node, found) %}
    {% for id in node.depends_on.nodes if id in graph.nodes and id not in found %}
        {% do found.update({id: true}) %}
        {% do _ancestors(graph.nodes[id], found) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}
