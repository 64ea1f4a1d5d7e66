-- A scoring tells of everybody who is asked about on its day: whom the last one does not tell of is not asked about.
select
    project_id,
    day as local_date,
    person_key,
    probability,
    risk_band,
    reasons,
    horizon_days,
    model_version,
    written_at
from {{ source('ml', 'churn') }} final
where (project_id, day, written_at) in (
    select scoring.project_id, scoring.day, max(scoring.written_at) from {{ source('ml', 'churn') }} as scoring
    group by scoring.project_id, scoring.day
)
