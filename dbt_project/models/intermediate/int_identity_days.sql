{{ config(
    materialized='collected',
    engine='ReplacingMergeTree()',
    order_by=['project_id', 'is_user', 'id', 'local_date'],
) }}

select
    project_id,
    identifier.1 as is_user,
    identifier.2 as id,
    local_date
from (
    select distinct
        project_id,
        arrayJoin([(false, anonymous_id), (true, user_id)]) as identifier,
        local_date
    from {{ ref('stg_millrace__events') }}
    where {{ newly_loaded() }} and consent_analytics
)
where id != ''
