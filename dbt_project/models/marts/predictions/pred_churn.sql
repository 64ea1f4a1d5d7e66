{{ config(materialized='view', sql_security='definer', definer='CURRENT_USER') }}

select
    project_id,
    person_key,
    local_date,
    (local_date = max(local_date) over (partition by project_id))::Bool as is_newest,
    probability,
    risk_band,
    reasons,
    arrayStringConcat(arrayMap(one -> one.reason, reasons), '; ') as reasons_in_words,
    horizon_days,
    model_version,
    written_at
from {{ ref('stg_ml__churn') }}
