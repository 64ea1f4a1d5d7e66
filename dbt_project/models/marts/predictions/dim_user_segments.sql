{{ config(materialized='view', sql_security='definer', definer='CURRENT_USER') }}

select
    {{ key_of('project_id', 'person_id', 'valid_from') }} as user_segment_key,
    {{ key_of('project_id', 'person_id') }} as person_key,
    project_id,
    person_id,
    valid_from,
    valid_to,
    (valid_to = {{ end_of_time() }})::Bool as is_current,
    segment_id,
    segment,
    model_version
from {{ ref('stg_ml__segment_members') }}
