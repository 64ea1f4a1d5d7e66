select
    project_id,
    person_id,
    valid_from,
    valid_to,
    segment_id,
    segment,
    model_version
from {{ source('ml', 'segment_members') }} final
