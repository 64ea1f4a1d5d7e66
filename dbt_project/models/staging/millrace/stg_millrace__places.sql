-- Rules: {{ lookup_rules('places') }}
select ip, country, region, city
from {{ source('raw', 'places') }} final
