select
    project_id,
    reason,
    received_at,
    loaded_at
from {{ source('raw', 'events_rejected') }}
