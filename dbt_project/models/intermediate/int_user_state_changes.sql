{{ config(materialized='collected', order_by=['changed_at', 'project_id', 'person_key', 'from_day', 'state']) }}

-- What is so now and was not before, and what was so before and is not now: each state counts once on either side.
select
    toLowCardinality(changes.project_id) as project_id,
    person_key,
    from_day,
    state,
    sum(counts)::Int8 as sign,
    {{ horizon() }} as changed_at
from (
    select project_id, person_key, from_day, cityHash64(toString(tuple(*))) as state, 1::Int8 as counts
    from {{ ref('int_user_states') }}
    union all
    select project_id, person_key, from_day, state, (-sign)::Int8 as counts
    from {{ so_far('project_id String, person_key UInt64, from_day Date, state UInt64, sign Int8') }} as earlier
) as changes
group by changes.project_id, person_key, from_day, state
having sum(counts) != 0
