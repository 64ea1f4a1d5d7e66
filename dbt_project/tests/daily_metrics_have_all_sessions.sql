select *
from (
    select project_id, local_date, sum(sessions) as sessions
    from {{ ref('agg_daily_metrics') }}
    where local_date in {{ tested_days() }}
    group by project_id, local_date
) as daily
full outer join (
    select project_id, local_date, count() as sessions
    from {{ ref('fct_sessions') }}
    where local_date in {{ tested_days() }}
    group by project_id, local_date
) as facts on facts.project_id = daily.project_id and facts.local_date = daily.local_date
where ifNull(daily.sessions, 0) != ifNull(facts.sessions, 0)
