select
    project_id,
    {{ shared_id('user_id') }} as user_id,
    score,
    answered_at,
    _loaded_at as loaded_at
from {{ source('raw', 'nps_answers') }} final
