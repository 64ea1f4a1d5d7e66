{#
    What was known of a person when something happened. Plain Jinja, without anything of dbt: `millrace funnel` renders
    the same text.
#}

{# What people call it, and its column beside events; in dim_users it is called what stands after the dot. #}
{% macro user_dimensions() %}
user.country user_country
user.plan user_plan
user.tier user_tier
{% endmacro %}

{# Joins the version of dim_users that held at an instant of the fact, as `users`; none for a stranger. #}
{% macro join_users_as_of(facts, instant, users) -%}
    asof left join {{ users }} as users
        on users.project_id = {{ facts }}.project_id
        and users.person_key = {{ facts }}.person_key
        and users.valid_from <= {{ facts }}.{{ instant }}
{%- endmacro %}

{# Events with user_plan and the like beside them: what user.plan means in a step or a breakdown. `scanned`: a condition
   on the events that are needed; the join does not let one behind it through. #}
{% macro events_with_users(events, users, scanned='true') -%}
(
    select
        events.*
        {%- for line in user_dimensions().split('\n') if line %},
        ifNull(users.{{ line.split(' ')[0][5:] }}, 'unknown') as {{ line.split(' ')[1] }}
        {%- endfor %}
    from (select * from {{ events }} where {{ scanned }}) as events
    {{ join_users_as_of('events', 'timestamp', users) }}
)
{%- endmacro %}
