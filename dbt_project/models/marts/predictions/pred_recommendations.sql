{{ config(materialized='view', sql_security='definer', definer='CURRENT_USER') }}

select
    {{ key_of('project_id', 'person_id') }} as person_key,
    project_id,
    person_id,
    rank,
    product_id,
    score,
    way,
    as_of,
    model_version
from {{ ref('stg_ml__recommendations') }}
