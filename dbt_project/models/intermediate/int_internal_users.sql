{{ config(materialized='collected', order_by=['project_id', 'user_id']) }}

select distinct project_id, user_id, {{ horizon() }} as changed_at
from {{ ref('stg_millrace__events') }}
where
    {{ newly_loaded() }}
    and consent_analytics
    and message_type = 'identify'
    and user_id != ''
    and is_internal
    and (project_id, user_id) not in (select project_id, user_id from {{ so_far('project_id String, user_id String') }})
