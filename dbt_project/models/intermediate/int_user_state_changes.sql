{{ config(materialized='collected', order_by=['changed_at', 'project_id', 'person_key', 'from_day', 'state']) }}

with now as (
    select project_id, person_key, from_day, cityHash64(toString(tuple(*))) as state
    from {{ ref('int_user_states') }}
),

before as (
    select project_id, person_key, from_day, state
    from {{ so_far('project_id String, person_key UInt64, from_day Date, state UInt64, sign Int8') }} as earlier
    group by project_id, person_key, from_day, state
    having sum(earlier.sign) > 0
)

select project_id, person_key, from_day, state, 1::Int8 as sign, {{ horizon() }} as changed_at
from now
where (project_id, person_key, from_day, state) not in (select project_id, person_key, from_day, state from before)
union all
select project_id, person_key, from_day, state, -1::Int8 as sign, {{ horizon() }} as changed_at
from before
where (project_id, person_key, from_day, state) not in (select project_id, person_key, from_day, state from now)
