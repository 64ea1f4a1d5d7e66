select
    project_id,
    name as project_name,
    timezone,
    currency,
    retention_days,
    privacy
from {{ source('raw', 'projects') }}
