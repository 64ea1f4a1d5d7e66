-- By the day on which the session began.
{%- set its_days -%}
    (select arrayJoin(arrayMap(n -> local_date + n, range({{ days_after_session_start() + 1 }}))) from {{ tested_days() }})
{%- endset %}

select *
from (
    select session_key, count() as events
    from {{ ref('fct_events') }}
    where
        session_key != 0
        and local_date in {{ its_days }}
        and {{ local_date('session_started_at') }} in {{ tested_days() }}
    group by session_key
) as told
full outer join (
    select session_key, sum(facts.events) as events
    from {{ ref('fct_sessions') }} as facts
    where local_date in {{ tested_days() }}
    group by session_key
) as sessions on sessions.session_key = told.session_key
where ifNull(told.events, 0) != ifNull(sessions.events, 0)
