{{ config(
    materialized='collected',
    engine='ReplacingMergeTree()',
    order_by=['project_id', 'order_id', 'local_date'],
) }}

select distinct
    project_id,
    {{ order_id() }} as order_id,
    local_date
from {{ ref('stg_millrace__events') }}
where {{ newly_loaded() }} and consent_analytics and event = 'order_completed'
