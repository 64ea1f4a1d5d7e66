{{ config(materialized='view') }}

select project_id, anonymous_id, argMin(user_id, (linked_at, user_id)) as user_id
from {{ ref('int_identity_links') }}
group by project_id, anonymous_id
