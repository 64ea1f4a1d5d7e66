select
    project_id,
    hour,
    event,
    events,
    last_loaded_at
from {{ everywhere(source('raw', 'hourly_events')) }}
