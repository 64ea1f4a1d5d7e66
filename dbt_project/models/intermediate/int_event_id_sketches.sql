{{ config(
    materialized='collected',
    engine='AggregatingMergeTree()',
    order_by=['local_date'],
) }}

select local_date, groupBitmapState({{ event_id_hash() }}) as ids
from {{ ref('stg_millrace__events') }}
where {{ newly_loaded() }} and consent_analytics
group by local_date
