-- Rules: {{ lookup_rules('user_agents') }}
select
    user_agent,
    browser_family,
    browser_major,
    os_family,
    os_version,
    device_type,
    bot_kind
from {{ source('raw', 'user_agents') }} final
