-- A run tells of all days of a series: what it does not tell of is forecast no more. The newest run is that which knew
-- most days; whoever asks what was to be expected half a year ago does not change what is expected now.
select
    project_id,
    series,
    made_on,
    day,
    days_ahead,
    expected,
    lower_50,
    upper_50,
    lower_80,
    upper_80,
    lower_95,
    upper_95,
    method,
    model_version,
    written_at
from {{ source('ml', 'forecasts') }} final
where (project_id, series, (made_on, written_at)) in (
    select scoring.project_id, scoring.series, max((scoring.made_on, scoring.written_at))
    from {{ source('ml', 'forecasts') }} as scoring
    group by scoring.project_id, scoring.series
)
