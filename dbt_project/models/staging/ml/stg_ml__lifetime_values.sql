-- A scoring tells of all customers of a project: who is not in the last one is none any more.
select
    project_id,
    person_id,
    as_of,
    model_version,
    purchases,
    last_purchase_on,
    paid,
    probability_alive,
    purchases_30 as expected_purchases_30_days,
    purchases_90 as expected_purchases_90_days,
    purchases_365 as expected_purchases_365_days,
    order_value as expected_order_value,
    value_30 as expected_value_30_days,
    value_90 as expected_value_90_days,
    value_365 as expected_value_365_days,
    written_at
from {{ source('ml', 'lifetime_values') }} final
where
    (project_id, written_at)
    in (
        select scoring.project_id, max(scoring.written_at) from {{ source('ml', 'lifetime_values') }} as scoring
        group by scoring.project_id
    )
