select *
from (select project_id, sum(sessions) as sessions from {{ ref('agg_daily_metrics') }} group by project_id) as daily
full outer join (select project_id, count() as sessions from {{ ref('fct_sessions') }} group by project_id) as facts
    on facts.project_id = daily.project_id
where ifNull(daily.sessions, 0) != ifNull(facts.sessions, 0)
