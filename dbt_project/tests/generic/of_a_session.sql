{# The session is 0, of none, or one of fct_sessions. Unlike a test of relationships it reads the sessions of these days only. #}
{% test of_a_session(model, column_name) %}
select {{ column_name }}, local_date
from {{ model }}
where
    {{ column_name }} != 0
    and {{ column_name }} not in (
        select session_key
        from {{ ref('fct_sessions') }}
        where
            local_date in (
                select arrayJoin(arrayMap(n -> local_date - n, range({{ days_after_session_start() + 1 }})))
                from (select distinct local_date from {{ model }})
            )
    )
{% endtest %}
