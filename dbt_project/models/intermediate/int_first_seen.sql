{{ config(
    materialized='collected',
    engine='AggregatingMergeTree()',
    order_by=['project_id', 'is_user', 'id'],
) }}

select
    project_id,
    (user_id != '')::Bool as is_user,
    if(is_user, user_id, anonymous_id) as id,
    minSimpleState(timestamp) as first_at
from {{ ref('stg_millrace__events') }}
where {{ newly_loaded() }} and consent_analytics and id != ''
group by all
