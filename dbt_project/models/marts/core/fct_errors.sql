{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'error_type', 'timestamp'],
) }}

select
    project_id,
    event_id,
    person_key,
    session_key,
    timestamp,
    local_date,
    time_key,
    page_key,
    page_path,
    device_key,
    geo_key,
    app_version,
    toLowCardinality(ifNull(toString(properties.error_type), 'unknown')) as error_type,
    toInt64OrNull(toString(properties.error_code)) as error_code,
    ifNull(toString(properties.message), '') as message,
    (ifNull(toString(properties.fatal), '') in ('true', '1'))::Bool as is_fatal
from {{ ref('fct_events') }}
where {{ in_days() }} and event in ({{ quoted(var('error_events')) }})
