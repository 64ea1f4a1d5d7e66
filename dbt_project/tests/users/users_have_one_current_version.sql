{{ config(meta={'dimension': 'uniqueness'}) }}

select person_key, countIf(is_current) as current_versions
from {{ ref('dim_users') }}
group by person_key
having current_versions != 1
