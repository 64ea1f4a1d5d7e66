-- Rules: {{ lookup_rules('referrers') }}
select host, kind, name
from {{ source('raw', 'referrers') }} final
