select
    event,
    owner,
    description,
    message_type,
    deprecated,
    properties,
    required_properties,
    personal_properties,
    synonyms
from {{ source('raw', 'event_types') }}
