select
    project_id,
    reason,
    received_at,
    loaded_at
from {{ everywhere(source('raw', 'events_rejected')) }}
