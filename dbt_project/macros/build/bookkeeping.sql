{#
    What builds must remember between runs, in ops. It is no model: it says how tables came to be, not what is in them.

    ops.builds        how far each build reads raw: its horizon
    ops.built_models  what each model was last built from: up to which horizon or change, and by what definition
#}
{% macro begin_build() %}
    {% if execute and flags.WHICH in ['run', 'build'] %}
        {% do run_query("create table if not exists ops.builds (invocation_id String, horizon DateTime64(3, 'UTC')) engine = MergeTree order by horizon") %}
        {% do run_query("create table if not exists ops.built_models (model String, through DateTime64(3, 'UTC'), definition String, built_at DateTime64(3, 'UTC') default now64(3)) engine = MergeTree order by (model, built_at)") %}
        {% do run_query("create table if not exists ops.tests_passed (test String, through DateTime64(3, 'UTC'), definition String, passed_at DateTime64(3, 'UTC') default now64(3)) engine = MergeTree order by (test, passed_at)") %}
        {# A row gets its loaded_at when its insert begins and is seen when that ends. What is older than every insert
           that still runs is complete: nothing can be added behind it. The second is for clocks and rounding. #}
        {% do run_query("insert into ops.builds select '" ~ invocation_id ~ "', least(now64(3), ifNull((select min(now64(3) - toIntervalMillisecond(toUInt64(elapsed * 1000) + 1000)) from system.processes where query_kind = 'Insert' and query not ilike 'insert into function%' and query_id != queryID()), now64(3)))") %}
    {% endif %}
{% endmacro %}

{% macro build_horizon() %}
    {% set rows = run_query("select toString(horizon) from ops.builds where invocation_id = '" ~ invocation_id ~ "'").rows %}
    {% if not rows | length %}{{ exceptions.raise_compiler_error("This build has no horizon: begin_build() did not run.") }}{% endif %}
    {{ return(rows[0][0]) }}
{% endmacro %}

{# What is known of the last build of a model (a relation, or a node of the graph): (through, definition); none where it was
   never built. #}
{% macro last_built(relation) %}
    {% set rows = run_query("select toString(through), definition from ops.built_models where model = '" ~ relation.schema ~ "." ~ (relation.identifier or relation.alias) ~ "' order by built_at desc limit 1").rows %}
    {{ return(rows[0] if rows | length else none) }}
{% endmacro %}

{% macro record_built(relation, through, definition) %}
    {% do run_query("insert into ops.built_models (model, through, definition) values ('" ~ relation.schema ~ "." ~ relation.identifier ~ "', '" ~ through ~ "', '" ~ definition ~ "')") %}
{% endmacro %}

{# Changes when what the model is made by changes: its own SQL, with all variables and macros in it, or the definition by
   which a model that it reads was last built. Then it must be made anew as a whole. #}
{% macro definition_of(model, sql) %}
    {% set parents = [] %}
    {% for id in model.depends_on.nodes if id in graph.nodes %}
        {% do parents.append("'" ~ graph.nodes[id].schema ~ "." ~ graph.nodes[id].alias ~ "'") %}
    {% endfor %}
    {% set known = [] %}
    {% if parents | length %}
        {% set known = run_query("select model, argMax(definition, built_at) from ops.built_models where model in (" ~ parents | join(', ') ~ ") group by model order by model").rows %}
    {% endif %}
    {% set words = [sql] %}
    {% for row in known %}{% do words.append(row[0] ~ ' ' ~ row[1]) %}{% endfor %}
    {{ return(local_md5(words | join('\n'))) }}
{% endmacro %}

{# For models that are made anew by every build: those that are made from them must see a change of the definition. #}
{% macro record_definition() %}
    {% if execute and flags.WHICH in ['run', 'build'] and model.config.materialized not in ['by_day', 'collected'] %}
        {% set definition = definition_of(model, model.get('compiled_code') or model.checksum.checksum) %}
        {% set built = last_built(this) %}
        {% if built is none or built[1] != definition %}{% do record_built(this, build_horizon(), definition) %}{% endif %}
    {% endif %}
{% endmacro %}
