{{ config(materialized='view') }}

select
    project_id,
    local_date,
    from_currency as currency,
    rate,
    loaded_at
from {{ ref('stg_finance__currency_rates') }}
where to_currency = {{ project_currency() }}
