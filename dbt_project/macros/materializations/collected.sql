{#
    A table that only grows: each build adds what it learns from the rows of raw that it is the first to read
    (newly_loaded()). It must not matter if a row is read twice: what is added is a minimum, a union, a set.
#}
{% materialization collected, adapter='clickhouse' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set new = this.incorporate(path={'identifier': this.identifier ~ '__new'}, type='table') -%}
    {%- set definition = definition_of(model, sql) -%}
    {%- set built = last_built(this) -%}
    {%- set horizon = build_horizon() -%}
    {%- set whole = existing is none or should_full_refresh() or built is none or built[1] != definition -%}
    {%- set has_contract = config.get('contract').enforced -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if whole %}
        {% do run_query('drop table if exists ' ~ new) %}
        {% do clickhouse__create_empty_table(False, new, fill_in(sql), has_contract) %}
        {% call statement('main') %}
            {{ clickhouse__insert_into(new, fill_in(sql, {'horizon': horizon}, new), has_contract) }}
        {% endcall %}
        {% if existing is none %}
            {% do adapter.rename_relation(new, target_relation) %}
        {% else %}
            {% do run_query('exchange tables ' ~ new ~ ' and ' ~ existing) %}
            {% do run_query('drop table ' ~ new) %}
        {% endif %}
    {% else %}
        {% call statement('main') %}
            {{ clickhouse__insert_into(existing, fill_in(sql, {'since': built[0], 'horizon': horizon}, existing), has_contract) }}
        {% endcall %}
    {% endif %}

    {% do persist_docs(target_relation, model) %}
    {% do record_built(this, horizon, definition) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
