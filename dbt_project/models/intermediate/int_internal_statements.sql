{{ config(materialized='collected', order_by=['project_id', 'user_id']) }}

with known as (
    select project_id, user_id, source
    from {{ so_far('project_id String, user_id String, source String, is_internal Bool, changed_at DateTime64(3)') }}
    group by project_id, user_id, source
    having argMax(is_internal, changed_at)
),

-- What an identify call said stays said.
identified as (
    select distinct project_id, user_id
    from {{ ref('stg_millrace__events') }}
    where {{ newly_loaded() }} and consent_analytics and message_type = 'identify' and user_id != '' and is_internal
),

-- The CRM may restate a row: so all that it says is compared with what it said before.
customers as (
    select distinct project_id, user_id
    from {{ ref('stg_crm__customers') }}
    where is_internal
)

select project_id, user_id, 'event' as source, true as is_internal, {{ horizon() }} as changed_at
from identified
where (project_id, user_id) not in (select project_id, user_id from known where source = 'event')
union all
select project_id, user_id, 'crm' as source, true as is_internal, {{ horizon() }} as changed_at
from customers
where (project_id, user_id) not in (select project_id, user_id from known where source = 'crm')
union all
select project_id, user_id, source, false as is_internal, {{ horizon() }} as changed_at
from known
where source = 'crm' and (project_id, user_id) not in (select project_id, user_id from customers)
