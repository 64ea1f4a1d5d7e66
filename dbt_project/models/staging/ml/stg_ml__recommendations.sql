select
    project_id,
    person_id,
    rank,
    product_id,
    score,
    way,
    as_of,
    model_version
from {{ source('ml', 'recommendations') }} final
where
    (project_id, written_at)
    in (select project_id, max(written_at) from {{ source('ml', 'recommendations') }} group by project_id)
