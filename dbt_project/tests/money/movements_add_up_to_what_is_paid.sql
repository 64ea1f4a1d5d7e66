select *
from (
    select project_id, sum(revenue_change) as moved
    from {{ ref('fct_revenue_movements') }}
    group by project_id
) as movements
full outer join (
    select project_id, sumIf(monthly_revenue, ended_at is null) as paid
    from {{ ref('fct_subscriptions') }}
    group by project_id
) as subscriptions on subscriptions.project_id = movements.project_id
where ifNull(movements.moved, 0) != ifNull(subscriptions.paid, 0)
