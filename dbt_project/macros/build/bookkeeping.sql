{#
    What builds must remember between runs, in ops. It is no model: it says how tables came to be, not what is in them.

    ops.builds        how far each build reads raw: its horizon
    ops.built_models  what each model was last built from: up to which horizon or change, and by what definition; older
                      rows go in time, so readers take the latest
#}
{% macro begin_build() %}
    {% if execute and flags.WHICH in ['run', 'build'] %}
        {% do run_query("create table if not exists ops.builds (invocation_id String, horizon DateTime64(3, 'UTC')) engine = MergeTree order by horizon") %}
        {% do run_query("create table if not exists ops.built_models (model String, through DateTime64(3, 'UTC'), definition String, built_at DateTime64(3, 'UTC') default now64(3)) engine = ReplacingMergeTree(built_at) order by model") %}
        {% do run_query("create table if not exists ops.tests_passed (test String, through DateTime64(3, 'UTC'), definition String, passed_at DateTime64(3, 'UTC') default now64(3)) engine = ReplacingMergeTree(passed_at) order by test") %}
        {% do note_what_is_before() %}
        {% do note_project_settings() %}
        {# A row gets its loaded_at when its insert begins and is seen when that ends. What is older than every insert
           that still runs is complete: nothing can be added behind it. The second is for clocks and rounding. #}
        {% do run_query("insert into ops.builds select '" ~ invocation_id ~ "', least(now64(3), ifNull((select min(now64(3) - toIntervalMillisecond(toUInt64(elapsed * 1000) + 1000)) from " ~ processes() ~ " where query_kind = 'Insert' and query not ilike 'insert into function%' and query_id != queryID()), now64(3)))") %}
        {% do make_days_anew(env_var('MILLRACE_DAYS_ANEW', '').split()) %}
    {% endif %}
{% endmacro %}

{# Days that somebody asks for, from and until, change in this build. So do those behind them that a session reaches into.
   Without the table of changes, or where that is made anew, all days are. #}
{% macro make_days_anew(days) %}
    {% set changes = graph.nodes['model.millrace.int_changed_days'] %}
    {% if days and adapter.get_relation(database=none, schema=changes.schema, identifier=changes.alias) is not none %}
        {% do run_query(
            "insert into " ~ changes.relation_name ~ " (project_id, local_date, changed_at, reason, events) "
            ~ "select distinct '', local_date, (select horizon from ops.builds where invocation_id = '" ~ invocation_id ~ "'), "
            ~ "'asked for', 0 from " ~ changes.relation_name ~ " where local_date between '" ~ days[0] ~ "' and toDate('" ~ days[1] ~ "') + 3"
        ) %}
    {% endif %}
{% endmacro %}

{# What a model must know to be built, by one query:
   horizon     how far this build reads raw
   built       what the model was last built from, (through, definition); none where it was never built
   definition  changes when what the model is made by changes: its own SQL, with all variables and macros in it, or the
               definition by which a model that it reads was last built. Then it must be made anew as a whole
   changed     of a table of days: the latest change of a day; `changes` is SQL that gives them #}
{% macro build_state(model, sql, changes=none) %}
    {% set name = model.schema ~ '.' ~ model.alias %}
    {% set parents = [] %}
    {% for id in model.depends_on.nodes if id in graph.nodes %}
        {% do parents.append(graph.nodes[id].schema ~ '.' ~ graph.nodes[id].alias) %}
    {% endfor %}
    {% set query %}
        select about, instant, definition
        from (
            select 'horizon' as about, toString(horizon) as instant, '' as definition
            from ops.builds
            where invocation_id = '{{ invocation_id }}'
            union all
            select model, toString(argMax(through, built_at)), argMax(definition, built_at)
            from ops.built_models
            where model in ('{{ ([name] + parents) | join("', '") }}')
            group by model
            {% if changes %}
                union all
                select 'changed', toString(max(changed_at)), '' from {{ changes }}
            {% endif %}
        )
        order by about
    {% endset %}
    {% set state, words = {'built': none}, [sql] %}
    {% for row in run_query(query).rows %}
        {% if row.about in ['horizon', 'changed'] %}{% do state.update({row.about: row.instant}) %}
        {% elif row.about == name %}{% do state.update({'built': (row.instant, row.definition)}) %}
        {% else %}{% do words.append(row.about ~ ' ' ~ row.definition) %}
        {% endif %}
    {% endfor %}
    {% if 'horizon' not in state %}{{ exceptions.raise_compiler_error("This build has no horizon: begin_build() did not run.") }}{% endif %}
    {% do state.update({'definition': local_md5(words | join('\n'))}) %}
    {{ return(state) }}
{% endmacro %}

{% macro must_be_made_anew(existing, state) %}
    {{ return(existing is none or should_full_refresh() or state.built is none or state.built[1] != state.definition) }}
{% endmacro %}

{% macro record_built(relation, through, definition) %}
    {% do run_query("insert into ops.built_models (model, through, definition) values ('" ~ relation.schema ~ "." ~ relation.identifier ~ "', '" ~ through ~ "', '" ~ definition ~ "')") %}
{% endmacro %}

{# For models that are made anew by every build: those that are made from them must see a change of the definition. #}
{% macro record_definition() %}
    {% if execute and flags.WHICH in ['run', 'build'] and model.config.materialized not in ['by_day', 'collected'] %}
        {% set state = build_state(model, model.get('compiled_code') or model.checksum.checksum) %}
        {% if state.built is none or state.built[1] != state.definition %}
            {% do record_built(this, state.horizon, state.definition) %}
        {% endif %}
    {% endif %}
{% endmacro %}
