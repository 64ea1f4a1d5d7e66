select
    project_id,
    user_id,
    score,
    answered_at,
    _loaded_at as loaded_at
from {{ source('raw', 'nps_answers') }} final
