{{ config(materialized='view', sql_security='definer', definer='CURRENT_USER') }}

select
    project_id,
    series,
    splitByChar(':', toString(series))[1]::LowCardinality(String) as kind,
    splitByChar(':', toString(series))[2]::LowCardinality(String) as name,
    day as local_date,
    made_on,
    days_ahead,
    multiIf(days_ahead <= 7, 7, days_ahead <= 30, 30, 90)::UInt16 as horizon,
    expected,
    lower_50,
    upper_50,
    lower_80,
    upper_80,
    lower_95,
    upper_95,
    method,
    model_version,
    written_at
from {{ ref('stg_ml__forecasts') }}
