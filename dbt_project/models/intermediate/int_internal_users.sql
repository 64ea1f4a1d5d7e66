{{ config(materialized='view') }}

select distinct project_id, user_id
from (
    select project_id, user_id, source
    from {{ ref('int_internal_statements') }}
    group by project_id, user_id, source
    having argMax(is_internal, changed_at)
)
