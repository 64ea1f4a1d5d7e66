select
    day,
    asset,
    project_id,
    score,
    completeness,
    validity,
    uniqueness,
    timeliness,
    consistency,
    written_at
from {{ source('ops', 'quality_scores') }} final
where asset != ''
