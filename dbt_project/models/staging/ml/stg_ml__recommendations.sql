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
    in (
        select scoring.project_id, max(scoring.written_at) from {{ source('ml', 'recommendations') }} as scoring
        group by scoring.project_id
    )
