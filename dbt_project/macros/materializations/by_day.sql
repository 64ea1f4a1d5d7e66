{#
    A table of days, partitioned by day (local_date). A build makes anew the days that changed since the table was last
    built and puts each in place at once (REPLACE PARTITION): a reader sees a day before or after, never in between. A
    first build, a full refresh or a changed definition makes all days, some at a time, and swaps the table.

    The SQL says with in_days() which rows belong to the days at hand. `days_before` and `days_after`: a change of a day
    changes the table's days around it as well.
#}
{% materialization by_day, adapter='clickhouse' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set new = this.incorporate(path={'identifier': this.identifier ~ '__new'}, type='table') -%}
    {%- set state = build_state(model, sql, of_days=true) -%}
    {%- set whole = must_be_made_anew(existing, state) -%}
    {%- set has_contract = config.get('contract').enforced -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {{ drop_relation_if_exists(load_cached_relation(new)) }}

    {% set before, after = config.get('days_before', 0), config.get('days_after', 0) %}
    {% set ranges = all_days(before, after) if whole else days_changed_since(state.built[0], before, after) %}
    {% if whole %}
        {% set empty = fill_in(sql) %}
        {% do clickhouse__create_empty_table(False, new, empty, has_contract) %}
    {% elif ranges | length %}
        {% do run_query('create table ' ~ new ~ ' as ' ~ existing) %}
    {% endif %}

    {% for range in ranges %}
        {% set part = fill_in(sql, {'first day': range[0], 'last day': range[1], 'horizon': state.horizon}, new if whole else existing) %}
        {% call statement('main' if loop.last else 'part') %}
            {{ clickhouse__insert_into(new, part, has_contract) }}
        {% endcall %}
    {% endfor %}
    {% if not ranges | length %}
        {% call noop_statement('main', 'no day changed') %}{% endcall %}
    {% endif %}

    {% if whole and existing is none %}
        {% do adapter.rename_relation(new, target_relation) %}
    {% elif whole %}
        {% do run_query('exchange tables ' ~ new ~ ' and ' ~ existing) %}
        {% do run_query('drop table ' ~ new) %}
    {% elif ranges | length %}
        {% do run_query(replace_days(existing, new, ranges)) %}
        {% do run_query('drop table ' ~ new) %}
    {% endif %}

    {% do persist_docs(target_relation, model) %}
    {% do record_built(this, state.changed, state.definition) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# Ranges of days, each with at most so many events that a laptop sorts them in memory. They leave no day out between
   them: also a day without events may have rows, a Monday that stands for its week. #}
{% macro all_days(before, after) %}
    {% set query %}
        with parts as (
            select part, min(local_date) as begins, max(local_date) as ends
            from (
                select local_date, intDiv(sum(sum(events)) over (order by local_date), {{ var('events_per_part', 5000000) }}) as part
                from {{ ref('int_changed_days') }}
                group by local_date
            )
            group by part
        )
        select
            toString(begins - if(part = min(part) over (), {{ before }}, 0)),
            toString(if(
                part = max(part) over (),
                ends + {{ after }},
                leadInFrame(begins) over (order by part rows between current row and 1 following) - 1
            ))
        from parts
        order by part
    {% endset %}
    {{ return(run_query(query).rows) }}
{% endmacro %}

{# Ranges of consecutive days that changed after an instant. #}
{% macro days_changed_since(instant, before, after) %}
    {% set query %}
        select toString(min(day)), toString(max(day))
        from (
            select day, toInt32(day) - row_number() over (order by day) as run
            from (
                select distinct arrayJoin(arrayMap(n -> local_date + n, range(-{{ before }}, {{ after + 1 }}))) as day
                from {{ ref('int_changed_days') }}
                where changed_at > toDateTime64('{{ instant }}', 3, 'UTC')
            )
        )
        group by run
        order by run
    {% endset %}
    {{ return(run_query(query).rows) }}
{% endmacro %}

{% macro replace_days(target, new, ranges) %}
    {%- set query -%}
        select toString(arrayJoin(arrayFlatten([
        {%- for range in ranges -%}
            arrayMap(n -> toDate('{{ range[0] }}') + n, range(toUInt32(toDate('{{ range[1] }}') - toDate('{{ range[0] }}') + 1))){{ ', ' if not loop.last }}
        {%- endfor -%}
        ])))
    {%- endset -%}
    {%- set days = run_query(query).columns[0].values() -%}
    alter table {{ target }}
    {%- for day in days %} replace partition '{{ day }}' from {{ new }}{{ ',' if not loop.last }}{% endfor %}
    {#- A day that has no rows any more must lose those it had. #}
    settings allow_replace_partition_from_empty_source = 1
{% endmacro %}
