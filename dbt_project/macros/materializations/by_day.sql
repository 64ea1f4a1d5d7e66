{#
    A table of days, partitioned by day (local_date). A build makes anew the days that changed since the table was last
    built and puts each in place at once (REPLACE PARTITION): a reader sees a day before or after, never in between. A
    first build, a full refresh or a changed definition makes all days, some at a time, and swaps the table.

    The SQL says with in_days() which rows belong to the days at hand. `days_before` and `days_after`: a change of a day
    changes the table's days around it as well. `changed_from` names a collected model whose rows (from_day, changed_at) say
    from which day on something else that the table is made from has changed. `shard_by`: on a cluster the table lies on all
    shards, by this expression.
#}
{% materialization by_day, adapter='clickhouse' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set new = this.incorporate(path={'identifier': this.identifier ~ '__new'}, type='table') -%}
    {%- set state = build_state(model, sql, changes=changed_days(model)) -%}
    {%- set whole = must_be_made_anew(existing, state) -%}
    {%- set has_contract = config.get('contract').enforced -%}
    {%- set sharded = is_sharded() -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if sharded %}{% do drop_sharded(new) %}{% else %}{{ drop_relation_if_exists(load_cached_relation(new)) }}{% endif %}

    {% set before, after = config.get('days_before', 0), config.get('days_after', 0) %}
    {% set ranges = all_days(before, after) if whole else days_changed_since(state.built[0], changed_days(model)) %}
    {% if whole %}
        {% set empty = fill_in(sql) %}
        {% if sharded %}{% do create_sharded(new, empty, has_contract) %}
        {% else %}{% do clickhouse__create_empty_table(False, new, empty, has_contract) %}
        {% endif %}
    {% elif ranges | length and sharded %}
        {% do create_sharded_like(new, existing) %}
    {% elif ranges | length %}
        {% do run_query('create table ' ~ new ~ ' as ' ~ existing) %}
    {% endif %}

    {% for range in ranges %}
        {% set own = new if whole else existing %}
        {% set part = fill_in(
            sql, {'first day': range[0], 'last day': range[1], 'horizon': state.horizon}, shard_table(own) if sharded else own
        ) %}
        {% set filling = insert_sharded(new, part, has_contract) if sharded else clickhouse__insert_into(new, part, has_contract) %}
        {% call statement('main' if loop.last else 'part') %}
            {{ filling }}
        {% endcall %}
    {% endfor %}
    {% if not ranges | length %}
        {% call noop_statement('main', 'no day changed') %}{% endcall %}
    {% endif %}

    {% if whole and sharded %}
        {% do put_sharded_in_place(new, target_relation) %}
    {% elif whole and existing is none %}
        {% do adapter.rename_relation(new, target_relation) %}
    {% elif whole %}
        {% do put_in_place(new, existing) %}
    {% elif ranges | length and sharded %}
        {% do run_on_every_shard(replace_days(shard_table(existing), shard_table(new), days_of(ranges))) %}
        {% do drop_sharded(new) %}
    {% elif ranges | length %}
        {% do put_days_in_place(new, existing, ranges) %}
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

{# Which days of a table of days changed and when: (local_date, changed_at), as SQL. #}
{% macro changed_days(model) -%}
    {%- set changes = graph.nodes['model.millrace.int_changed_days'].relation_name -%}
    {%- set before, after, beside = model.config.get('days_before', 0), model.config.get('days_after', 0), model.config.get('changed_from') -%}
    (
        select arrayJoin(arrayMap(n -> local_date + n, range(-{{ before }}, {{ after + 1 }}))) as local_date, changed_at
        from {{ changes }}
        {%- if beside %}
        union all
        select arrayJoin(arrayMap(
            n -> since + n, range(toUInt32(greatest(0, (select max(local_date) from {{ changes }}) - since + 1)))
        )), changed_at
        from (
            select min(from_day) as since, changed_at
            from {{ graph.nodes['model.millrace.' ~ beside].relation_name }}
            group by changed_at
        )
        {%- endif %}
    )
{%- endmacro %}

{# Ranges of consecutive days that changed after an instant. #}
{% macro days_changed_since(instant, changes) %}
    {% set query %}
        select toString(min(local_date)), toString(max(local_date))
        from (
            select local_date, toInt32(local_date) - row_number() over (order by local_date) as run
            from (select distinct local_date from {{ changes }} where changed_at > toDateTime64('{{ instant }}', 3, 'UTC'))
        )
        group by run
        order by run
    {% endset %}
    {{ return(run_query(query).rows) }}
{% endmacro %}

{% macro days_of(ranges) %}
    {%- set query -%}
        select toString(arrayJoin(arrayFlatten([
        {%- for range in ranges -%}
            arrayMap(n -> toDate('{{ range[0] }}') + n, range(toUInt32(toDate('{{ range[1] }}') - toDate('{{ range[0] }}') + 1))){{ ', ' if not loop.last }}
        {%- endfor -%}
        ])))
    {%- endset -%}
    {{ return(run_query(query).columns[0].values()) }}
{% endmacro %}

{% macro replace_days(target, new, days) %}
    alter table {{ target }}
    {%- for day in days %} replace partition '{{ day }}' from {{ new }}{{ ',' if not loop.last }}{% endfor %}
    {#- A day that has no rows any more must lose those it had. #}
    settings allow_replace_partition_from_empty_source = 1
{% endmacro %}
