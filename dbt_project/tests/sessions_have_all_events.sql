-- Of the sessions of the last 30 days: nobody wants to read all events after each build.
{%- set since %} (select max(local_date) - 30 from {{ ref('fct_sessions') }}) {%- endset %}
select *
from (
    select session_key, count() as events
    from {{ ref('fct_events') }}
    where session_key != 0 and local_date >= {{ since }} and {{ local_date('session_started_at') }} >= {{ since }}
    group by session_key
) as told
full outer join (
    select session_key, events
    from {{ ref('fct_sessions') }}
    where local_date >= {{ since }}
) as sessions on sessions.session_key = told.session_key
where ifNull(told.events, 0) != ifNull(sessions.events, 0)
