{{ config(materialized='collected', order_by=['project_id', 'user_id', 'timestamp']) }}

-- Only what is asked for by name: an identify also carries e-mail and name.
select
    project_id,
    user_id,
    event_id,
    timestamp,
    received_at,
    loaded_at,
    ifNull(toString(properties.plan), '') as plan,
    ifNull(toString(properties.country), '') as country,
    ifNull(toString(properties.company_id), '') as company_id,
    ifNull(toString(properties.role), '') as role,
    parseDateTime64BestEffortOrNull(ifNull(toString(properties.signed_up_at), ''), 3, 'UTC') as signed_up_at
from {{ ref('stg_millrace__events') }}
where {{ newly_loaded() }} and consent_analytics and message_type = 'identify' and user_id != ''
