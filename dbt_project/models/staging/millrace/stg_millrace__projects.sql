{{ config(post_hook="{{ view_on_other_shards() }}") }}

-- Changes of settings: {{ changes_of_project_settings() }}
select
    project_id,
    name as project_name,
    timezone,
    currency,
    retention_days,
    privacy
from {{ source('raw', 'projects') }}
