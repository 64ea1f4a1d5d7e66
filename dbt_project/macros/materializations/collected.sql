{#
    A table that only grows: each build adds what it learns from the rows of raw that it is the first to read
    (newly_loaded()). It must not matter if a row is read twice: what is added is a minimum, a union, a set.
#}
{% materialization collected, adapter='clickhouse' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set new = this.incorporate(path={'identifier': this.identifier ~ '__new'}, type='table') -%}
    {%- set state = build_state(model, sql) -%}
    {%- set whole = must_be_made_anew(existing, state) -%}
    {%- set has_contract = config.get('contract').enforced -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if whole %}
        {{ drop_relation_if_exists(load_cached_relation(new)) }}
        {% do clickhouse__create_empty_table(False, new, fill_in(sql), has_contract) %}
        {% call statement('main') %}
            {{ clickhouse__insert_into(new, fill_in(sql, {'horizon': state.horizon}, new), has_contract) }}
        {% endcall %}
        {% if existing is none %}
            {% do adapter.rename_relation(new, target_relation) %}
        {% else %}
            {% do put_in_place(new, existing) %}
        {% endif %}
    {% else %}
        {% do keep_a_copy(existing) %}
        {% call statement('main') %}
            {{ clickhouse__insert_into(existing, fill_in(sql, {'since': state.built[0], 'horizon': state.horizon}, existing), has_contract) }}
        {% endcall %}
    {% endif %}

    {% do persist_docs(target_relation, model) %}
    {% do record_built(this, state.horizon, state.definition) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
