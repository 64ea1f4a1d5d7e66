{{ config(materialized='view', sql_security='definer', definer='CURRENT_USER') }}

select
    {{ key_of('project_id', 'person_id') }} as person_key,
    project_id,
    person_id,
    as_of,
    model_version,
    purchases,
    last_purchase_on,
    paid,
    probability_alive,
    expected_purchases_30_days,
    expected_purchases_90_days,
    expected_purchases_365_days,
    expected_order_value,
    expected_value_30_days,
    expected_value_90_days,
    expected_value_365_days
from {{ ref('stg_ml__lifetime_values') }}
