select
    project_id,
    hour,
    event,
    events,
    last_loaded_at
from {{ source('raw', 'hourly_events') }}
